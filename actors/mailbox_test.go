package actors

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/asynkron/protoactor-go/actor"
)

func TestMailboxStates(t *testing.T) {
	const idle, behind = uint32(0), isBehind | isScheduled
	for _, test := range []struct {
		name  string
		state uint32
		do    func(m *mailbox) bool
		want  bool
		after uint32
		done  int64 // how often the gate was told
	}{
		{"a wake schedules", idle, wokeBehind, true, hasWake | behind, 0},
		{"a second wake is nothing new", hasWake | behind, wokeBehind, false, hasWake | behind, 0},
		{"a wake while running", behind, wokeBehind, false, hasWake | behind, 0},
		{"a wake of one released is not waited for", isReleased | isBlocked, wokeBehind, false, hasWake | isScheduled | isReleased | isBlocked, 0},
		{"a wake of one closed", isClosed, wokeBehind, false, isClosed, 0},

		{"settling", behind, (*mailbox).settle, true, isScheduled, 1},
		{"settling with more to read", hasWake | behind, (*mailbox).settle, false, hasWake | behind, 0},
		{"settling what was not behind", isScheduled, (*mailbox).settle, true, isScheduled, 0},
		{"settling one released", isReleased | isScheduled, (*mailbox).settle, true, isScheduled, 0},

		{"releasing", isBehind | isBlocked, (*mailbox).release, true, isReleased | isBlocked, 0},
		{"releasing what is not behind", isBlocked, (*mailbox).release, false, isBlocked, 0},

		{"closing", isScheduled, closed1, true, isScheduled | isClosed, 0},
		{"closing what is behind", behind, closed1, true, isScheduled | isClosed, 1},
		{"closing one released", isReleased, closed1, true, isReleased | isClosed, 0},
		{"closing twice", isClosed, closed1, true, isClosed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &gate{notify: func() {}}
			m := &mailbox{gate: g}
			m.state.Store(test.state)
			if got := test.do(m); got != test.want {
				t.Errorf("got %v", got)
			}
			if got := m.state.Load(); got != test.after {
				t.Errorf("state is %010b, want %010b", got, test.after)
			}
			if got := -g.behind.Load(); got != test.done {
				t.Errorf("the gate was told %d times, want %d", got, test.done)
			}
		})
	}
}

func wokeBehind(m *mailbox) bool { behind, _ := m.wake(); return behind }
func closed1(m *mailbox) bool    { m.close(); return true }

// However wakes, turns, releases and ends interleave, the count of connections
// that are behind comes out even.
func TestMailboxBehindComesOutEven(t *testing.T) {
	const (
		connections = 16
		rounds      = 2000
	)
	g := &gate{notify: func() {}}
	boxes := make([]*mailbox, connections)
	var (
		workers sync.WaitGroup
		over    atomic.Bool // no more wakes
	)
	for i := range boxes {
		m := &mailbox{gate: g}
		boxes[i] = m
		workers.Go(func() { // what runs the connection
			for turns := 0; ; turns++ {
				last := over.Load()
				m.state.And(^hasWork)
				for !m.settle() {
					m.state.And(^hasWake)
				}
				if i%2 == 0 && turns == rounds/10 {
					m.close()
				}
				if last {
					return
				}
				runtime.Gosched()
			}
		})
	}
	for range rounds { // what the PriorityQueue does
		var behind int64
		for _, m := range boxes {
			if fell, _ := m.wake(); fell {
				behind++
			}
		}
		g.behind.Add(behind)
		if m := boxes[rand.N(len(boxes))]; m.release() {
			g.behind.Add(-1)
		}
	}
	over.Store(true)
	workers.Wait()
	if n := g.behind.Load(); n != 0 {
		t.Errorf("%d connections count as behind, and none is", n)
	}
	for i, m := range boxes {
		if s := m.state.Load(); s&(isBehind|isReleased) != 0 {
			t.Errorf("connection %d is left in state %010b", i, s)
		}
	}
}

// recorder is what a mailbox invokes in place of an actor.
type recorder struct {
	mu      sync.Mutex
	busy    atomic.Bool
	t       *testing.T
	user    []any
	system  []any
	failed  []any // messages whose handling panicked
	handled int
	panics  func(msg any) bool
	changed chan struct{} // holds one
}

