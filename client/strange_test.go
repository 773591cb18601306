package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// strange starts a server that is no router of ours.
func strange(t *testing.T, paths map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, h := range paths {
		mux.HandleFunc(path, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// says is a WebSocket that says these things, and is closed.
func says(texts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for _, text := range texts {
			if conn.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		conn.Close(websocket.StatusGoingAway, "")
	}
}

func sends(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	}
}

const nobody = "00000000abcd-"

// Whatever a server sends, a client does not crash, hang or grow: it says what is
// wrong, and goes on trying, over another transport where there is one.
func TestStrangeServers(t *testing.T) {
	for name, test := range map[string]struct {
		paths map[string]http.HandlerFunc
		only  Transport
		err   string
	}{
		"nothing there":            {nil, "", "404"},
		"a web page":               {map[string]http.HandlerFunc{"/": sends("text/html", "<h1>It works</h1>")}, SSE, "is this a router?"},
		"a page for a poll":        {map[string]http.HandlerFunc{"/": sends("text/html", "<h1>It works</h1>")}, Polling, "is this a router?"},
		"a page for a socket":      {map[string]http.HandlerFunc{"/": sends("text/html", "<h1>It works</h1>")}, WebSocket, "200"},
		"other JSON":               {map[string]http.HandlerFunc{"/": sends("application/json", `[1,2]`)}, Polling, "not that of a router"},
		"a poll without a cursor":  {map[string]http.HandlerFunc{"/": sends("application/json", `{"events":[]}`)}, Polling, "no cursor"},
		"no JSON in a socket":      {map[string]http.HandlerFunc{"/v1/ws/events": says("hello")}, WebSocket, "no message of a router"},
		"an event without a type":  {map[string]http.HandlerFunc{"/v1/ws/events": says(`{"type":"Event","event":{"a":1}}`)}, WebSocket, "has no type"},
		"an event that is a list":  {map[string]http.HandlerFunc{"/v1/ws/events": says(`{"type":"Event","event":[]}`)}, WebSocket, "no event"},
		"a message without end":    {map[string]http.HandlerFunc{"/v1/ws/events": says(strings.Repeat(" ", maxMessage+1))}, WebSocket, "read limit"},
		"a line without end":       {map[string]http.HandlerFunc{"/v1/sse/events": sends("text/event-stream", "data: "+strings.Repeat("x", maxSSELine+1))}, SSE, "a line of more than"},
		"an answer without end":    {map[string]http.HandlerFunc{"/v1/events": sends("application/json", strings.Repeat(" ", maxAnswer+2))}, Polling, "more than"},
		"a stream of other events": {map[string]http.HandlerFunc{"/v1/sse/events": sends("text/event-stream", "data: hello\n\n")}, SSE, "no event"},
		"redirects in a circle":    {map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }}, "", "redirects"},
		"a server that is ill":     {map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }}, "", "500"},
		"a proxy that forbids":     {map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }}, "", "403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Since: "earliest"}
			if test.only != "" {
				o.Transports = []Transport{test.only}
			}
			c := follow(t, strange(t, test.paths), o)
			eventually(t, "the error is told", func() bool { err := c.State().Err; return err != nil && strings.Contains(err.Error(), test.err) })
			if s := c.State(); s.Status == Closed || s.Events > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Transports that a proxy spoils are done without: here one that lets handshakes pass
