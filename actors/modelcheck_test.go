package actors

import (
	"encoding/json"
	"slices"

	"github.com/adic-network/router/event"
)

// ledger is one connection, or one poll, and the model of it: what is due to it
// in each class, and what it was told it lost.
type ledger struct {
	cursorless bool // its messages carry none
	*client
	asked Subscription
	all   bool
	types event.TypeSet // subscribed, by name
	prios event.PrioritySet

	from    [6]uint64 // by type: what counts has a position above this
	seen    int       // how much of the log is in due
	due     [event.NumPriorities][]logged
	told    [event.NumPriorities]uint64 // lost, says the router
	lost    [event.NumPriorities]uint64 // lost, as what came after them shows
	newest  [event.NumPriorities]uint64 // position of the last event received
	changes []change                    // not answered yet

	writes  watch
	waiting [event.NumPriorities]uint64 // position of the last event due that was in its ring before this step
}

// change is a change of the subscription when it was handled.
type change struct {
	reply   string
	events  []string
	removed event.TypeSet
	seen    int // events in the log
	oldest  [event.NumPriorities]uint64
}

func newLedger(w *world, talk string, s Subscription, start [event.NumPriorities]uint64) *ledger {
	n := &ledger{cursorless: talk == "without cursors", asked: s, all: s.All, types: s.Types, prios: s.Priorities}
	if s.All {
		n.types = w.catalogue.All()
	}
	for id := range n.from {
		n.from[id] = start[w.priorityOf(event.TypeID(id))]
	}
	switch talk {
	case "WebSocket", "without cursors":
		n.client = newClient(w.t, unlimited, &wsDecoder{})
		n.changes = []change{{reply: "Subscribed", events: n.names(w)}}
		n.writes.decode = &wsDecoder{}
	case "SSE":
		n.client = newClient(w.t, unlimited, &sseDecoder{})
		n.writes.decode = &sseDecoder{}
	}
	n.enter(w)
	if n.client != nil {
		n.onWrite = func(p []byte) error {
			n.writes.write(w, n, p)
			return nil
		}
	}
	return n
}

func (n *ledger) names(w *world) []string {
	if n.all {
		return []string{"all"}
	}
	return w.catalogue.Names(n.types)
}

func (n *ledger) wants(e logged) bool {
	return n.types.Has(e.typ) && n.prios.Has(e.class) && e.seq > n.from[e.typ]
}

// enter takes over what was published under the subscription in force.
func (n *ledger) enter(w *world) {
	for _, e := range w.log[n.seen:] {
		if n.wants(e) {
			n.due[e.class] = append(n.due[e.class], e)
		}
	}
	n.seen = len(w.log)
}

// look notes what is in the rings for the client before a step.
func (n *ledger) look(w *world) {
	var waiting [event.NumPriorities]uint64
	for p := range waiting {
		head := w.stream().classes[p].head.Load()
		for _, e := range n.due[p] {
			if e.seq <= head && n.wants(e) {
				waiting[p] = e.seq
			}
		}
	}
	w.mu.Lock()
	n.waiting = waiting
	w.mu.Unlock()
}

// change has the client send a Subscribe or an Unsubscribe.
func (n *ledger) change(w *world, s step) {
	if _, ok := n.decode.(*wsDecoder); !ok {
		return
	}
	names := []string{}
	for _, t := range s.types {
		names = append(names, w.catalogue.Type(t).Alias)
	}
	if s.all {
		names = append(names, "all")
	}
	named, before := setOf(s.types...), n.types
	c := change{reply: "Subscribed", seen: len(w.log), oldest: w.oldest()}
	verb := "Subscribe"
	switch {
	case s.kind == "unsubscribe":
		verb, c.reply = "Unsubscribe", "Unsubscribed"
		if s.all {
			named = w.catalogue.All()
		}
		n.all, n.types = false, n.types.Minus(named)
	case s.all:
		n.all, n.types = true, w.catalogue.All()
	case n.all:
		n.all, n.types = false, named
	default:
		n.types = n.types.Union(named)
	}
	for id := range n.from {
		if t := event.TypeID(id); n.types.Has(t) && !before.Has(t) {
			n.from[id] = w.emitted[w.priorityOf(t)]
		}
	}
	c.removed = before.Minus(n.types)
	c.events = n.names(w)
	n.changes = append(n.changes, c)
	w.mu.Lock()
	n.waiting = [event.NumPriorities]uint64{} // may not be wanted any more
	w.mu.Unlock()
	text, err := json.Marshal(map[string]any{"type": verb, "events": names})
	if err != nil {
		w.fail("%w", err)
	}
	n.say(string(text))
}

