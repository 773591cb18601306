package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// A socket is a WebSocket client that reads all the time, and of which a test can
// have many.
type socket struct {
	conn *websocket.Conn
	done chan struct{} // closed when the connection has ended

	mu    sync.Mutex
	texts []string

	// To be read after done.
	code  int       // of the close frame, 1006 if there was none
	ended time.Time // when it came
}

var dialer = &websocket.Dialer{HandshakeTimeout: deadline, TLSClientConfig: anyone}

// openSocket opens a WebSocket, which is ended when the test ends.
func openSocket(t *testing.T, r *router, query string) *socket {
	t.Helper()
	conn, res, err := dialer.Dial(r.ws()+"/v1/ws/events"+query, nil)
	if err != nil {
		t.Fatalf("cannot open a WebSocket: %v (%v)", err, res)
	}
	s := &socket{conn: conn, done: make(chan struct{})}
	go s.read()
	t.Cleanup(s.close)
	eventually(t, "the WebSocket is open", func() bool { return len(s.received()) > 0 })
	return s
}

// refused tries to open a WebSocket, which has to be refused, and returns how.
func refused(t *testing.T, r *router) *http.Response {
	t.Helper()
	conn, res, err := dialer.Dial(r.ws()+"/v1/ws/events", nil)
	if err == nil {
		conn.Close()
		t.Fatal("a WebSocket was opened that should have been refused")
	}
	if res == nil {
		t.Fatalf("a WebSocket was not refused but failed: %v", err)
	}
	return res
}

// read runs until the connection ends.
func (s *socket) read() {
	defer close(s.done)
	for {
		_, text, err := s.conn.ReadMessage()
		if err != nil {
			s.code, s.ended = websocket.CloseAbnormalClosure, time.Now()
			if closed := new(websocket.CloseError); errors.As(err, &closed) {
				s.code = closed.Code
			}
			s.conn.Close()
			return
		}
		s.mu.Lock()
		s.texts = append(s.texts, string(text))
		s.mu.Unlock()
	}
}

func (s *socket) close() {
	s.conn.Close()
	<-s.done
}

// received returns what has come so far.
func (s *socket) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts[:len(s.texts):len(s.texts)]
}

// records returns what has come so far, the first message included.
func (s *socket) records(t *testing.T) []record {
	t.Helper()
	var records []record
	for _, text := range s.received() {
		records = append(records, parseRecord(t, text))
	}
	return records
}

// hasEnded reports whether the connection has ended.
func (s *socket) hasEnded() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// await waits for the connection to end.
func (s *socket) await(t *testing.T) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(deadline):
		t.Fatalf("waited %v in vain for a connection to end", deadline)
	}
}

// say sends a text, unless the connection has ended meanwhile.
func (s *socket) say(t *testing.T, text string) {
	t.Helper()
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Logf("cannot send: %v", err)
	}
}

// reset ends a connection as a failing network does.
func reset(t *testing.T, s *socket) {
	t.Helper()
	if err := s.conn.NetConn().(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	s.close()
}

// tryOpen opens a WebSocket, or says why it cannot. The caller closes it.
func tryOpen(r *router) (*socket, error) {
	conn, res, err := dialer.Dial(r.ws()+"/v1/ws/events", nil)
	if err != nil && res != nil {
		return nil, fmt.Errorf("%s: %w", res.Status, err)
	}
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, done: make(chan struct{})}
	go s.read()
	return s, nil
}
