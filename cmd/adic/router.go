package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// defaultURL is where a router listens unless told otherwise.
const defaultURL = "http://127.0.0.1:9121"

// parseRouter reads the URL of a router, which may lack the scheme, may have a
// path of its own (behind a proxy), and may be the URL of one of its streams.
func parseRouter(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &usageError{fmt.Errorf("cannot read the URL of the router: %w", errors.Unwrap(err))}
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &usageError{fmt.Errorf("%s is not the URL of a router; expected something like %s", u.Redacted(), defaultURL)}
	}
	path := strings.TrimRight(u.Path, "/")
	for _, endpoint := range []string{"/v1/events", "/v1/sse/events", "/v1/ws/events"} {
		path = strings.TrimSuffix(path, endpoint)
	}
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host, Path: path}, nil
}

// A statusError is an answer that is no success.
type statusError struct {
	status int
	text   string // what the router says is wrong, safe to print
	index  int    // of the event in a batch that is at fault; -1 for none
	// wait is after how long the router asks to be tried again; 0 if it does
	// not ask.
	wait time.Duration
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("the router answered %d %s", e.status, http.StatusText(e.status))
	if e.text != "" {
		text += ": " + e.text
	}
	return text
}

// unreachable is the error of a request to url that got no answer.
func unreachable(target string, err error) error {
	if failed := new(url.Error); errors.As(err, &failed) {
		err = failed.Err // which names the URL and the method once more
	}
	return fmt.Errorf("cannot reach the router at %s: %w", target, err)
}

// setToken sends the access token as RFC 6750 has it.
func setToken(req *http.Request, token string) {
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// maxAnswer is the most bytes that are read of an answer.
const maxAnswer = 64 << 10

// readFailure reads an answer that is no success. What is between here and the
// router may answer in another form than the router.
func readFailure(res *http.Response) *statusError {
	failed := &statusError{status: res.StatusCode, index: -1}
	if res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests {
		failed.wait = retryAfter(res.Header)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		failed.text = "the rest of its answer was lost: " + err.Error()
		return failed
	}
	var answer struct {
		Error string `json:"error"`
		Index *int   `json:"index"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		answer.Error, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
		answer.Index = nil
	}
	failed.text = printable(clip(answer.Error, 500))
	if answer.Index != nil {
		failed.index = *answer.Index
	}
	return failed
}

// retryAfter returns for how long the router wants to be left alone, in seconds
// or as a date (RFC 9110 §10.2.3). It is never 0, lest it become a busy loop.
func retryAfter(h http.Header) time.Duration {
	const least, usual = 100 * time.Millisecond, time.Second
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 16); err == nil {
		return max(time.Duration(seconds)*time.Second, least)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(time.Until(date), least)
	}
	return usual
}

// sleep waits for d, or until ctx is done and then returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
