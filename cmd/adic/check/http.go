package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

// An answer is an HTTP response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get asks the router for a path.
func (in *inspection) get(ctx context.Context, path string, query url.Values, header http.Header) (*answer, error) {
	return in.ask(ctx, http.MethodGet, in.Router, path, query, header)
}

func (in *inspection) ask(ctx context.Context, method string, base *url.URL, path string, query url.Values, header http.Header) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, in.Patience)
	defer cancel()
	res, err := in.open(ctx, method, base, path, query, header)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", reason(err))
	}
	return &answer{res.StatusCode, res.Header, body}, nil
}

// open makes a request and returns the response with its body unread, until ctx ends.
func (in *inspection) open(ctx context.Context, method string, base *url.URL, path string, query url.Values, header http.Header) (*http.Response, error) {
	target := base.JoinPath(path)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	in.authorize(req.Header)
	res, err := in.http.Do(req)
	if err != nil {
		return nil, reason(err)
	}
	return res, nil
}

func (in *inspection) authorize(h http.Header) {
	if in.Token != "" {
		h.Set("Authorization", "Bearer "+in.Token)
	}
}

// reason is err without the URL, in which a token could be.
func reason(err error) error {
	if failed := new(url.Error); errors.As(err, &failed) {
		err = failed.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}

// says is what an answer that is no success says, in the words of whoever gave it.
func (a *answer) says() string {
	text := fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	var e struct{ Error string }
	if json.Unmarshal(a.body, &e) == nil && e.Error != "" {
		return text + ": " + clip(e.Error)
	}
	return text
}

// clip bounds what others have written.
func clip(s string) string {
	const most = 300
	if s = strings.ToValidUTF8(s, "?"); len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// refusal explains a refused stream or request by its status.
func refusal(a *answer) Result {
	switch a.status {
	case http.StatusUnauthorized:
		return failed("give a token of a subscriber with --token (auth.subscribe)", "answered %s", a.says())
	case http.StatusForbidden:
		return failed("see auth.subscribe and api.cors_origins of the router, and the rules of the proxy", "answered %s", a.says())
	case http.StatusNotFound, http.StatusMovedPermanently, http.StatusFound, http.StatusPermanentRedirect, http.StatusTemporaryRedirect:
		return failed("is the URL that of the router, with the path it has behind the proxy? Clients of streams do not follow redirects", "answered %s", a.says())
	case http.StatusTooManyRequests:
		return failed("a limit was reached: see limits and adic_rejections_total", "answered %s", a.says())
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return failed("the proxy does not reach the router: is it running, and is the address in the proxy's configuration right?", "answered %s", a.says())
	case http.StatusServiceUnavailable:
		return failed("it is switched off, full or shutting down: see api.enable_websocket, api.enable_sse and /v1/health/streaming", "answered %s", a.says())
	}
	return failed("see the log of the router, and of the proxy", "answered %s", a.says())
}

// since is how long ago it was, to be read.
func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
