package store

import "time"

// A Key is a place in a list, behind which the next page begins. Which of its fields
// count depends on the order of the list; the zero Key is before the first.
type Key struct {
	Seq   int64   // lists in the order of Seq
	Value float64 // addresses by balance, validators by reputation; then ID
	ID    string
}

// Page is what part of a list to return.
type Page struct {
	After Key
	Limit int // at least 1
	// Oldest asks for the oldest first, in lists by Seq; else the newest are.
	Oldest bool
}

// Span is a span of time, from From inclusive to To exclusive; zero times are open.
type Span struct{ From, To time.Time }

// EventQuery selects events.
type EventQuery struct {
	Page
	Span
	Types []string // canonical names; none is all
}

// TimelineQuery selects moments of one identifier.
type TimelineQuery struct {
	EventQuery
	Kind string // one of Kinds; empty is any
}

// MessageQuery selects messages. Span is of when they were added.
type MessageQuery struct {
	Page
	Span
	State   string // empty is any
	Deposit string // state of the deposit; empty is any
}

// ProposalQuery selects proposals.
type ProposalQuery struct {
	Page
	Status string // empty is any
}

// SeriesQuery selects points of a metric.
type SeriesQuery struct {
	Span
	Metric string        // one of Metrics
	Step   time.Duration // a multiple of 10 seconds
}

// Key returns the place of e in lists of events.
func (e *Event) Key() Key { return Key{Seq: e.Seq} }

// Key returns the place of m in lists of messages.
func (m *Message) Key() Key { return Key{Seq: m.Seq} }

// Key returns the place of p in lists of proposals.
func (p *Proposal) Key() Key { return Key{Seq: p.Seq} }

// Key returns the place of a in lists of addresses.
func (a *Address) Key() Key { return Key{Value: rankOf(a.Balance), ID: a.Address} }

// Key returns the place of v in lists of validators.
func (v *Validator) Key() Key {
	key := Key{Value: unranked, ID: v.Address}
	if v.Reputation != nil {
		key.Value = *v.Reputation
	}
	return key
}