// check holds the next message against the model.
func (n *ledger) check(w *world, m wireMessage) {
	if w.failed() != nil {
		return // the model is off from then on
	}
	switch m.kind {
	case "Subscribed", "Unsubscribed":
		if len(n.changes) == 0 || n.changes[0].reply != m.kind || !slices.Equal(n.changes[0].events, m.events) {
			w.fail("got %v, want %+v", m, n.changes)
			return
		}
		n.answered(n.changes[0])
		n.changes = n.changes[1:]
	case "Lagged":
		for p, count := range m.dropped.Counts {
			n.told[p] += count
			if m.dropped.Unknown[p] {
				w.fail("the count of a class is unknown: %v", m)
			}
			n.checkLost(w, event.Priority(p))
		}
	case "Event":
		n.checkEvent(w, m)
	case "head", "retry":
	default:
		w.fail("unexpected: %v", m)
	}
}

// answered takes what is not due any more off the model: events that waited and
// were still to be had when their type was unsubscribed.
func (n *ledger) answered(c change) {
	for p := range n.due {
		n.due[p] = slices.DeleteFunc(n.due[p], func(e logged) bool {
			return c.removed.Has(e.typ) && e.number <= c.seen && e.seq > c.oldest[p]
		})
	}
}

// checkLost: nothing is lost that is still retained.
func (n *ledger) checkLost(w *world, p event.Priority) {
	missing := int(n.told[p] - n.lost[p])
	if missing > len(n.due[p]) {
		w.fail("%v: %d more are told to be lost, and only %d were due", p, missing, len(n.due[p]))
	} else if missing > 0 && n.due[p][missing-1].seq > w.oldest()[p] {
		w.fail("%v: position %d counts as lost and is retained", p, n.due[p][missing-1].seq)
	}
}

// checkEvent: it is due, everything due before it in its class has come or is
// told to be lost, and its cursor is exact.
func (n *ledger) checkEvent(w *world, m wireMessage) {
	e := w.published(m)
	if e.number == 0 || w.catalogue.Type(e.typ).Name != m.name {
		w.fail("%v was never published", m)
		return
	}
	p := e.class
	i := slices.IndexFunc(n.due[p], func(d logged) bool { return d.seq == e.seq })
	if i < 0 {
		w.fail("%v, position %d, is not due: it came before, or out of order, or is not wanted", m, e.seq)
		return
	}
	n.lost[p] += uint64(i)
	n.due[p] = n.due[p][i+1:]
	n.newest[p] = e.seq
	if n.lost[p] != n.told[p] {
		w.fail("%v: %d %v events were lost before it, and %d are told", m, n.lost[p], p, n.told[p])
	}
	if n.cursorless {
		return
	}
	if m.cursor.Pos[p] != e.seq {
		w.fail("%v: the cursor is %v, and its position %d", m, m.cursor, e.seq)
	}
	n.checkCursor(w, m.cursor)
}

