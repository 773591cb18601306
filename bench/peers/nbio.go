package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// nbioPeer is nbio's HTTP server and WebSocket in its non-blocking mode, where
// its pollers read and a connection has no goroutine: "it can serve lots of
// online connections and keep healthy".
//
// Its documents: the README's "Different IOMod" and its server for a million
// connections. Events are written by a loop over the connections, as its
// documents do; the library has nothing for one message to many.
func nbioPeer() peer {
	return peer{
		description: description{
			Name:      "nbio",
			Module:    "github.com/lesismal/nbio",
			Transport: "websocket",
			Path:      "/ws?channel=" + placeholder,
			Ready:     subscribed,
			Setup: "IOModNonBlocking, its mode for very many connections (README, Different IOMod and 1M connections), one " +
				"WriteMessage for each connection of a map. What a socket does not take is kept without a bound and nobody is " +
				"cut off: the read deadline of 2 minutes for clients that say nothing is off.",
		},
		start: startNBIO,
	}
}

func startNBIO(addr string, _ options) (server, error) {
	logging.SetLevel(logging.LevelNone) // it logs to the standard output
	var clients channels[*websocket.Conn]
	upgrader := websocket.NewUpgrader()
	upgrader.KeepaliveTime = 0
	// Handlers of one connection run one after another, so that the session is
	// there by now.
	upgrader.OnClose(func(conn *websocket.Conn, _ error) {
		channel, _ := conn.Session().(string)
		clients.leave(channel, conn)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		channel := r.URL.Query().Get("channel")
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // it has been answered
		}
		conn.SetSession(channel)
		clients.join(channel, conn)
		// A connection that cannot be written is closed, which OnClose tells.
		_ = conn.WriteMessage(websocket.TextMessage, []byte(subscribed))
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network: "tcp",
		Addrs:   []string{addr},
		IOMod:   nbhttp.IOModNonBlocking,
		Handler: mux,
	})
	upgrader.Engine = engine
	if err := engine.Start(); err != nil {
		return server{}, err
	}
	return server{
		addr: engine.AddrConfigs[0].Addr,
		publish: oneByOne(func(channel string, event []byte) error {
			clients.each(channel, func(conn *websocket.Conn) { _ = conn.WriteMessage(websocket.TextMessage, event) })
			return nil
		}),
		close: func() error {
			ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
			defer cancel()
			if err := engine.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		},
	}, nil
}
