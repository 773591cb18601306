package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// publishTimeout bounds one POST. It is long, because a router under load
	// answers late, and has to end a run against one that never answers.
	publishTimeout = 30 * time.Second
	// retryBudget bounds how long one batch is offered to a router that keeps
	// answering 503.
	retryBudget = time.Minute
)

// publisher publishes the events of one run, one POST after another over one
// kept connection, so that their order is certain. Its methods belong to one
// goroutine; only accepted and begun may be read meanwhile.
type publisher struct {
	url    string
	token  string
	run    string
	size   int
	batch  int
	groups int
	mix    []class // the order in which classes are published, without groups
	clock  clock
	client *http.Client

	// accepted is the last sequence number of each class, or group, that the
	// router answered for, and so the number of its events.
	accepted [maxGroups]atomic.Uint32
	// begun counts those of a POST under way too.
	begun [maxGroups]atomic.Uint32

	next     uint64 // events accepted in all: the place in mix
	body     []byte
	response histogram // of each POST, in nanoseconds
	late     histogram // of each event: POST started after it was due
	retries  int       // POSTs answered with 503 or 429
	waited   time.Duration
	elapsed  time.Duration
	err      error
}

func newPublisher(cfg Config, host, run string, clock clock) *publisher {
	door := host
	if cfg.Peer != nil && cfg.Peer.Door != "" {
		door = cfg.Peer.Door
	}
	return &publisher{
		url:    "http://" + door + "/v1/events",
		groups: cfg.Groups,
		mix:    mix[:],
		token:  cfg.Token,
		run:    run,
		size:   cfg.Size,
		batch:  cfg.Batch,
		clock:  clock,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: publishTimeout},
	}
}

// close ends the kept connection.
func (p *publisher) close() { p.client.CloseIdleConnections() }

// total returns the number of accepted events. It is safe for concurrent use.
func (p *publisher) total() uint64 {
	var n uint64
	for c := range p.accepted {
		n += uint64(p.accepted[c].Load())
	}
	return n
}

// burst publishes n events as fast as they are taken. It ends early when ctx
// does; an error is left in p.err.
func (p *publisher) burst(ctx context.Context, n int) {
	start := p.clock.now()
	for n > 0 && p.err == nil && ctx.Err() == nil {
		count := min(n, p.batch)
		p.post(ctx, count)
		n -= count
	}
	p.elapsed += time.Duration(p.clock.now() - start)
}

// steadily publishes the events that are due in the time given at rate events a
// second. When a POST takes longer than the events are apart, the next one
// carries all that have become due; a router that is slow throughout gets the
// last of them after the time is over. It ends early when ctx does; an error is left in p.err.
func (p *publisher) steadily(ctx context.Context, rate float64, d time.Duration) {
	start := p.clock.now()
	end := start + int64(d)
	apart := float64(time.Second) / rate
	due := func(k uint64) int64 { return start + int64(float64(k)*apart) }
	for k := uint64(0); p.err == nil && ctx.Err() == nil && due(k) < end; {
		now := p.clock.now()
		if wait := due(k) - now; wait > 0 {
			sleep(ctx, time.Duration(wait))
			continue
		}
		count := 0
		for ; count < p.batch && due(k) <= now && due(k) < end; k++ {
			p.late.record(now - due(k))
			count++
		}
		p.post(ctx, count)
	}
	p.elapsed += time.Duration(p.clock.now() - start)
}

// post publishes the next n events in one request, and again for as long as the
// router asks to come back later.
func (p *publisher) post(ctx context.Context, n int) {
	for deadline := p.clock.now() + int64(retryBudget); ; {
		started := p.clock.now()
		last := p.encode(n, started)
		again, err := p.send(n)
		p.response.record(p.clock.now() - started)
		switch {
		case err != nil:
			p.err = err
			return
		case again == 0:
			p.next += uint64(n)
			for c := range last {
				p.accepted[c].Store(last[c])
			}
			return
		}
		p.retries++
		if p.clock.now()+int64(again) > deadline {
			p.err = fmt.Errorf("publishing was refused for %s with 503 or 429", retryBudget)
			return
		}
		p.waited += again
		if sleep(ctx, again); ctx.Err() != nil {
			return
		}
	}
}

// encode makes the body of n events stamped with now, and returns the last
// sequence number of each class, or group, in it.
func (p *publisher) encode(n int, now int64) (last [maxGroups]uint32) {
	for c := range last {
		last[c] = p.accepted[c].Load()
	}
	sent := time.Unix(0, now)
	p.body = p.body[:0]
	if n > 1 {
		p.body = append(p.body, '[')
	}
	for i := range n {
		if i > 0 {
			p.body = append(p.body, ',')
		}
		at := p.next + uint64(i)
		if p.groups > 0 {
			g := int(at % uint64(p.groups))
			last[g]++
			p.begun[g].Store(last[g])
			p.body = appendGroupEvent(p.body, p.run, g, last[g], sent, p.size)
			continue
		}
		c := p.mix[at%uint64(len(p.mix))]
		last[c]++
		p.begun[c].Store(last[c])
		p.body = appendEvent(p.body, p.run, c, last[c], sent, p.size)
	}
	if n > 1 {
		p.body = append(p.body, ']')
	}
	return last
}

// send posts the body of n events. A positive duration is the time after which
// the router wants to be asked again. A run that is interrupted lets the
// request end, so that it is known what was accepted.
func (p *publisher) send(n int) (again time.Duration, err error) {
	request, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return 0, fmt.Errorf("cannot publish: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("cannot publish: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return 0, fmt.Errorf("cannot read the answer to a publish: %w", err)
	}
	switch response.StatusCode {
	case http.StatusAccepted:
		var taken struct{ Accepted int }
		if err := json.Unmarshal(answer, &taken); err != nil || taken.Accepted != n {
			return 0, fmt.Errorf("published %d events and was answered %q", n, answer)
		}
		return 0, nil
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return retryAfter(response.Header.Get("Retry-After"), time.Now())
	case http.StatusUnauthorized, http.StatusForbidden:
		return 0, fmt.Errorf("publishing was refused with status %d: %s: give the router's publish token", response.StatusCode, brief(answer))
	default:
		return 0, fmt.Errorf("publishing was refused with status %d: %s", response.StatusCode, brief(answer))
	}
}

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3): seconds, or a date.
// A delay of 0 becomes a short one, so that nobody spins.
func retryAfter(header string, now time.Time) (time.Duration, error) {
	const least = 10 * time.Millisecond
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return max(time.Duration(seconds)*time.Second, least), nil
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(date.Sub(now), least), nil
	}
	return 0, fmt.Errorf("publishing was refused without a valid Retry-After: %q", header)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// brief makes one short line of an error body.
func brief(body []byte) string {
	line := strings.Join(strings.Fields(string(body)), " ")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "..."
	}
	return line
}
