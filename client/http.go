package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer bounds an answer that is not a stream, in bytes.
	maxAnswer = 64 << 20
	// maxMessage bounds a message of a stream, in bytes; events have 128 KiB at most.
	maxMessage = 16 << 20
	// maxProblem is how much of what a router says is wrong is looked at, in bytes.
	maxProblem = 4 << 10
)

// query is the parameters that all transports share.
func (f *follower) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("events", strings.Join(f.names, ","))
	set("priority", strings.Join(f.o.Priorities, ","))
	set("since", f.cursor)
	if f.o.Tagged {
		q.Set("format", "tagged")
	}
	return q
}

func (c *Client) endpoint(path string, q url.Values) string {
	u := *c.base
	u.Path += path
	u.RawQuery = q.Encode()
	return u.String()
}

func (c *Client) header(token string) http.Header {
	h := c.o.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return h
}

// request makes a GET request.
func (c *Client) request(ctx context.Context, path string, q url.Values, token string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint(path, q), nil)
	if err != nil {
		return nil, err
	}
	req.Header = c.header(token)
	return req, nil
}

// get returns the body of an answer that is no stream.
func (c *Client) get(ctx context.Context, path string, q url.Values, token string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	req, err := c.request(ctx, path, q, token)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, refusalOf(res)
	}
	return readAll(res.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return body, err
}

// present returns the cursor of the present end of the stream; none if the node does
// not tell.
func (f *follower) present(ctx context.Context, token string) (string, error) {
	q := f.query()
	q.Set("limit", "1")
	body, err := f.get(ctx, "/v1/events", q, token)
	if refusal, ok := errors.AsType[*StatusError](err); ok && (refusal.Code == http.StatusNotFound || refusal.Code == http.StatusMethodNotAllowed) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var answer struct{ Cursor string }
	_ = json.Unmarshal(body, &answer) // what is something else has none
	return answer.Cursor, nil
}

// refusalOf makes an error of an answer that is none.
func refusalOf(res *http.Response) *StatusError {
	e := &StatusError{Code: res.StatusCode}
	if seconds, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil {
		e.retryAfter = time.Duration(seconds) * time.Second
	}
	if res.Body == nil {
		return e
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	var problem struct{ Error string }
	if err == nil && json.Unmarshal(body, &problem) == nil && problem.Error != "" {
		e.Message, e.ours = problem.Error, true
	}
	return e
}

// isType reports whether an answer is of a media type.
func isType(res *http.Response, want string) error {
	have, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || have != want {
		return fmt.Errorf("the answer is %q and not %s: is this a router?", res.Header.Get("Content-Type"), want)
	}
	return nil
}

// bare is the error of a request without its URL, which may have a secret in it.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// open connects over a transport.
func (f *follower) open(ctx context.Context, t Transport, token string) (connection, error) {
	switch t {
	case WebSocket:
		return f.openWebSocket(ctx, token)
	case SSE:
		return f.openSSE(ctx, token)
	default:
		return f.openPolling(ctx, token)
	}
}