// and then nothing.
func TestProxyThatHoldsUp(t *testing.T) {
	n := startNode(t)
	var attempts atomic.Int32
	hold := func(w http.ResponseWriter, r *http.Request) {
		attempts.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	forward := func(w http.ResponseWriter, r *http.Request) {
		res, err := http.Get(n.url() + r.URL.RequestURI())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}
	proxy := strange(t, map[string]http.HandlerFunc{"/v1/sse/events": hold, "/v1/events": forward})
	c := follow(t, proxy, Options{Silence: 200 * time.Millisecond})
	c.connected(t, SSE)
	c.connected(t, Polling)
	n.publish("TipsUpdated", 3)
	want(t, "by polling", c.next(t, 3), events("TipsUpdated", 1, 3))
}

// A node of the first kind: the tagged form, no cursors, nothing but a WebSocket. What
// it emits while there is no connection is lost, and that is said.
func TestNodeWithoutCursors(t *testing.T) {
	var connections atomic.Int32
	url := strange(t, map[string]http.HandlerFunc{"/v1/ws/events": func(w http.ResponseWriter, r *http.Request) {
		n := connections.Add(1)
		says(fmt.Sprintf(`{"type":"Event","event":{"type":"TipsUpdated","data":{"tips":[],"count":%d,"timestamp":1705314600}}}`, n))(w, r)
	}})
	for _, since := range []string{"", "earliest"} {
		connections.Store(0)
		c := follow(t, url, Options{Since: since, Transports: []Transport{WebSocket}})
		var got []string
		for e, err := range c.Events(t.Context()) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, string(e.Data)+e.ID)
			}
			if len(got) == 3 {
				break
			}
		}
		c.Close()
		want(t, "two connections since "+since, got, []string{
			`{"type":"TipsUpdated","data":{"tips":[],"count":1,"timestamp":1705314600}}`,
			unknownGap().Error(),
			`{"type":"TipsUpdated","data":{"tips":[],"count":2,"timestamp":1705314600}}`,
		})
	}
}

// A server that repeats itself is not believed.
func TestRepeatsAreDropped(t *testing.T) {
	const frame = `{"type":"Event","id":"` + nobody + `%d-0-0","event":{"type":"TipsUpdated","tips":[],"count":%d,"timestamp":1705314600}}`
	var texts []string
	for _, n := range []int{1, 2, 2, 1, 3} {
		texts = append(texts, fmt.Sprintf(frame, n, n))
	}
	c := follow(t, strange(t, map[string]http.HandlerFunc{"/v1/ws/events": says(texts...)}), Options{Since: "earliest", Transports: []Transport{WebSocket}})
	want(t, "each once", c.next(t, 3), events("TipsUpdated", 1, 3))
}

// A token that is about to expire is replaced over the connection, and one that has
// expired by the next connection.
func TestTokens(t *testing.T) {
	var given atomic.Int32
	refreshed := make(chan string, 1)
	url := strange(t, map[string]http.HandlerFunc{
		"/v1/events": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer token 1" {
				w.WriteHeader(http.StatusUnauthorized)
				io.WriteString(w, `{"error":"the token has expired"}`)
				return
			}
			sends("application/json", `{"events":[],"cursor":"`+nobody+`0-0-0","dropped":null}`)(w, r)
		},
		"/v1/ws/events": func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer conn.CloseNow()
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"Subscribed","events":["all"]}`))
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"Error","message":"the token expires in 60 s: send Refresh"}`))
			_, text, err := conn.Read(r.Context())
			if err == nil {
				refreshed <- r.Header.Get("Authorization") + " " + string(text)
			}
			_, _, _ = conn.Read(r.Context())
		}})
	c := follow(t, url, Options{Token: func(context.Context) (string, error) { return fmt.Sprintf("token %d", given.Add(1)), nil }})
	select {
	case got := <-refreshed:
		if !strings.HasPrefix(got, "Bearer token ") || !strings.Contains(got, `{"type":"Refresh","token":"token `) {
			t.Error(got)
		}
	case <-time.After(patience):
		t.Fatalf("%+v", c.State())
	}
	if c.State().Status != Connected {
		t.Errorf("%+v", c.State())
	}
}

// A loss is told again over the next connection, with what has been lost meanwhile,
// when the connection breaks before the event behind it. It is told once.
func TestGapIsToldWithTheNextEvent(t *testing.T) {
	const lagged, behind = `{"type":"Lagged","dropped":{"high":%d,"medium":0,"low":0}}`, `{"type":"Event","id":"` + nobody + `9-0-0","event":{"type":"TipsUpdated","tips":[],"count":9,"timestamp":1705314600}}`
	var connections atomic.Int32
	url := strange(t, map[string]http.HandlerFunc{"/v1/ws/events": func(w http.ResponseWriter, r *http.Request) {
		if connections.Add(1) == 1 {
			says(fmt.Sprintf(lagged, 5))(w, r)
			return
		}
		says(fmt.Sprintf(lagged, 8), behind)(w, r)
	}})
	c := follow(t, url, Options{Since: nobody + "1-0-0", Transports: []Transport{WebSocket}})
	want(t, "one loss", c.next(t, 2), []string{"lost 8 high events", "TipsUpdated 9"})
}
