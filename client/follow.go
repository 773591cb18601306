package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// handshakeTimeout bounds an attempt to connect.
	handshakeTimeout = 15 * time.Second
	// suspicion is how long a transport is not tried first that connected and then
	// gave nothing: something in between may hold it up.
	suspicion = time.Minute
)

// pace is how long a follower waits between attempts, with jitter.
type pace struct {
	first, last           time.Duration // to connect; routers may ask for more
	firstProbe, lastProbe time.Duration // of a better transport
}

var defaultPace = pace{time.Second, time.Minute, 20 * time.Second, 5 * time.Minute}

// follower is the goroutine of a client, and what only it knows.
type follower struct {
	*Client
	pace   pace
	names  []string // that are subscribed; nil is all
	none   bool     // nothing is
	cursor string   // behind what has come
	last   lastID
	gap    *Gap      // told with the next event; without one, over the next connection again
	asked  []*change // that the router has not answered
	sent   int       // how many of them it was asked over this link
	retry  *backoff.ExponentialBackOff
	// suspect is until when a transport is not tried first.
	suspect map[Transport]time.Time
	refused string // the token of the last attempt that failed
	links   uint64 // how many there have been
}

func newFollower(c *Client, p pace) *follower {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = p.first, p.last, 2
	return &follower{Client: c, pace: p, names: c.o.Events, cursor: c.o.Since, retry: b, suspect: make(map[Transport]time.Time)}
}

// follow connects and reads until ctx is done, or something is wrong for good.
func (f *follower) follow(ctx context.Context) error {
	defer f.note(func(s *State) { s.Status = Closed })
	for {
		l, err := f.connect(ctx)
		if err == nil {
			err = f.read(ctx, l)
		}
		if ctx.Err() != nil {
			return ErrClosed
		}
		if err != nil {
			f.note(func(s *State) { s.Err = err })
			return err
		}
	}
}

// connect returns a connection over the best transport that there is now, however
// long that takes. Its error is for good.
func (f *follower) connect(ctx context.Context) (*link, error) {
	for ctx.Err() == nil {
		if f.none {
			f.idle(ctx)
			continue
		}
		l, err := f.try(ctx, f.order())
		if l != nil {
			return l, nil
		}
		var refusal *StatusError
		if errors.As(err, &refusal) && refusal.final() && !f.newToken(ctx, refusal) {
			return nil, err
		}
		if ctx.Err() != nil {
			break
		}
		delay := f.retry.NextBackOff()
		if refusal != nil {
			delay = max(delay, min(refusal.retryAfter, f.pace.last))
		}
		f.note(func(s *State) { s.Status, s.Err = Disconnected, err })
		f.attempted()
		f.pause(ctx, delay)
		f.note(func(s *State) { s.Status = Connecting })
	}
	return nil, ctx.Err()
}

// newToken reports whether the next attempt would be with another token than the one
// that was refused.
func (f *follower) newToken(ctx context.Context, refusal *StatusError) bool {
	if refusal.Code != http.StatusUnauthorized || f.o.Token == nil {
		return false
	}
	token, err := f.token(ctx)
	return err != nil || token != f.refused
}

// order is the transports to try, those that give nothing last.
func (f *follower) order() []Transport {
	order := slices.Clone(f.o.Transports)
	now := time.Now()
	slices.SortStableFunc(order, func(a, b Transport) int {
		switch sa, sb := f.suspect[a].After(now), f.suspect[b].After(now); {
		case sa && !sb:
			return 1
		case sb && !sa:
			return -1
		}
		return 0
	})
	return order
}

// try opens the first of the transports that works. The error is that of the last one,
// unless one of them said more.
func (f *follower) try(ctx context.Context, transports []Transport) (*link, error) {
	token, err := f.token(ctx)
	if err != nil {
		return nil, err
	}
	if f.cursor == "" { // or what comes before the first event would be lost with a connection
		if f.cursor, err = f.present(ctx, token); err != nil {
			return nil, f.refuses(token, err)
		}
	}
	var failures []error
	for _, t := range transports {
		conn, err := f.open(ctx, t, token)
		if err == nil {
			return f.linked(ctx, t, conn), nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", t, err))
		var refusal *StatusError
		if ctx.Err() != nil || errors.As(err, &refusal) && refusal.final() {
			return nil, f.refuses(token, err)
		}
	}
	return nil, errors.Join(failures...)
}

// refuses notes the token of an attempt that failed.
func (f *follower) refuses(token string, err error) error {
	f.refused = token
	return err
}

func (c *Client) token(ctx context.Context) (string, error) {
	if c.o.Token == nil {
		return "", nil
	}
	token, err := c.o.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot get a token: %w", err)
	}
	return token, nil
}

// linked makes a link of a connection, and notes it.
func (f *follower) linked(ctx context.Context, t Transport, conn connection) *link {
	f.gap = nil
	if f.links++; f.links > 1 && f.cursor == "" {
		_ = f.put(ctx, entry{gap: unknownGap()})
	}
	f.note(func(s *State) {
		s.Transport, s.Status, s.Err = t, Connected, nil
		s.Reconnects = f.links - 1
	})
	f.attempted()
	return newLink(t, conn)
}

