package client

import "time"

// A Status is how a client stands with its router.
type Status string

// The statuses.
const (
	Connecting   Status = "connecting"
	Connected    Status = "connected"
	Disconnected Status = "disconnected" // waiting for the next attempt
	Idle         Status = "idle"         // nothing is subscribed
	Closed       Status = "closed"
)

// State is how a client stands at a moment.
type State struct {
	Transport  Transport
	Status     Status
	Since      time.Time // when Status became what it is
	Reconnects uint64    // connections after the first one
	Events     uint64    // that have come
	LastEvent  time.Time // when the last one came; zero if none
	Cursor     string    // behind what has come; what waits for the consumer is before it
	Err        error     // why the last connection ended, or could not be made; nil if there is one
}

// State returns the state of this moment.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// note changes the state, and tells who wants to know of it.
func (c *Client) note(change func(*State)) {
	c.mu.Lock()
	before := c.state
	change(&c.state)
	after := c.state
	turned := after.Transport != before.Transport || after.Status != before.Status
	if turned {
		c.state.Since = time.Now()
		after = c.state
	}
	c.mu.Unlock()
	if turned && c.o.OnState != nil {
		c.o.OnState(after)
	}
}
