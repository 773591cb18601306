package check

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	webSocketPath = "v1/ws/events"
	ssePath       = "v1/sse/events"
	pollPath      = "v1/events"

	nginxUpgrade = "have the proxy pass the upgrade on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
	nginxBuffer  = "have the proxy pass events on as they come; nginx: proxy_buffering off; gzip off; and do not hide X-Accel-Buffering"
	nginxTimeout = "let streams rest longer than the heartbeats are apart; nginx: proxy_read_timeout 1h; proxy_send_timeout 1h;"
)

// A socket is an open WebSocket.
type socket struct{ conn *websocket.Conn }

// A message is what is looked at of one.
type message struct {
	Type    string
	Events  []string
	Message string
}

// dial opens a WebSocket, and returns the answer if that is no upgrade.
func (in *inspection) dial(ctx context.Context, query url.Values) (*socket, *answer, error) {
	dialing, cancel := context.WithTimeout(ctx, in.Patience)
	defer cancel()
	target := in.Router.JoinPath(webSocketPath)
	target.Scheme = strings.Replace(target.Scheme, "http", "ws", 1)
	target.RawQuery = query.Encode()
	header := make(http.Header)
	in.authorize(header)
	conn, res, err := websocket.Dial(dialing, target.String(), &websocket.DialOptions{HTTPClient: in.http, HTTPHeader: header})
	if err == nil {
		conn.SetReadLimit(maxAnswer)
		return &socket{conn}, nil, nil
	}
	if dialing.Err() != nil {
		return nil, nil, errors.New("no answer to the handshake in time")
	}
	if res == nil {
		return nil, nil, reason(err)
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // at most 1,024 bytes of it are there
	return nil, &answer{res.StatusCode, res.Header, body}, nil
}

func (s *socket) close() { _ = s.conn.CloseNow() } // nothing is to be lost

// next returns the next message that is no event.
func (s *socket) next(ctx context.Context) (m message, err error) {
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			return m, err
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return m, fmt.Errorf("received something that is not JSON: %s", clip(string(text)))
		}
		if m.Type != "Event" && m.Type != "Lagged" {
			return m, nil
		}
	}
}

func (in *inspection) webSocket(ctx context.Context) Result {
	began := time.Now()
	s, refused, err := in.dial(ctx, nil)
	if err != nil {
		return failed(nginxUpgrade, "no WebSocket: %v", err)
	}
	if refused != nil {
		switch refused.status {
		case http.StatusOK, http.StatusBadRequest, http.StatusUpgradeRequired:
			return failed(nginxUpgrade, "the upgrade did not reach the router: answered %s", refused.says())
		}
		return refusal(refused)
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(ctx, in.Patience)
	defer cancel()
	m, err := s.next(ctx)
	if err != nil || m.Type != "Subscribed" {
		return failed("is this a router? See its log", "the first message is not Subscribed: %q %v", clip(m.Type), err)
	}
	greeted := since(began)
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(`{"type":"Ping"}`)); err != nil {
		return failed("see the log of the proxy", "cannot send: %v", err)
	}
	if m, err = s.next(ctx); err != nil || m.Type != "Pong" {
		return failed("does the proxy pass on what clients send?", "Ping is answered with %q %v", clip(m.Type), err)
	}
	in.seen.webSocket = true
	return ok("subscribed after %v, Ping is answered", greeted)
}

// An eventStream is an open SSE stream.
type eventStream struct {
	res   *http.Response
	lines *bufio.Scanner
	end   context.CancelFunc
}

func (in *inspection) subscribe(ctx context.Context, query url.Values, header http.Header) (*eventStream, *answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(in.Patience, cancel)
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Accept", "text/event-stream")
	header.Set("Accept-Encoding", "gzip") // as browsers do
	res, err := in.open(ctx, http.MethodGet, in.Router, ssePath, query, header)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if !late.Stop() {
		cancel()
		res.Body.Close()
		return nil, nil, errors.New("no answer in time")
	}
	if mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || res.StatusCode != http.StatusOK || mediaType != "text/event-stream" {
		defer cancel()
		defer res.Body.Close()
		late := time.AfterFunc(in.Patience, cancel)
		defer late.Stop()
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status says enough
		return nil, &answer{res.StatusCode, res.Header, body}, nil
	}
	s := &eventStream{res: res, lines: bufio.NewScanner(res.Body), end: cancel}
	s.lines.Buffer(nil, maxAnswer)
	return s, nil, nil
}

func (s *eventStream) close() {
	s.end()
	s.res.Body.Close()
}

