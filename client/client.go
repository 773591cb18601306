package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/adic-network/router/event"
)

// A Transport is a way to get events.
type Transport string

// The transports, best first.
const (
	WebSocket Transport = "websocket"
	SSE       Transport = "sse"
	Polling   Transport = "polling"
)

// Transports returns all of them, best first.
func Transports() []Transport { return []Transport{WebSocket, SSE, Polling} }

// A Policy says what becomes of events for which the buffer has no room.
type Policy int

const (
	// Block reads no further. The router then drops what this client is too slow for,
	// low priority first, and tells. It is the zero Policy.
	Block Policy = iota
	// DropOldest drops what has waited longest, low priority first, and tells with a
	// Gap whose Local is set.
	DropOldest
	// Fail ends the iteration with ErrTooSlow.
	Fail
)

// Options are what to follow, and how. The zero Options are every event from now on.
type Options struct {
	// Events are the names, aliases and prefixes (vrf.*) of types; none is all.
	Events []string
	// Priorities are of high, medium and low; none is all.
	Priorities []string
	// Since is the cursor to go on from, Event.ID of the last event that was dealt
	// with; "earliest" is all that is retained, "" what is emitted from now on.
	Since string
	// Tagged asks for events in the tagged form instead of the flat one.
	Tagged bool

	// Transports are those to use, best first; none is all of them.
	Transports []Transport
	// Token returns the access token; nil is none. It is called before every
	// connection, and when the one in use is about to expire.
	Token TokenSource
	// Header is sent with every request.
	Header http.Header
	// HTTP makes the requests, without a timeout of its own; nil is one like
	// http.DefaultClient. Close does not end its idle connections.
	HTTP *http.Client

	// Buffer is how many events may wait for the consumer; 0 is 1024.
	Buffer int
	// WhenFull says what to do when they do.
	WhenFull Policy
	// Silence is how long a connection may say nothing, not even that it is there,
	// until it is taken for dead; 0 is 45 seconds. Routers say something every 15.
	Silence time.Duration
	// RetryFirst and RetryLast are how long to wait before another attempt to connect,
	// first and after many in vain, with jitter; 0 is 1 and 60 seconds. Routers may ask
	// for more, up to RetryLast.
	RetryFirst, RetryLast time.Duration
	// OnState is told of every change of State.Transport and State.Status, by a
	// goroutine of the client, which waits for it; nil is nobody.
	OnState func(State)
}

// A TokenSource returns an access token.
type TokenSource func(context.Context) (string, error)

// StaticToken is a TokenSource of one token.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

const (
	defaultBuffer  = 1024
	defaultSilence = 45 * time.Second
)

// Client follows the events of one router. Its methods are safe for concurrent use,
// but for Events, which one goroutine at a time may iterate over.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client

	buffer  *buffer
	control chan *change
	stop    context.CancelFunc
	done    chan struct{} // the follower has ended
	first   chan struct{} // the first attempt to connect is over
	begun   sync.Once

	mu    sync.Mutex
	state State
}

// Dial begins to follow the router at rawURL, http, https, ws or wss, and returns when
// it is connected, or cannot be in a first attempt over any transport. ctx bounds only
// that.
func Dial(ctx context.Context, rawURL string, o Options) (*Client, error) {
	c, err := Open(rawURL, o)
	if err != nil {
		return nil, err
	}
	select {
	case <-c.first:
	case <-ctx.Done():
		c.Close()
		return nil, ctx.Err()
	}
	if s := c.State(); s.Status != Connected && s.Err != nil {
		c.Close()
		return nil, s.Err
	}
	return c, nil
}

// Open is Dial for who wants the events whenever the router is there: it does not
// wait for it.
func Open(rawURL string, o Options) (*Client, error) {
	p := defaultPace
	p.first, p.last = cmp.Or(o.RetryFirst, p.first), cmp.Or(o.RetryLast, p.last)
	return open(rawURL, o, p)
}

func open(rawURL string, o Options, p pace) (*Client, error) {
	base, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		o: o, base: base, http: o.HTTP,
		buffer:  newBuffer(o.Buffer, o.WhenFull),
		control: make(chan *change),
		stop:    stop,
		done:    make(chan struct{}),
		first:   make(chan struct{}),
	}
	c.state = State{Transport: o.Transports[0], Status: Connecting, Cursor: o.Since}
	f := newFollower(c, p)
	go func() {
		defer close(c.done)
		c.buffer.end(f.follow(ctx))
		c.attempted()
	}()
	return c, nil
}

// complete checks the options and fills in what is left out.
func (o *Options) complete() error {
	if len(o.Transports) == 0 {
		o.Transports = Transports()
	}
	for _, t := range o.Transports {
		if !slices.Contains(Transports(), t) {
			return fmt.Errorf("there is no transport %q; there are websocket, sse and polling", t)
		}
	}
	if o.Buffer < 0 || o.Silence < 0 || o.RetryFirst < 0 || o.RetryLast < 0 {
		return errors.New("a negative Buffer, Silence, RetryFirst or RetryLast")
	}
	if o.Buffer == 0 {
		o.Buffer = defaultBuffer
	}
	if o.Silence == 0 {
		o.Silence = defaultSilence
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Since != "" && o.Since != "earliest" {
		if _, err := event.ParseCursor(o.Since); err != nil {
			return fmt.Errorf("cannot go on from there: %w", err)
		}
	}
	return nil
}

// parseURL returns the root of a router's endpoints, over HTTP. The path of a stream
// may be part of the URL.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the router's URL: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("the router's URL %q: begin with http://, https://, ws:// or wss://", u.Redacted())
	}
	if u.Host == "" {
		return nil, fmt.Errorf("the router's URL %q has no host", u.Redacted())
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the router's URL %q: leave out what is behind the path; filters and tokens are options", u.Host+u.Path)
	}
	for _, endpoint := range []string{"/v1/ws/events", "/v1/sse/events", "/v1/events"} {
		u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), endpoint)
	}
	return u, nil
}

// Events returns the events as they come. It ends when the caller stops, when ctx is
// done, with its error, and with what no new attempt would change. A *Gap is an error
// that ends nothing. To iterate again goes on where the last iteration ended.
func (c *Client) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := c.buffer.take(ctx)
			if !yield(e, err) {
				return
			}
			if _, lost := err.(*Gap); err != nil && !lost {
				return
			}
		}
	}
}

// Subscribe adds types, by name, alias or prefix, or narrows to them who has all. It
// returns when the router has agreed; a router that cannot be reached is waited for
// until ctx is done. It holds for what is emitted from then on; but should the
// connection break before the next event comes, some that came before may follow.
func (c *Client) Subscribe(ctx context.Context, names ...string) error {
	return c.change(ctx, "Subscribe", names)
}

// Unsubscribe takes types away. With nothing left no events come until Subscribe.
func (c *Client) Unsubscribe(ctx context.Context, names ...string) error {
	return c.change(ctx, "Unsubscribe", names)
}

// change is a wish of the user that the follower fulfils.
type change struct {
	verb   string // of the protocol
	names  []string
	answer chan error // has room
}

func (c *Client) change(ctx context.Context, verb string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	ch := &change{verb, names, make(chan error, 1)}
	select {
	case c.control <- ch:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return ErrClosed
	}
	select {
	case err := <-ch.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return ErrClosed
	}
}

// Close ends the client and everything it has started. Events that have come can
// still be read; then the iteration ends with ErrClosed.
func (c *Client) Close() {
	c.stop()
	<-c.done
}

// attempted notes that the first attempt to connect is over.
func (c *Client) attempted() { c.begun.Do(func() { close(c.first) }) }
