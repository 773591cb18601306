package main

import (
	"errors"
	"net/http"

	"github.com/dunglas/mercure"
	"go.uber.org/zap"
)

// mercurePeer is the hub of Mercure as a library (its package example), without
// Caddy. Clients subscribe to a topic with server-sent events.
//
// Its documents: https://mercure.rocks/docs/hub/config for transports (local has
// no history, which no other peer keeps; the default, bolt, writes every update
// to disk) and time limits. Updates are dispatched to the transport as its own
// publishing handler does. A subscriber's queue of 1,000 updates is a constant
// of the library: one that is behind by more is disconnected.
func mercurePeer() peer {
	return peer{
		description: description{
			Name:      "mercure",
			Module:    "github.com/dunglas/mercure",
			Transport: "sse",
			Path:      "/.well-known/mercure?topic=" + placeholder,
			Setup: "The hub library with its local transport, which keeps no history (mercure.rocks, configuration), anonymous " +
				"subscribers, one topic, no log. Default limits: a subscriber is cut off when it is behind by 1,000 updates, which " +
				"cannot be set, when one takes longer than dispatch_timeout, 5 s, and after write_timeout, 8 to 10 minutes.",
		},
		start: startMercure,
	}
}

func startMercure(addr string, _ options) (server, error) {
	transport := mercure.NewLocalTransport()
	hub, err := mercure.NewHub(mercure.WithTransport(transport), mercure.WithAnonymous(), mercure.WithLogger(zap.NewNop()))
	if err != nil {
		return server{}, err
	}
	mux := http.NewServeMux()
	mux.Handle("/.well-known/mercure", hub)
	streams, err := serveHTTP(addr, mux)
	if err != nil {
		return server{}, errors.Join(err, hub.Stop())
	}
	return server{
		addr: streams.addr,
		publish: oneByOne(func(channel string, event []byte) error {
			return transport.Dispatch(&mercure.Update{Topics: []string{channel}, Event: mercure.Event{Data: string(event)}})
		}),
		close: func() error { return errors.Join(hub.Stop(), streams.close()) },
	}, nil
}
