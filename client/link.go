package client

import "context"

// connection is one connection to a router, over one of the transports.
type connection interface {
	// receive waits for what comes next. After an error it is not called again.
	receive() (item, error)
	// close ends the connection, and receive with it.
	close()
}

// item is what comes over a connection.
type item struct {
	kind  itemKind
	event Event
	gap   *Gap
	names []string // of types in force, nil for all
	text  string   // a cursor, or what the router said
}

type itemKind uint8

const (
	isAlive itemKind = iota // no more than that
	isEvent
	isGap
	isPosition // how far the events have come
	isSet      // the types in force
	isRefusal  // of the last message
	isExpiring // the token is about to
)

// link is a connection that is being read.
type link struct {
	transport Transport
	conn      connection
	items     chan item // closed at the end, after err is set
	err       error
	alive     bool // something has come; the follower's
	told      bool // the set in force, which every WebSocket begins with
	stop      context.CancelFunc
	done      chan struct{}
}

func newLink(t Transport, conn connection) *link {
	ctx, stop := context.WithCancel(context.Background())
	l := &link{transport: t, conn: conn, items: make(chan item), stop: stop, done: make(chan struct{})}
	go l.pump(ctx)
	return l
}

// pump reads until the connection ends or is closed.
func (l *link) pump(ctx context.Context) {
	defer close(l.done)
	defer close(l.items)
	for {
		i, err := l.conn.receive()
		if err != nil {
			l.err = err
			return
		}
		select {
		case l.items <- i:
		case <-ctx.Done():
			return
		}
	}
}

// close ends the link. What it has read and nobody has taken is dropped.
func (l *link) close() {
	l.stop()
	l.conn.close()
	<-l.done
}