// checkCursor: whoever goes on from c gets all that is due and has not come, and
// nothing that has.
func (n *ledger) checkCursor(w *world, c event.Cursor) {
	if c.Epoch != w.stream().epoch {
		w.fail("the cursor %v is of no stream of ours", c)
	}
	for p := range n.due {
		missing := int(n.told[p] - n.lost[p])
		switch {
		case missing < 0: // and so said by checkEvent
		case c.Pos[p] < n.newest[p]:
			w.fail("the cursor %v is before position %d of class %d, which has come", c, n.newest[p], p)
		case c.Pos[p] > w.emitted[p]:
			w.fail("the cursor %v is beyond the end of class %d", c, p)
		case missing > 0 && missing <= len(n.due[p]) && n.due[p][missing-1].seq > c.Pos[p]:
			w.fail("the cursor %v is before position %d of class %d, which is told to be lost", c, n.due[p][missing-1].seq, p)
		case missing < len(n.due[p]) && n.due[p][missing].seq <= c.Pos[p]:
			w.fail("the cursor %v is after position %d of class %d, which has not come", c, n.due[p][missing].seq, p)
		}
	}
}

// checkEnd: when everything was read, nothing is due that is not told to be lost.
func (n *ledger) checkEnd(w *world) {
	if len(n.changes) > 0 {
		w.fail("%d changes of the subscription are not answered", len(n.changes))
	}
	if n.types.Intersect(w.catalogue.OfPriorities(n.prios)).IsEmpty() {
		return // there was no event before which it could have been told
	}
	for p := range n.due {
		if missing := n.told[p] - n.lost[p]; missing != uint64(len(n.due[p])) {
			w.fail("at the end %v are still due in class %d, and %d of them told to be lost", n.due[p], p, missing)
		}
	}
}

// watch follows what is written to a client, for the priority promise: what was
// taken, and what is offered to the transport.
type watch struct {
	decode  decoder
	buf     []byte // taken, and not a whole message yet
	offered []byte
	taken   int // bytes, when that was offered
	newest  [event.NumPriorities]uint64
}

func cloneDecoder(d decoder) decoder {
	switch d := d.(type) {
	case *wsDecoder:
		c := *d
		return &c
	case *sseDecoder:
		c := *d
		return &c
	}
	panic("unknown decoder")
}

// published returns the event that m carries, none if it carries none.
func (w *world) published(m wireMessage) (e logged) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.kind == "Event" && m.n >= 1 && m.n <= len(w.log) {
		e = w.log[m.n-1]
	}
	return e
}

// events are the events in b, decoded with d, and what is left of b.
func (w *world) events(d decoder, b []byte) (events []logged, rest []byte) {
	for {
		m, size, err := d.next(b)
		if err != nil {
			w.fail("%w", err)
			return events, nil
		}
		if size == 0 {
			return events, b
		}
		b = b[size:]
		events = append(events, w.published(m))
	}
}

// write checks that nothing is offered while something more important has waited
// in its ring since before this step.
func (c *watch) write(w *world, n *ledger, p []byte) {
	took := n.pipe.taken - c.taken
	taken, rest := w.events(c.decode, append(c.buf, c.offered[:took]...))
	for _, e := range taken {
		c.newest[e.class] = max(c.newest[e.class], e.seq)
	}
	c.buf, c.offered, c.taken = slices.Clone(rest), slices.Clone(p), n.pipe.taken

	w.mu.Lock()
	waiting := n.waiting
	w.mu.Unlock()
	begun := len(c.buf) > 0 // a message that is begun is finished first
	newest := c.newest
	offered, _ := w.events(cloneDecoder(c.decode), append(slices.Clone(c.buf), p...))
	for i, e := range offered {
		for higher := event.High; higher < e.class && !(begun && i == 0); higher++ {
			if newest[higher] < waiting[higher] && w.oldest()[higher] < waiting[higher] {
				w.fail("event %d of class %v is written while position %d of class %v waits", e.seq, e.class, waiting[higher], higher)
			}
		}
		newest[e.class] = max(newest[e.class], e.seq)
	}
}
