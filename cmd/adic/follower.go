package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/adic-network/router/event"
)

// A follower is a client of a router's event stream that stays connected.
type follower struct {
	client  *http.Client
	router  *url.URL
	token   string
	query   url.Values // the filter
	since   string     // where to start: a cursor, "earliest", or "" for the present
	printer printer
	learn   func(map[string]event.Priority) // is told the priority of each type; nil if nobody asks
	notice  func(format string, args ...any)
	sleep   func(ctx context.Context, d time.Duration) error

	lastID string        // where to go on
	retry  time.Duration // the least time between connections, by the server's wish
	left   uint64        // events to print; with a count of 0 it runs below 0, never to come back
}

// A printer shows what a stream carries. The caller keeps data.
type printer interface {
	event(data []byte) error
	lagged(data []byte) error
}

// errEnough ends a follower that has printed what was asked for.
var errEnough = errors.New("enough")

// A permanentError is one that trying again does not help.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// Time to the next connection: the first after a failure, and the longest
// after many.
const (
	minBackoff = time.Second
	maxBackoff = time.Minute
)

// follow prints events until it has printed count of them, or for ever if
// count is 0: until ctx is done or an error that will not go away.
func (f *follower) follow(ctx context.Context, count uint64) error {
	f.left = count
	for failures := 0; ; failures++ {
		received, err := f.connect(ctx)
		var permanent *permanentError
		switch {
		case errors.Is(err, errEnough):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &permanent):
			return err
		}
		if received {
			failures = 0
		}
		wait := max(backoff(failures), f.retry)
		if status := new(statusError); errors.As(err, &status) {
			wait = max(wait, status.wait)
		}
		f.notice("%v; trying again in %v", err, wait.Round(100*time.Millisecond))
		if err := f.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// backoff returns how long to wait after so many failures in a row. The many
// clients of a router that went away must not come back all at once, so it is
// between half of the time and the whole.
func backoff(failures int) time.Duration {
	longest := min(2*minBackoff<<min(failures, 10), maxBackoff)
	return longest/2 + rand.N(longest/2)
}

// connect follows one connection to its end, which is always an error.
func (f *follower) connect(ctx context.Context) (received bool, err error) {
	if f.lastID == "" && f.since == "" {
		// A connection that breaks before its first event leaves nothing to
		// go on from, unless the position is known before it starts.
		if f.lastID, err = f.present(ctx); err != nil {
			return false, err
		}
	}
	query := maps.Clone(f.query)
	if f.lastID == "" {
		query.Set("since", f.since)
	}
	res, err := f.get(ctx, "v1/sse/events", query, f.lastID)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || mediaType != "text/event-stream" {
		return false, &permanentError{fmt.Errorf("%s does not answer with an event stream: is it a router?", f.router.Redacted())}
	}
	if f.learn != nil {
		if err := f.learnTypes(ctx); err != nil {
			return false, err
		}
	}

	stream := newSSEReader(res.Body, f.lastID)
	for {
		e, err := stream.next()
		f.retry = min(stream.retry, maxBackoff)
		if tooLong := new(tooLongError); errors.As(err, &tooLong) {
			return received, &permanentError{err}
		}
		if err == io.EOF {
			return received, errors.New("the router closed the connection")
		}
		if err != nil {
			return received, fmt.Errorf("lost the connection: %w", err)
		}
		if e.name == "Lagged" {
			err = f.printer.lagged(e.data)
		} else {
			err = f.printer.event(e.data)
		}
		if err != nil {
			return received, &permanentError{fmt.Errorf("cannot print: %w", err)}
		}
		f.lastID = stream.lastID
		received = true
		if e.name == "Lagged" {
			continue
		}
		if f.left--; f.left == 0 {
			return received, errEnough
		}
	}
}

// present returns the cursor of the present end of the stream.
func (f *follower) present(ctx context.Context) (string, error) {
	var answer struct {
		Cursor string `json:"cursor"`
	}
	if err := f.getJSON(ctx, "v1/events", f.query, &answer); err != nil {
		return "", err
	}
	return answer.Cursor, nil
}

// learnTypes asks for the router's catalogue. A router that came back may have
// another one.
func (f *follower) learnTypes(ctx context.Context) error {
	var catalogue struct {
		Types []struct{ Name, Priority string }
	}
	if err := f.getJSON(ctx, "v1/events/types", nil, &catalogue); err != nil {
		return err
	}
	priorities := make(map[string]event.Priority, len(catalogue.Types))
	for _, t := range catalogue.Types {
		priority, err := event.ParsePriority(t.Priority)
		if err != nil {
			return &permanentError{fmt.Errorf("cannot read the router's catalogue: %w", err)}
		}
		priorities[t.Name] = priority
	}
	f.learn(priorities)
	return nil
}

func (f *follower) getJSON(ctx context.Context, path string, query url.Values, answer any) error {
	res, err := f.get(ctx, path, query, "")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return &permanentError{fmt.Errorf("cannot read the answer of %s: is it a router? %w", f.router.Redacted(), err)}
	}
	return nil
}

// get makes a request, to go on after lastID unless it is empty. Answers that
// are no success are errors, permanent unless they are passing troubles.
func (f *follower) get(ctx context.Context, path string, query url.Values, lastID string) (*http.Response, error) {
	target := f.router.JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, &permanentError{fmt.Errorf("cannot make the request: %w", err)}
	}
	setToken(req, f.token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, unreachable(f.router.Redacted(), err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	failed := readFailure(res)
	if failed.status < 500 && failed.status != http.StatusTooManyRequests {
		return nil, &permanentError{failed}
	}
	return nil, failed
}