// read takes what comes over l until that ends; over better ones, as they can be had.
// Its error is for good.
func (f *follower) read(ctx context.Context, l *link) error {
	defer func() { l.close() }()
	f.sent = 0
	every := f.pace.firstProbe
	probe := time.NewTimer(jittered(every))
	defer probe.Stop()
	for {
		if again, err := f.ask(ctx, l); again || err != nil {
			return err
		}
		select {
		case i, open := <-l.items:
			if !open {
				f.ended(ctx, l)
				return nil
			}
			if err := f.take(ctx, l, i); err != nil {
				return err
			}
		case ch := <-f.control:
			f.asked = append(f.asked, ch)
		case <-probe.C:
			if better := f.better(ctx, l); better != nil {
				l.close()
				l, every, f.sent = better, f.pace.firstProbe, 0
			}
			every = min(2*every, f.pace.lastProbe)
			probe.Reset(jittered(every))
		case <-ctx.Done():
			return nil
		}
	}
}

func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// better returns a connection over a transport that is better than that of l, if there
// is one now. Meanwhile nothing is taken from l, so that the new one goes on exactly
// where this one stops.
func (f *follower) better(ctx context.Context, l *link) *link {
	at := slices.Index(f.o.Transports, l.transport)
	if at <= 0 || f.cursor == "" {
		return nil
	}
	better, err := f.try(ctx, f.o.Transports[:at])
	if err != nil {
		return nil // there is one that works
	}
	return better
}

// ended notes how a link came to its end, and waits a little: who was sent away comes
// back later, and not with all the others.
func (f *follower) ended(ctx context.Context, l *link) {
	if ctx.Err() != nil {
		return
	}
	if !l.alive {
		f.suspect[l.transport] = time.Now().Add(suspicion)
	}
	f.note(func(s *State) { s.Status, s.Err = Disconnected, l.err })
	delay := f.retry.NextBackOff()
	if s, ok := l.conn.(*eventStream); ok {
		delay = max(delay, min(s.reader.retry, f.pace.last))
	}
	f.pause(ctx, delay)
	f.note(func(s *State) { s.Status = Connecting })
}

// take deals with what came over a link.
func (f *follower) take(ctx context.Context, l *link, i item) error {
	if !l.alive {
		l.alive = true
		f.retry.Reset()
	}
	switch i.kind {
	case isEvent:
		if i.event.ID != "" && f.last.repeats(i.event.ID) {
			return nil
		}
		f.note(func(s *State) { s.Events++; s.LastEvent = time.Now() })
		if err := f.tellGap(ctx); err != nil {
			return err
		}
		if err := f.put(ctx, entry{event: i.event}); err != nil {
			return err
		}
		if f.moved(i.event.ID); i.event.ID == "" {
			f.cursor = "" // nor can the next connection go on from anywhere, and tells of a gap
		}
	case isGap:
		f.gap = i.gap
	case isPosition:
		if err := f.tellGap(ctx); err != nil {
			return err
		}
		f.moved(i.text)
	case isSet:
		f.subscribed(l, i.names)
	case isRefusal:
		f.answer(fmt.Errorf("the router refuses: %s", i.text))
	case isExpiring:
		return f.refresh(ctx, l)
	}
	return nil
}

// tellGap hands on the gap that came last.
func (f *follower) tellGap(ctx context.Context) error {
	if f.gap == nil {
		return nil
	}
	err := f.put(ctx, entry{gap: f.gap})
	f.gap = nil
	return err
}

// moved notes how far the events have come.
func (f *follower) moved(cursor string) {
	if cursor != "" {
		f.cursor = cursor
		f.note(func(s *State) { s.Cursor = cursor })
	}
}

// put hands an entry to the consumer, who may have to make room for it.
func (f *follower) put(ctx context.Context, e entry) error {
	for {
		added, err := f.buffer.put(e)
		if added || err != nil {
			return err
		}
		select {
		case <-f.buffer.gone:
		case ch := <-f.control:
			f.asked = append(f.asked, ch) // asked when there is room
		case <-ctx.Done():
			return ErrClosed
		}
	}
}

// pause waits. What the user wishes meanwhile is asked when there is a connection.
func (f *follower) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case ch := <-f.control:
			f.asked = append(f.asked, ch)
		case <-ctx.Done():
			return
		}
	}
}

// idle waits until something is subscribed again. What was emitted before is not for
// this client.
func (f *follower) idle(ctx context.Context) {
	f.note(func(s *State) { s.Status = Idle })
	if len(f.asked) == 0 {
		select {
		case ch := <-f.control:
			f.asked = append(f.asked, ch)
		case <-ctx.Done():
			return
		}
	}
	for len(f.asked) > 0 {
		f.answer(f.apply(ctx, f.asked[0]))
	}
	if !f.none {
		f.cursor = ""
	}
}
