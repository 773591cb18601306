package relay

import (
	"fmt"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

// place is how far a relay has come in the stream that it passes on.
type place struct {
	at    event.Cursor // what the follower was given lies before it
	begun bool         // there is a stream
	own   bool         // it is numbered here, as the upstream gives no cursors
}

// goOn begins another stream where the next event is of one.
func (p *place) goOn(next *client.Event, types *event.Catalogue) {
	c, err := event.ParseCursor(next.ID)
	switch {
	case err != nil && !(p.begun && p.own):
		*p = place{at: event.Cursor{Epoch: event.NewEpoch()}, begun: true, own: true}
	case err == nil && !(p.begun && c.Epoch == p.at.Epoch):
		*p = place{at: c, begun: true}
		if id, ok := types.Lookup(next.Type); ok {
			p.at.Pos[types.Type(id).Priority]-- // it begins right before it
		}
	}
}

// settle begins at the end of the upstream's stream, where no event has come that says
// where that is. It reports whether that is news.
func (p *place) settle(end event.Cursor) bool {
	if p.begun && (end.Epoch == p.at.Epoch || end == event.Cursor{}) {
		return false
	}
	*p = place{at: end, begun: true}
	if (end == event.Cursor{}) {
		*p = place{at: event.Cursor{Epoch: event.NewEpoch()}, begun: true, own: true}
	}
	return true
}

// skip leaves a position out in every class of a stream that is numbered here, which
// tells clients of a loss. In another one the next event shows what is missing.
func (p *place) skip() {
	if p.own {
		for class := range p.at.Pos {
			p.at.Pos[class]++
		}
	}
}

// rank gives an event whose type nobody knows here the class that it has upstream: that
// in which its position is a new one. Without cursors it stays medium.
func (p *place) rank(id string, e *event.Event) {
	after, err := event.ParseCursor(id)
	if err != nil {
		return
	}
	for _, class := range event.Priorities() {
		if after.Pos[class] == p.at.Pos[class]+1 {
			e.Priority = class
			return
		}
	}
}

// move moves over what came under an id, and returns the position of its event in its
// class. An event that cannot be used for a reason leaves its position out.
func (p *place) move(id string, e *event.Event, reason error) (position uint64, err error) {
	after, idErr := event.ParseCursor(id)
	if idErr != nil {
		class := event.Medium // of an event that nobody knows
		if reason == nil {
			class = e.Priority
		}
		p.at.Pos[class]++
		return p.at.Pos[class], reason
	}
	if reason == nil && after.Pos[e.Priority] <= p.at.Pos[e.Priority] {
		reason = fmt.Errorf("%s is of %v priority here, and of another one there", e.Name(), e.Priority)
	}
	for class, n := range after.Pos {
		p.at.Pos[class] = max(p.at.Pos[class], n)
	}
	if reason != nil {
		return 0, reason
	}
	return after.Pos[e.Priority], nil
}

// epochOf is the stream of a cursor; 0 if it is none.
func epochOf(id string) event.Epoch {
	c, err := event.ParseCursor(id)
	if err != nil {
		return 0
	}
	return c.Epoch
}