// line waits for the next line that is not empty, no longer than patience.
func (s *eventStream) line(patience time.Duration) (string, error) {
	late := time.AfterFunc(patience, s.end)
	defer late.Stop()
	for s.lines.Scan() {
		if text := s.lines.Text(); text != "" {
			return text, nil
		}
	}
	if err := s.lines.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

func (in *inspection) eventStream(ctx context.Context) Result {
	began := time.Now()
	s, refused, err := in.subscribe(ctx, nil, nil)
	if err != nil {
		return failed(nginxBuffer, "no event stream: %v; a proxy that collects answers gives none until it has enough", err)
	}
	if refused != nil {
		if refused.status == http.StatusOK {
			return failed("is this a router, and does the proxy pass its answers on unchanged?", "the answer is %q, not an event stream", refused.header.Get("Content-Type"))
		}
		return refusal(refused)
	}
	defer s.close()
	if encoding := s.res.Header.Get("Content-Encoding"); encoding != "" {
		return failed(nginxBuffer, "the stream is compressed on the way (%s), which holds events back", clip(encoding))
	}
	// A router sends retry: with the head.
	if _, err := s.line(in.Patience); err != nil {
		return failed(nginxBuffer, "the head of the answer comes, and nothing behind it: something in between collects it")
	}
	in.seen.sse = true
	return ok("events come as they are sent, the first bytes after %v", since(began))
}

// hold keeps a stream of each kind open, and wants a heartbeat on it.
func (in *inspection) hold(ctx context.Context) Result {
	if in.Hold == 0 {
		return skipped("--hold is 0")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan string, 2)
	beat := make(chan bool, 1) // whether the event stream had one
	held := 0
	if in.seen.webSocket {
		s, refused, err := in.dial(ctx, nil)
		if err != nil || refused != nil {
			return failed("see the check of WebSocket", "a second WebSocket cannot be opened")
		}
		defer s.close()
		held++
		go func() {
			for {
				if _, err := s.next(ctx); err != nil {
					ends <- "WebSocket"
					return
				}
			}
		}()
	}
	if in.seen.sse {
		// As few events as possible: what is looked for is what comes without them.
		s, refused, err := in.subscribe(ctx, in.quiet(), nil)
		if err != nil || refused != nil {
			return failed("see the check of SSE", "a second event stream cannot be opened")
		}
		defer s.close()
		held++
		go func() {
			for {
				text, err := s.line(in.Hold + in.Patience)
				if err != nil {
					ends <- "event stream"
					return
				}
				if strings.HasPrefix(text, ":") || strings.HasPrefix(text, "data:") {
					select {
					case beat <- true:
					default:
					}
				}
			}
		}()
	}
	began := time.Now()
	timer := time.NewTimer(in.Hold)
	defer timer.Stop()
	select {
	case which := <-ends:
		if ctx.Err() != nil {
			return skipped("interrupted")
		}
		return failed(nginxTimeout, "the %s was closed after %v without an event", which, since(began))
	case <-ctx.Done():
		return skipped("interrupted")
	case <-timer.C:
	}
	select {
	case <-beat:
	default:
		if in.seen.sse {
			return warning("see stream.heartbeat_interval (15 s unless changed), hold longer with --hold, and "+nginxBuffer,
				"no heartbeat came in %v", in.Hold)
		}
	}
	return ok("%d streams stayed open for %v, with heartbeats", held, in.Hold)
}

// quiet are the parameters of a stream that carries the last type of the catalogue
// only, where that is known.
func (in *inspection) quiet() url.Values {
	if n := len(in.seen.types); n > 0 {
		return url.Values{"events": {in.seen.types[n-1]}}
	}
	return nil
}

// load holds many streams at once, for a moment.
func (in *inspection) load(ctx context.Context) Result {
	if in.Connections == 0 {
		return skipped("--connections is 0")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*in.Patience)
	defer cancel()
	type outcome struct {
		took time.Duration
		why  string // it failed
	}
	outcomes := make(chan outcome, in.Connections)
	release := make(chan struct{})
	defer close(release)
	for i := range in.Connections {
		go func() {
			began := time.Now()
			var closing func()
			var refused *answer
			var err error
			if in.seen.webSocket && (i%2 == 0 || !in.seen.sse) {
				var s *socket
				if s, refused, err = in.dial(ctx, in.quiet()); s != nil {
					closing = s.close
				}
			} else {
				var s *eventStream
				if s, refused, err = in.subscribe(ctx, in.quiet(), nil); s != nil {
					closing = s.close
				}
			}
			switch {
			case err != nil:
				outcomes <- outcome{why: err.Error()}
			case refused != nil:
				outcomes <- outcome{why: "answered " + refused.says()}
			default:
				outcomes <- outcome{took: time.Since(began)}
				<-release
				closing()
			}
		}()
	}
	var slowest time.Duration
	bad, why := 0, ""
	for range in.Connections {
		o := <-outcomes
		if slowest = max(slowest, o.took); o.why != "" {
			bad, why = bad+1, o.why
		}
	}
	if bad > 0 {
		return failed("see the limits of the router (api.max_*_connections, limits) and of the proxy (nginx: worker_connections, worker_rlimit_nofile)",
			"%d of %d connections could not be opened: %s", bad, in.Connections, why)
	}
	return ok("%d connections at once, the slowest opened after %v", in.Connections, slowest.Round(time.Millisecond))
}
