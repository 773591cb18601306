package server

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// received is what a client received: an event, or what else has a name.
type received struct {
	kind string // Event, Lagged, Subscribed
	id   string // cursor, of an event
	name string // of an SSE event
	data string // the event, or the message
}

// A subscriber follows a stream over one of the transports.
type subscriber interface {
	next() received
}

// wsClient is a client made with another WebSocket implementation than ours.
type wsClient struct {
	t    *testing.T
	conn *websocket.Conn
}

// dialWS connects, and takes Subscribed off.
func (f *front) dialWS(t *testing.T, query string) *wsClient {
	t.Helper()
	c := f.dialBareWS(t, "/v1/ws/events?"+query)
	if first := c.next(); first.kind != "Subscribed" {
		t.Fatalf("the first message is %+v, want Subscribed", first)
	}
	return c
}

func (f *front) dialBareWS(t *testing.T, path string) *wsClient {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+f.addr+path, nil)
	if err != nil {
		t.Fatalf("%s: %v; %+v", path, err, res)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &wsClient{t, conn}
}

func (c *wsClient) next() received {
	c.t.Helper()
	kind, message, err := c.conn.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		c.t.Fatalf("message of type %d: %v", kind, err)
	}
	var m struct {
		Type, ID string
		Event    json.RawMessage
	}
	if err := json.Unmarshal(message, &m); err != nil {
		c.t.Fatalf("%s: %v", message, err)
	}
	if m.Type == "Event" {
		return received{kind: m.Type, id: m.ID, data: string(m.Event)}
	}
	return received{kind: m.Type, data: string(message)}
}

// leave closes the connection as a browser does, and waits for the server's answer.
func (c *wsClient) leave() {
	c.t.Helper()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := c.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := c.conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		c.t.Fatalf("the close was answered with %v", err)
	}
	c.conn.Close()
}

// sseClient reads a stream as WHATWG HTML, Server-sent events, has it.
type sseClient struct {
	*rawClient
	head *http.Response
	body *bufio.Reader

	retries, heartbeats int
	lines               []string // all there were
}

// dialSSE connects. Each of headers is a line, "Name: value".
func (f *front) dialSSE(t *testing.T, query string, headers ...string) *sseClient {
	t.Helper()
	c := &sseClient{rawClient: f.dial(t)}
	var lines strings.Builder
	for _, h := range headers {
		lines.WriteString(h + "\r\n")
	}
	c.send("GET /v1/sse/events?" + query + " HTTP/1.1\r\nHost: router\r\n" + lines.String() + "\r\n")
	var err error
	if c.head, err = http.ReadResponse(c.in, nil); err != nil {
		t.Fatal(err)
	}
	if c.head.StatusCode != http.StatusOK {
		t.Fatalf("status = %d, want 200", c.head.StatusCode)
	}
	c.body = bufio.NewReader(c.head.Body)
	return c
}

// line reads a line and returns its field.
func (c *sseClient) line() (field, value string) {
	c.t.Helper()
	line, err := c.body.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the stream ends: %v", err)
	}
	line = strings.TrimSuffix(line, "\n")
	c.lines = append(c.lines, line)
	field, value, _ = strings.Cut(line, ": ")
	switch {
	case field == "retry":
		c.retries++
	case line == ": heartbeat":
		c.heartbeats++
	}
	return field, value
}

func (c *sseClient) next() received {
	c.t.Helper()
	var r received
	for {
		switch field, value := c.line(); field {
		case "id":
			r.id = value
		case "event":
			r.name = value
		case "data":
			r.data = value
		case "retry", "": // an empty field is a comment, or the end of what came before
			if value != "" || r.name == "" {
				continue
			}
			if r.kind = "Event"; r.name == "Lagged" {
				r.kind = "Lagged"
			}
			return r
		default:
			c.t.Fatalf("field %q with value %q", field, value)
		}
	}
}

// pollClient polls for one event after the other.
type pollClient struct {
	t     *testing.T
	f     *front
	c     *rawClient
	query string
	since string
}

func (c *pollClient) next() received {
	c.t.Helper()
	res, body := c.c.request(c.f, "GET", "/v1/events?wait=20&limit=1&ids=true&since="+c.since+"&"+c.query, "")
	var p struct {
		Events []struct {
			ID    string
			Event json.RawMessage
		}
		Cursor string
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || res.StatusCode != http.StatusOK || len(p.Events) != 1 {
		c.t.Fatalf("poll: %d %s; want an event", res.StatusCode, body)
	}
	c.since = p.Cursor
	return received{kind: "Event", id: p.Events[0].ID, data: string(p.Events[0].Event)}
}

// followers are all ways to follow a stream from a cursor.
var followers = []struct {
	name string
	open func(t *testing.T, f *front, since, query string) subscriber
}{
	{"WebSocket", func(t *testing.T, f *front, since, query string) subscriber {
		return f.dialWS(t, "ids=true&since="+since+"&"+query)
	}},
	{"SSE", func(t *testing.T, f *front, since, query string) subscriber {
		return f.dialSSE(t, "since="+since+"&"+query)
	}},
	{"EventSource", func(t *testing.T, f *front, since, query string) subscriber {
		if since == "earliest" {
			return f.dialSSE(t, "since="+since+"&"+query)
		}
		// A browser comes back with its first URL, and the last id beside it.
		return f.dialSSE(t, "since=earliest&"+query, "Last-Event-ID: "+since)
	}},
	{"polling", func(t *testing.T, f *front, since, query string) subscriber {
		return &pollClient{t, f, f.dial(t), query, since}
	}},
}
