package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/adic-network/router/event"
)

// Event is an event as the router sent it.
type Event struct {
	// ID is the cursor behind the event: who has dealt with it goes on there. Empty
	// if the node gives none.
	ID string
	// Type is its canonical name: "MessageAdded". A node may say an alias.
	Type string
	// Data is the event as a JSON object, in the form that the node chose. The
	// receiver owns it.
	Data json.RawMessage
}

// A Gap says that events were lost between those around it. It is an error that does
// not end the iteration.
type Gap struct {
	// Dropped says how many of each class; unknown is what nobody can count.
	Dropped event.Dropped
	// Local is set if they were dropped here, because the consumer was slow, and not
	// by the router.
	Local bool
}

func (g *Gap) Error() string {
	var parts []string
	for _, p := range event.Priorities() {
		switch {
		case g.Dropped.Unknown[p]:
			parts = append(parts, fmt.Sprintf("an unknown number of %v", p))
		case g.Dropped.Counts[p] > 0:
			parts = append(parts, fmt.Sprintf("%d %v", g.Dropped.Counts[p], p))
		}
	}
	where := ""
	if g.Local {
		where = " here, because they were not taken fast enough"
	}
	return "lost " + strings.Join(parts, ", ") + " events" + where
}

// unknownGap is a gap of which nothing is known.
func unknownGap() *Gap {
	return &Gap{Dropped: event.Dropped{Unknown: [event.NumPriorities]bool{true, true, true}}}
}

// Errors that end an iteration, beside *StatusError.
var (
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("the client is closed")
	// ErrTooSlow says that the buffer was full, and Options.WhenFull is Fail.
	ErrTooSlow = errors.New("events come faster than they are taken")
)

// A StatusError is an answer of the router other than events.
type StatusError struct {
	Code    int    // of HTTP
	Message string // what the router says is wrong; empty if it does not

	retryAfter time.Duration
	ours       bool // the answer is a router's, and not that of a proxy
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the router answered %d %s", e.Code, http.StatusText(e.Code))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// final reports whether another attempt would have the same answer.
func (e *StatusError) final() bool {
	switch e.Code {
	case http.StatusUnauthorized:
		return true
	case http.StatusBadRequest, http.StatusForbidden:
		return e.ours
	}
	return false
}

// lastID is how far the events have come, for telling repeats from news.
type lastID struct {
	cursor event.Cursor
	known  bool
}

// repeats reports whether the event of an id has come before, and otherwise notes it.
func (l *lastID) repeats(id string) bool {
	c, err := event.ParseCursor(id)
	if err != nil {
		l.known = false
		return false
	}
	if l.known && c.Epoch == l.cursor.Epoch {
		behind := true
		for p, n := range c.Pos {
			behind = behind && n <= l.cursor.Pos[p]
		}
		if behind {
			return true
		}
	}
	l.cursor, l.known = c, true
	return false
}
