package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/centrifugal/centrifuge"
)

// centrifugePeer is the library under Centrifugo. Clients subscribe to a channel
// without history and presence, which the library calls its at most once
// delivery, over the JSON protocol.
//
// Its documents: the README's tutorial for the node and its handlers; the page
// https://centrifugal.dev/docs/transports/websocket for smaller buffers where
// there are many connections; the comments of WebsocketConfig for commands
// processed off the read loop ("large pools of mostly-idle connections") and of
// ConnectReply for messages in a frame. WriteDelay stays off, since no other
// peer waits.
//
// Pings are those of WebSocket instead of the protocol's own, which is a query
// parameter made for clients that do without its SDK. Its pings over SSE are
// answered by a request, which such clients do not make, so their check is off.
func centrifugePeer() peer {
	connect := `{"id":1,"connect":{}}` + "\n" + `{"id":2,"subscribe":{"channel":"` + placeholder + `"}}`
	// The placeholder has to stay as it is.
	query := url.QueryEscape(`{"id":1,"connect":{}}`+"\n"+`{"id":2,"subscribe":{"channel":"`) + placeholder + url.QueryEscape(`"}}`)
	return peer{
		description: description{
			Name:      "centrifuge",
			Module:    "github.com/centrifugal/centrifuge",
			Transport: "both",
			Path:      "/connection/websocket?cf_ws_frame_ping_pong=true",
			SSEPath:   "/connection/sse?cf_connect=" + query,
			Hello:     []message{{Text: connect}},
			Ready:     `"subscribe":{`,
			Setup: "A channel without history, JSON protocol, client-side subscription. Read buffer of 512 bytes and pooled " +
				"write buffers (centrifugal.dev, WebSocket transport), commands processed off the read loop (WebsocketConfig), " +
				"no limit of messages in a frame (ConnectReply). The default queue of 1 MiB per client holds a burst of 2,000 " +
				"events; a client beyond it, or that takes no byte for the write timeout, raised from 1 s to 10 s, is cut off.",
		},
		start: startCentrifuge,
	}
}

func startCentrifuge(addr string, _ options) (server, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return server{}, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:        &centrifuge.Credentials{}, // anonymous
			MaxMessagesInFrame: -1,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return server{}, err
	}
	mux := http.NewServeMux()
	mux.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		ReadBufferSize:             512,
		UseWriteBufferPool:         true,
		WriteTimeout:               10 * time.Second,
		ProcessCommandsOffReadLoop: true,
	}))
	mux.Handle("/connection/sse", centrifuge.NewSSEHandler(node, centrifuge.SSEConfig{
		PingPongConfig: centrifuge.PingPongConfig{PongTimeout: -1},
	}))
	shutdown := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		if err := node.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	}
	streams, err := serveHTTP(addr, mux)
	if err != nil {
		return server{}, errors.Join(err, shutdown())
	}
	return server{
		addr: streams.addr,
		publish: oneByOne(func(channel string, event []byte) error {
			_, err := node.Publish(channel, event)
			return err
		}),
		close: func() error { return errors.Join(shutdown(), streams.close()) },
	}, nil
}
