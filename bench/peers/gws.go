package main

import (
	"net/http"

	"github.com/lxzan/gws"
)

// gwsPeer is gws with its Broadcaster, which makes the frame of an event once
// and queues it for every connection; a goroutine is started for a connection
// whose queue was empty.
//
// Its documents: the README's "Best Practice" for the handler, with the read
// loop in a goroutine of its own, and "Broadcast". Its parallel handling of a
// client's messages is left out, since clients send none, as are compression
// and its deadline for clients that ping.
func gwsPeer() peer {
	return peer{
		description: description{
			Name:      "gws",
			Module:    "github.com/lxzan/gws",
			Transport: "websocket",
			Path:      "/connect?channel=" + placeholder,
			Ready:     subscribed,
			Setup: "Broadcaster over a map of connections, a read loop in a goroutine for each (README, Best Practice and " +
				"Broadcast), without compression. Queues have no bound and nobody is cut off.",
		},
		start: startGWS,
	}
}

// gwsHandler reacts to what a connection does. It keeps who listens to what.
type gwsHandler struct {
	gws.BuiltinEventHandler
	channels channels[*gws.Conn]
}

// gwsChannel is where a connection's session keeps its channel.
const gwsChannel = "channel"

func (h *gwsHandler) OnOpen(conn *gws.Conn) {
	h.channels.join(gwsChannelOf(conn), conn)
	// An error closes the connection, which OnClose tells.
	conn.WriteAsync(gws.OpcodeText, []byte(subscribed), nil)
}

func (h *gwsHandler) OnClose(conn *gws.Conn, _ error) {
	h.channels.leave(gwsChannelOf(conn), conn)
}

func (h *gwsHandler) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

func (h *gwsHandler) OnMessage(_ *gws.Conn, message *gws.Message) { _ = message.Close() }

func gwsChannelOf(conn *gws.Conn) string {
	channel, _ := conn.Session().Load(gwsChannel)
	name, _ := channel.(string)
	return name
}

func startGWS(addr string, _ options) (server, error) {
	handler := new(gwsHandler)
	upgrader := gws.NewUpgrader(handler, &gws.ServerOption{
		Recovery: gws.Recovery,
		Authorize: func(r *http.Request, session gws.SessionStorage) bool {
			session.Store(gwsChannel, r.URL.Query().Get("channel"))
			return true
		},
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/connect", func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			return // it has been answered
		}
		go conn.ReadLoop() // so that net/http's request can be collected
	})
	streams, err := serveHTTP(addr, mux)
	if err != nil {
		return server{}, err
	}
	return server{
		addr: streams.addr,
		publish: oneByOne(func(channel string, event []byte) error {
			broadcaster := gws.NewBroadcaster(gws.OpcodeText, event)
			handler.channels.each(channel, func(conn *gws.Conn) { _ = broadcaster.Broadcast(conn) })
			return broadcaster.Close()
		}),
		close: func() error {
			err := streams.close()
			handler.channels.all(func(conn *gws.Conn) { _ = conn.NetConn().Close() })
			return err
		},
	}, nil
}
