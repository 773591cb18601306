package client

import (
	"fmt"

	"github.com/adic-network/router/event"
)

// A Place is how far somebody has come in the stream of a router that is kept or passed
// on with the positions that its events have there. A node that gives no cursors is
// numbered here. The zero Place is before the first event of any stream.
type Place struct {
	At    event.Cursor // what was dealt with lies before it
	Begun bool         // there is a stream
	Own   bool         // it is numbered here
}

// GoOn begins another stream where the next event is of one.
func (p *Place) GoOn(next *Event, types *event.Catalogue) {
	c, err := event.ParseCursor(next.ID)
	switch {
	case err != nil && !(p.Begun && p.Own):
		*p = Place{At: event.Cursor{Epoch: event.NewEpoch()}, Begun: true, Own: true}
	case err == nil && !(p.Begun && c.Epoch == p.At.Epoch):
		*p = Place{At: c, Begun: true}
		if id, ok := types.Lookup(next.Type); ok {
			p.At.Pos[types.Type(id).Priority]-- // it begins right before it
		}
	}
}

// Settle begins at the end of the upstream's stream, where no event has come that says
// where that is. It reports whether that is news.
func (p *Place) Settle(end event.Cursor) bool {
	if p.Begun && (end.Epoch == p.At.Epoch || end == event.Cursor{}) {
		return false
	}
	*p = Place{At: end, Begun: true}
	if (end == event.Cursor{}) {
		*p = Place{At: event.Cursor{Epoch: event.NewEpoch()}, Begun: true, Own: true}
	}
	return true
}

// Skip leaves a position out in every class of a stream that is numbered here, which
// tells clients of a loss. In another one the next event shows what is missing.
func (p *Place) Skip() {
	if p.Own {
		for class := range p.At.Pos {
			p.At.Pos[class]++
		}
	}
}

// Rank gives an event whose type nobody knows here the class that it has upstream: that
// in which its position is a new one. Without cursors it stays medium.
func (p *Place) Rank(id string, e *event.Event) {
	after, err := event.ParseCursor(id)
	if err != nil {
		return
	}
	for _, class := range event.Priorities() {
		if after.Pos[class] == p.At.Pos[class]+1 {
			e.Priority = class
			return
		}
	}
}

// Move moves over what came under an id, and returns the position of its event in its
// class. An event that cannot be used for a reason leaves its position out.
func (p *Place) Move(id string, e *event.Event, reason error) (position uint64, err error) {
	after, idErr := event.ParseCursor(id)
	if idErr != nil {
		class := event.Medium // of an event that nobody knows
		if reason == nil {
			class = e.Priority
		}
		p.At.Pos[class]++
		return p.At.Pos[class], reason
	}
	if reason == nil && after.Pos[e.Priority] <= p.At.Pos[e.Priority] {
		reason = fmt.Errorf("%s is of %v priority here, and of another one there", e.Name(), e.Priority)
	}
	for class, n := range after.Pos {
		p.At.Pos[class] = max(p.At.Pos[class], n)
	}
	if reason != nil {
		return 0, reason
	}
	return after.Pos[e.Priority], nil
}

// EpochOf returns the stream of a cursor; 0 if it is none.
func EpochOf(id string) event.Epoch {
	c, err := event.ParseCursor(id)
	if err != nil {
		return 0
	}
	return c.Epoch
}
