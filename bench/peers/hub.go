package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// hubPeer is the hub that most Go programmers write: gorilla/websocket, a
// goroutine that owns the clients, and for each of them a channel and two
// goroutines, one reading and one writing.
//
// Its documents: gorilla's chat example (hub.go and client.go), from which the
// times, the small buffers, the pings and the treatment of slow clients come,
// and the package documentation for pooled write buffers ("a modest volume of
// writes across a large number of connections") and prepared messages. Unlike
// the example it does not put several messages into one, since its clients
// expect one event in each, and its channels hold a burst.
func hubPeer() peer {
	return peer{
		description: description{
			Name:      "hub",
			Module:    "github.com/gorilla/websocket",
			Transport: "websocket",
			Path:      "/ws?channel=" + placeholder,
			Ready:     subscribed,
			Setup: "A hub goroutine, and a channel and two goroutines for each client, as in gorilla's chat example, with its " +
				"buffers of 1 KiB, its ping every 54 s and its write limit of 10 s; pooled write buffers and one PreparedMessage " +
				"for all clients (package documentation). A channel holds 2,048 events instead of the example's 256, so that " +
				"a burst fits, which is 16 KiB of each client's memory; a client whose channel is full is cut off.",
		},
		start: startHub,
	}
}

const (
	hubQueue      = 2048
	hubWriteWait  = 10 * time.Second
	hubPongWait   = 60 * time.Second
	hubPingPeriod = 54 * time.Second
)

// hub owns the clients. Everything else talks to its goroutine.
type hub struct {
	clients    map[string]map[*hubClient]struct{} // by channel
	register   chan *hubClient
	unregister chan *hubClient
	broadcast  chan hubEvent
	quit       chan struct{}
	pumps      sync.WaitGroup
}

type hubEvent struct {
	channel string
	message *websocket.PreparedMessage
}

type hubClient struct {
	hub     *hub
	conn    *websocket.Conn
	channel string
	// send is closed by the hub, which ends the connection.
	send chan *websocket.PreparedMessage
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			if h.clients[c.channel] == nil {
				h.clients[c.channel] = make(map[*hubClient]struct{})
			}
			h.clients[c.channel][c] = struct{}{}
		case c := <-h.unregister:
			h.remove(c)
		case event := <-h.broadcast:
			for c := range h.clients[event.channel] {
				select {
				case c.send <- event.message:
				default:
					h.remove(c)
				}
			}
		case <-h.quit:
			for _, clients := range h.clients {
				for c := range clients {
					h.remove(c)
				}
			}
			return
		}
	}
}

// remove cuts a client off, if it is still there.
func (h *hub) remove(c *hubClient) {
	if _, ok := h.clients[c.channel][c]; ok {
		delete(h.clients[c.channel], c)
		close(c.send)
	}
}

// readPump reads until the connection ends, so that pings and closes are
// answered.
func (c *hubClient) readPump() {
	defer c.hub.pumps.Done()
	defer func() {
		select {
		case c.hub.unregister <- c:
		case <-c.hub.quit:
		}
		_ = c.conn.Close()
	}()
	c.conn.SetReadLimit(512)
	_ = c.conn.SetReadDeadline(time.Now().Add(hubPongWait))
	c.conn.SetPongHandler(func(string) error { return c.conn.SetReadDeadline(time.Now().Add(hubPongWait)) })
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
	}
}

// writePump writes what the hub sends until the connection ends.
func (c *hubClient) writePump() {
	defer c.hub.pumps.Done()
	ticker := time.NewTicker(hubPingPeriod)
	defer ticker.Stop()
	defer func() { _ = c.conn.Close() }()
	for {
		select {
		case message, ok := <-c.send:
			_ = c.conn.SetWriteDeadline(time.Now().Add(hubWriteWait))
			if !ok {
				_ = c.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if err := c.conn.WritePreparedMessage(message); err != nil {
				return
			}
		case <-ticker.C:
			_ = c.conn.SetWriteDeadline(time.Now().Add(hubWriteWait))
			if err := c.conn.WriteMessage(websocket.PingMessage, nil); err != nil {
				return
			}
		}
	}
}

func startHub(addr string, _ options) (server, error) {
	hello, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(subscribed))
	if err != nil {
		return server{}, err
	}
	h := &hub{
		clients:    make(map[string]map[*hubClient]struct{}),
		register:   make(chan *hubClient),
		unregister: make(chan *hubClient),
		broadcast:  make(chan hubEvent),
		quit:       make(chan struct{}),
	}
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: new(sync.Pool)}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // it has been answered
		}
		c := &hubClient{hub: h, conn: conn, channel: r.URL.Query().Get("channel"), send: make(chan *websocket.PreparedMessage, hubQueue)}
		c.send <- hello
		select {
		case h.register <- c:
		case <-h.quit:
			_ = conn.Close()
			return
		}
		h.pumps.Add(2)
		go c.writePump()
		go c.readPump()
	})
	streams, err := serveHTTP(addr, mux)
	if err != nil {
		return server{}, err
	}
	go h.run()
	return server{
		addr: streams.addr,
		publish: oneByOne(func(channel string, event []byte) error {
			message, err := websocket.NewPreparedMessage(websocket.TextMessage, event)
			if err != nil {
				return err
			}
			h.broadcast <- hubEvent{channel, message}
			return nil
		}),
		close: func() error {
			err := streams.close()
			close(h.quit)
			h.pumps.Wait()
			return err
		},
	}, nil
}
