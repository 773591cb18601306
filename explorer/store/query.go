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
