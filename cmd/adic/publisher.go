package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A publisher sends events to a router, one request at a time.
type publisher struct {
	client   *http.Client
	url      *url.URL // of the endpoint
	token    string
	retryFor time.Duration // how long a request may be put off by the router
	sleep    func(ctx context.Context, d time.Duration) error

	accepted uint64 // events
	retried  uint64 // requests
}

// A refusalError is the router's answer to a batch with an event that it does
// not take; none of the batch was accepted.
type refusalError struct {
	index  int
	reason string
}

func (e *refusalError) Error() string { return fmt.Sprintf("event %d refused: %s", e.index, e.reason) }

// publish sends a batch, which is accepted whole or not at all. The router's
// requests to come back later are followed for as long as retryFor, and so long
// an answer that was lost is asked for again: the batch has a key, by which the
// router knows what it has accepted.
func (p *publisher) publish(ctx context.Context, batch [][]byte) error {
	body, key := bytes.Join(batch, []byte("\n")), rand.Text()
	deadline := time.Now().Add(p.retryFor)
	for {
		wait, err := p.post(ctx, body, key, len(batch))
		if err == nil {
			p.accepted += uint64(len(batch))
			return nil
		}
		if wait == 0 {
			return err
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("gave up after %v (--retry-for): %w", p.retryFor, err)
		}
		p.retried++
		if err := p.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// post sends one request. Where it is worth another try, wait is above 0: the
// time to let pass first.
func (p *publisher) post(ctx context.Context, body []byte, key string, events int) (wait time.Duration, err error) {
	// A request that is on its way is seen to its end, so that whoever
	// interrupts knows what was accepted.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("cannot make the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", key)
	setToken(req, p.token)
	res, err := p.client.Do(req)
	if err != nil {
		return p.again(err), unreachable(p.url.Redacted(), err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		failed := readFailure(res)
		if i := failed.index; i >= 0 && i < events {
			// Which event of the batch it was means nothing to the user.
			return 0, &refusalError{i, strings.TrimPrefix(failed.text, fmt.Sprintf("event %d: ", i))}
		}
		if failed.wait == 0 && slices.Contains(unclear, failed.status) {
			failed.wait = time.Second
		}
		return failed.wait, failed
	}
	var answer struct {
		Accepted int `json:"accepted"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&answer); err != nil {
		return p.again(err), fmt.Errorf("cannot read the router's answer: %w", err)
	}
	if answer.Accepted != events {
		return 0, fmt.Errorf("the router accepted %d events where %d were sent", answer.Accepted, events)
	}
	return 0, nil
}

// unclear are answers that leave open whether the batch was accepted: of a router
// in trouble, and of a proxy that lost it.
var unclear = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout}

// again returns the time to let pass after a request that failed, or 0 if
// another one would fail as well.
func (p *publisher) again(err error) time.Duration {
	op, timeout := new(net.OpError), net.Error(nil)
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		if p.accepted == 0 { // a wrong address rather than a router that restarts
			return 0
		}
	case errors.As(err, &op) && (op.Op == "read" || op.Op == "write"):
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
	case errors.As(err, &timeout) && timeout.Timeout():
	default:
		return 0
	}
	return time.Second
}
