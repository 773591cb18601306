package demo

import "container/heap"

// An agenda holds what the network is going to do, soonest first. Steps due at
// the same beat run in the order in which they were put down, so that a seed
// always tells the same story.
type agenda struct {
	steps stepHeap
	count uint64
}

type step struct {
	at    float64 // in beats
	order uint64
	do    func()
}

func (a *agenda) add(at float64, do func()) {
	a.count++
	heap.Push(&a.steps, step{at: at, order: a.count, do: do})
}

func (a *agenda) take() step { return heap.Pop(&a.steps).(step) }

// stepHeap implements heap.Interface.
type stepHeap []step

func (h stepHeap) Len() int { return len(h) }

func (h stepHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}

func (h stepHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *stepHeap) Push(s any)   { *h = append(*h, s.(step)) }

func (h *stepHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = step{} // let go of the closure
	*h = (*h)[:last]
	return s
}
