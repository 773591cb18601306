package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/adic-network/router/event"
)

// speaker is a connection over which a router can be told something.
type speaker interface {
	// say sends a message of the protocol.
	say(ctx context.Context, message any) error
}

// message is what a client says.
type message struct {
	Type   string   `json:"type"`
	Events []string `json:"events,omitempty"`
	Token  string   `json:"token,omitempty"`
}

// ask has the router do what the user wished and it was not asked for yet. Over a
// transport that only listens, the wish becomes part of the next request: then the
// caller has to connect again.
func (f *follower) ask(ctx context.Context, l *link) (again bool, err error) {
	s, speaks := l.conn.(speaker)
	for speaks && f.sent < len(f.asked) {
		ch := f.asked[f.sent]
		if err := s.say(ctx, message{Type: ch.verb, Events: ch.names}); err != nil {
			return false, nil // the link ends, and the next one asks again
		}
		f.sent++
	}
	if speaks || len(f.asked) == 0 {
		return false, nil
	}
	l.close() // and drop what has come and is not taken: it comes once more
	behind := f.catchUp(ctx, l)
	for len(f.asked) > 0 {
		err := behind
		if err == nil {
			err = f.apply(ctx, f.asked[0])
		}
		f.answer(err)
	}
	return true, nil
}

// catchUp takes what there is for the set in force, up to now: what is subscribed next
// holds for what is emitted from now on.
func (f *follower) catchUp(ctx context.Context, l *link) error {
	token, err := f.token(ctx)
	if err != nil {
		return err
	}
	conn, err := f.openPolling(ctx, token)
	if err != nil {
		return err
	}
	defer conn.close()
	p := conn.(*poller)
	for {
		found := len(p.ready)
		for _, i := range p.ready {
			if err := f.take(ctx, l, i); err != nil {
				return err
			}
		}
		if found < pollLimit {
			return nil
		}
		if err := p.poll(); err != nil {
			return err
		}
	}
}

// answer tells the user what became of the oldest wish.
func (f *follower) answer(err error) {
	if len(f.asked) > 0 {
		f.asked[0].answer <- err
		f.asked, f.sent = f.asked[1:], max(f.sent-1, 0)
	}
}

// subscribed notes the set in force. The first one over a link answers no wish.
func (f *follower) subscribed(l *link, names []string) {
	if !l.told {
		l.told = true
		return
	}
	f.names, f.none = names, names != nil && len(names) == 0
	f.answer(nil)
}

// apply does to the set in force what the router would do.
func (f *follower) apply(ctx context.Context, ch *change) error {
	types, err := f.Types(ctx)
	if err != nil {
		return err
	}
	change, all, err := types.ParseTypes(ch.names)
	if err != nil {
		return err
	}
	set, every, err := types.ParseTypes(f.names)
	if err != nil {
		return err
	}
	if every = every || f.names == nil; every {
		set = types.All()
	}
	if f.none {
		set, every = event.TypeSet{}, false
	}
	switch {
	case ch.verb == "Unsubscribe" && all:
		set, every = event.TypeSet{}, false
	case ch.verb == "Unsubscribe":
		set, every = set.Minus(change), every && change.IsEmpty()
	case all:
		every = true
	case every:
		set, every = change, false
	default:
		set = set.Union(change)
	}
	f.names, f.none = nil, false
	if !every {
		f.names, f.none = types.Names(set), set.IsEmpty()
	}
	return nil
}

// Types returns the catalogue of the router: its types, their priorities and fields.
func (c *Client) Types(ctx context.Context) (*event.Catalogue, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	body, err := c.get(ctx, "/v1/events/types", nil, token)
	if err != nil {
		return nil, fmt.Errorf("cannot get the types of the router: %w", err)
	}
	var page struct {
		Types   json.RawMessage
		Records map[string]json.RawMessage
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("cannot read the types of the router: %w", err)
	}
	file := map[string]json.RawMessage{"events": page.Types} // as a catalogue has them
	maps.Copy(file, page.Records)
	text, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the types of the router: %w", err)
	}
	return event.ParseCatalogue(text)
}

// refresh gives the router a new token, before the one in use expires.
func (f *follower) refresh(ctx context.Context, l *link) error {
	s, speaks := l.conn.(speaker)
	if !speaks || f.o.Token == nil {
		return nil
	}
	token, err := f.token(ctx)
	if err != nil {
		f.note(func(s *State) { s.Err = err }) // the next connection asks again
		return nil
	}
	_ = s.say(ctx, message{Type: "Refresh", Token: token}) // or the link ends
	return nil
}

// parseSet returns the types in force as a router tells them: nil is all.
func parseSet(names []string) []string {
	if slices.Equal(names, []string{"all"}) {
		return nil
	}
	if names == nil {
		return []string{}
	}
	return names
}

// dropped is what a router says of losses: null is unknown.
type dropped struct{ High, Medium, Low *uint64 }

func (d *dropped) gap() *Gap {
	var g Gap
	for p, n := range []*uint64{d.High, d.Medium, d.Low} {
		if n == nil {
			g.Dropped.Unknown[p] = true
		} else {
			g.Dropped.Counts[p] = *n
		}
	}
	return &g
}

// typeOf returns the type of an event in either form.
func typeOf(data json.RawMessage) (string, error) {
	var e struct{ Type string }
	if err := json.Unmarshal(data, &e); err != nil {
		return "", fmt.Errorf("what came is no event: %w", err)
	}
	if e.Type == "" {
		return "", fmt.Errorf("what came is no event: it has no type")
	}
	return e.Type, nil
}