func newRecorder(t *testing.T) *recorder {
	return &recorder{t: t, changed: make(chan struct{}, 1)}
}

func (r *recorder) handle(list *[]any, msg any) {
	if !r.busy.CompareAndSwap(false, true) {
		r.t.Error("two workers run a mailbox at the same time")
	}
	defer r.busy.Store(false)
	r.mu.Lock()
	*list = append(*list, msg)
	r.handled++
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
	if r.panics != nil && r.panics(msg) {
		panic("injected")
	}
}

func (r *recorder) InvokeUserMessage(msg any)   { r.handle(&r.user, msg) }
func (r *recorder) InvokeSystemMessage(msg any) { r.handle(&r.system, msg) }

func (r *recorder) EscalateFailure(_, msg any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, msg)
}

// await waits until n messages were handled.
func (r *recorder) await(n int) {
	for {
		r.mu.Lock()
		handled := r.handled
		r.mu.Unlock()
		if handled >= n {
			return
		}
		<-r.changed
	}
}

func newMailbox(t *testing.T, d *dispatcher) (*mailbox, *recorder) {
	r := newRecorder(t)
	m := &mailbox{dispatch: d, gate: &gate{notify: func() {}}}
	m.RegisterHandlers(r, d)
	return m, r
}

func TestMailboxDeliversLetters(t *testing.T) {
	const senders, letters = 8, 500
	d := newDispatcher(3, newMetrics(metrics.NewSet(), catalogue()))
	m, r := newMailbox(t, d)
	type letterOf struct{ sender, n int }
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := range letters {
				m.PostUserMessage(letterOf{s, n})
			}
		})
	}
	wg.Wait()
	r.await(senders * letters)
	d.close()
	next := make([]int, senders)
	for _, msg := range r.user {
		l := msg.(letterOf)
		if l.n != next[l.sender] {
			t.Fatalf("letter %d of sender %d, want %d", l.n, l.sender, next[l.sender])
		}
		next[l.sender]++
	}
	if len(r.user) != senders*letters {
		t.Errorf("%d letters were delivered, want %d", len(r.user), senders*letters)
	}
}

// All that a mailbox holds is handled in one turn: letters first, in order, and
// each kind of work once however often it was signalled.
func TestMailboxTurn(t *testing.T) {
	m, r := newMailbox(t, newDispatcher(0, newMetrics(metrics.NewSet(), catalogue())))
	m.dispatch.closed = true
	for range 3 {
		m.wake()
		m.Writable()
		m.signal(hasTick)
		m.Readable()
	}
	m.PostUserMessage("first")
	m.PostSystemMessage(&actor.SuspendMailbox{}) // has no meaning here
	m.PostSystemMessage(&actor.Stop{})
	m.PostUserMessage("second")
	m.run(newScratch())
	if want := []any{"first", "second", readable{}, tick{}, writable{}, wake{}}; !slices.Equal(r.user, want) {
		t.Errorf("handled %v, want %v", r.user, want)
	}
	if len(r.system) != 1 {
		t.Errorf("system messages %v, want Stop only", r.system)
	}
	if got := m.state.Load(); got != isBehind {
		t.Errorf("state is %010b after the turn, want behind only", got)
	}
}

// A panic ends a turn. Letters that were not read yet are read in the next one.
func TestMailboxAfterPanic(t *testing.T) {
	d := newDispatcher(2, newMetrics(metrics.NewSet(), catalogue()))
	m, r := newMailbox(t, d)
	r.panics = func(msg any) bool { return msg == 2 }
	for n := range 5 {
		m.PostUserMessage(n)
	}
	r.await(5)
	d.close()
	if want := []any{0, 1, 2, 3, 4}; !slices.Equal(r.user, want) {
		t.Errorf("handled %v, want %v", r.user, want)
	}
	if want := []any{2}; !slices.Equal(r.failed, want) {
		t.Errorf("escalated %v, want %v", r.failed, want)
	}
	if m.scratch != nil || m.state.Load() != 0 {
		t.Errorf("state is %010b, scratch %p; want none", m.state.Load(), m.scratch)
	}
}
