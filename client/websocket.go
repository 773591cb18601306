package client

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// socket is a WebSocket.
type socket struct {
	conn  *websocket.Conn
	ctx   context.Context // of its life
	stop  context.CancelFunc
	watch chan struct{} // closed when nobody pings any more
}

func (f *follower) openWebSocket(ctx context.Context, token string) (connection, error) {
	q := f.query()
	q.Set("ids", "true")
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, f.endpoint("/v1/ws/events", q), &websocket.DialOptions{HTTPClient: f.http, HTTPHeader: f.header(token)})
	if err != nil {
		if res != nil && res.StatusCode != 101 {
			return nil, refusalOf(res)
		}
		return nil, bare(err)
	}
	conn.SetReadLimit(maxMessage)
	s := &socket{conn: conn, watch: make(chan struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	go s.ping(f.o.Silence / 2)
	return s, nil
}

// ping ends the connection when the router does not answer for as long as that.
func (s *socket) ping(every time.Duration) {
	defer close(s.watch)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, every)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil {
			s.stop()
			return
		}
	}
}

func (s *socket) say(ctx context.Context, message any) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	return wsjson.Write(ctx, s.conn, message)
}

func (s *socket) close() {
	s.stop()
	_ = s.conn.CloseNow() // a closing handshake would wait for a router that may hang
	<-s.watch
}

func (s *socket) receive() (item, error) {
	kind, data, err := s.conn.Read(s.ctx)
	if err != nil {
		if status := websocket.CloseStatus(err); status != -1 {
			return item{}, fmt.Errorf("the router has closed the connection: %w", err)
		}
		return item{}, err
	}
	if kind != websocket.MessageText {
		return item{}, fmt.Errorf("a binary message came: is this a router?")
	}
	return parseMessage(data)
}

// parseMessage returns what a message of a router says. What it does not know is only
// a sign of life: later routers may say more.
func parseMessage(data []byte) (item, error) {
	var m struct {
		Type    string
		ID      string
		Event   json.RawMessage
		Events  []string
		Dropped *dropped
		Message string
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return item{}, fmt.Errorf("what came is no message of a router: %w", err)
	}
	switch m.Type {
	case "Event":
		name, err := typeOf(m.Event)
		return item{kind: isEvent, event: Event{ID: m.ID, Type: name, Data: m.Event}}, err
	case "Lagged":
		if m.Dropped == nil {
			return item{kind: isGap, gap: unknownGap()}, nil
		}
		return item{kind: isGap, gap: m.Dropped.gap()}, nil
	case "Subscribed", "Unsubscribed":
		return item{kind: isSet, names: parseSet(m.Events)}, nil
	case "Error":
		if strings.HasPrefix(m.Message, "the token expires") {
			return item{kind: isExpiring}, nil
		}
		return item{kind: isRefusal, text: m.Message}, nil
	}
	return item{kind: isAlive}, nil
}
