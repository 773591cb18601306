package actors

import (
	"time"

	"github.com/adic-network/router/event"
)

// session is what a Connection speaks with its client: WebSocket or SSE. Like
// the Connection it belongs to, it is used by one goroutine at a time. What its
// methods send they append to the output of the Connection.
type session interface {
	// open sends what comes before all else.
	open(c *Connection)
	// receive takes bytes from the client. It owns data until it returns, and
	// may change it. An error ends the connection; a *closeError is told first.
	receive(c *Connection, data []byte) error
	// lagged tells of events that were dropped.
	lagged(c *Connection, lost event.Dropped)
	// tick does what is due at now, and returns when something is due next.
	tick(c *Connection, now time.Time) (next time.Time, err error)
	// expiring tells that the client's token is good for that much longer.
	expiring(c *Connection, left time.Duration)
	// goAway says good-bye. It reports whether the client has to answer before
	// the connection may be closed.
	goAway(c *Connection, code uint16, reason string) (answered bool)
	// sent counts messages that were written.
	sent(t *traffic, messages, bytes int)
}
