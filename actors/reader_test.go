package actors

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// place is the model of a reader: for each class the list of all events, and
// which of them the subscriber is still to get.
type place struct {
	due  [event.NumPriorities][]listed
	lost event.Dropped
}

type listed struct {
	seq uint64
	typ event.TypeID
}

func (l *place) drop(keep func(p event.Priority, e listed) bool) {
	for p := range l.due {
		kept := l.due[p][:0]
		for _, e := range l.due[p] {
			if keep(event.Priority(p), e) {
				kept = append(kept, e)
			}
		}
		l.due[p] = kept
	}
}

// A reader is given what the list holds, in order, and counts what the rings
// have overtaken, through any changes of its subscription.
func TestReaderAgainstList(t *testing.T) {
	classOf := func(t event.TypeID) event.Priority { return event.Priority(t % event.NumPriorities) }
	types := rapid.SliceOfNDistinct(rapid.SampledFrom([]event.TypeID{0, 1, 2, 3, 4, 5, 66, 131}), 1, 4, rapid.ID)
	rapid.Check(t, func(t *rapid.T) {
		retain := [event.NumPriorities]int{}
		for p := range retain {
			retain[p] = rapid.IntRange(1, 9).Draw(t, "retain")
		}
		s := newStream(1, retain, catalogue())
		set := setOf(types.Draw(t, "set")...)
		var (
			r     reader
			model place
			lost  event.Dropped
		)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"emit", "emit", "read", "read", "catch up", "subscribe", "unsubscribe"}).Draw(t, "op") {
			case "emit":
				for _, typ := range rapid.SliceOfN(typesOf(8), 1, 12).Draw(t, "events") {
					p := classOf(typ)
					s.classes[p].grow(p, typ)
					if set.Has(typ) {
						model.due[p] = append(model.due[p], listed{s.classes[p].head.Load(), typ})
					}
				}
			case "read":
				p := event.Priority(rapid.IntRange(0, 2).Draw(t, "class"))
				e, overtaken := r.next(s, p, &set)
				switch due := model.due[p]; {
				case len(due) == 0:
					if e != nil || overtaken {
						t.Fatalf("next = %v, %v; nothing is due", e, overtaken)
					}
				case overtaken:
					if due[0].seq > s.classes[p].oldest() {
						t.Fatalf("event %d is retained and taken for overtaken", due[0].seq)
					}
				case e == nil || e.Seq != due[0].seq:
					t.Fatalf("next = %v, want position %d", e, due[0].seq)
				default:
					r.pos[p] = e.Seq
					model.due[p] = due[1:]
				}
			case "catch up":
				model.catchUp(s)
				lost.Add(r.catchUp(s, &set))
			case "subscribe": // as Connection.refilter does
				added := setOf(types.Draw(t, "added")...).Minus(set)
				model.catchUp(s)
				lost.Add(r.catchUp(s, &set))
				set = set.Union(added)
				r.begin(s, added, classOf)
			case "unsubscribe":
				removed := setOf(types.Draw(t, "removed")...)
				model.catchUp(s)
				lost.Add(r.catchUp(s, &set))
				set = set.Minus(removed)
				r.end(removed)
				model.drop(func(_ event.Priority, e listed) bool { return !removed.Has(e.typ) })
			}
			if lost != model.lost {
				t.Fatalf("lost %v, want %v", lost, model.lost)
			}
		}
	})
}

func typesOf(n int) *rapid.Generator[event.TypeID] {
	return rapid.Map(rapid.IntRange(0, n-1), func(i int) event.TypeID {
		return []event.TypeID{0, 1, 2, 3, 4, 5, 66, 131}[i]
	})
}

func (l *place) catchUp(s *stream) {
	l.drop(func(p event.Priority, e listed) bool {
		if e.seq > s.classes[p].oldest() {
			return true
		}
		l.lost.Counts[p]++
		return false
	})
}

// What is told of a type is gone when its cursor has passed it: a reader does
// not grow with the number of subscriptions that its client ever made.
func TestReaderForgetsFreshTypes(t *testing.T) {
	s := newStream(1, [event.NumPriorities]int{4, 4, 4}, catalogue())
	s.classes[event.High].grow(event.High, 0, 0, 3, 3)
	set := setOf(0)
	var r reader
	high := func(event.TypeID) event.Priority { return event.High }
	for range 10 {
		r.begin(s, setOf(3), high)
		r.end(setOf(3))
		r.begin(s, setOf(3), high)
	}
	if len(r.fresh) != 1 {
		t.Fatalf("%d entries for one type", len(r.fresh))
	}
	set = set.With(3)
	for {
		e, _ := r.next(s, event.High, &set)
		if e == nil {
			break
		}
		if e.Type == 3 {
			t.Fatalf("event %d was emitted before its type was subscribed", e.Seq)
		}
		r.pos[event.High] = e.Seq
	}
	r.catchUp(s, &set)
	if lost := r.catchUp(s, &set); !lost.IsZero() {
		t.Fatalf("lost %v", lost)
	}
	r.forget()
	if r.fresh != nil {
		t.Errorf("%d entries are left although the cursor has passed them", len(r.fresh))
	}
}

// A class in which more has passed than the log of types remembers is unknown.
func TestReaderLostMoreThanTheLogKnows(t *testing.T) {
	s := newStream(1, [event.NumPriorities]int{4, 4, 4}, catalogue())
	c := &s.classes[event.Medium]
	c.ring.Store(newRing(4, 2*typeLogLen))
	c.head.Store(2 * typeLogLen)
	set := setOf(1)
	var r reader
	lost := r.catchUp(s, &set)
	if want := (event.Dropped{Unknown: [event.NumPriorities]bool{event.Medium: true}}); lost != want {
		t.Errorf("lost %+v, want %+v", lost, want)
	}
	if got := r.cursor(s).Pos[event.Medium]; got != c.oldest() {
		t.Errorf("the cursor is at %d, want %d", got, c.oldest())
	}
}
