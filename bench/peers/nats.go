package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsPeer is nats-server embedded, with its WebSocket listener without TLS.
// Clients hold a core subscription to one subject; events are published over
// nats.go's in-process connection.
//
// Its documents: https://docs.nats.io/running-a-nats-service/configuration/websocket
// for the listener, and the client protocol at
// https://docs.nats.io/reference/reference-protocols/nats-protocol for the
// messages. JetStream is off, since core subscriptions are what is compared.
//
// The server tells a browser by its User-Agent and sends it frames of up to
// 4 KiB; any other client gets everything that is pending in one frame.
func natsPeer() peer {
	return peer{
		description: description{
			Name:      "nats",
			Module:    "github.com/nats-io/nats-server/v2",
			Transport: "websocket",
			Path:      "/",
			Hello: []message{{Binary: []byte(`CONNECT {"verbose":false,"pedantic":false,"protocol":1}` + "\r\n" +
				"SUB " + placeholder + " 1\r\nPING\r\n")}},
			Ready:     "PONG\r\n",
			Keepalive: &keepalive{Expect: "PING\r\n", Answer: message{Binary: []byte("PONG\r\n")}},
			Setup: "Embedded, WebSocket listener without TLS and compression, core subscription to one subject " +
				"(docs.nats.io, WebSocket configuration and client protocol), JetStream off, published over the in-process " +
				"connection. Default limits: a client is cut off when 64 MiB wait for it (max_pending) or when it takes no " +
				"byte for 10 s (write_deadline); the publisher is held back when three quarters of max_pending are reached.",
		},
		start: startNATS,
	}
}

func startNATS(addr string, _ options) (server, error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return server{}, err
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		return server{}, fmt.Errorf("port %q: %w", digits, err)
	}
	if port == 0 {
		port = natsserver.RANDOM_PORT
	}
	embedded, err := natsserver.NewServer(&natsserver.Options{
		DontListen: true, // over plain TCP
		NoSigs:     true,
		NoLog:      true,
		Websocket:  natsserver.WebsocketOpts{Host: host, Port: port, NoTLS: true},
	})
	if err != nil {
		return server{}, err
	}
	stop := func() error {
		embedded.Shutdown()
		embedded.WaitForShutdown()
		return nil
	}
	embedded.Start()
	if !embedded.ReadyForConnections(10 * time.Second) {
		return server{}, errors.Join(errors.New("the server is not ready after 10 s"), stop())
	}
	publisher, err := nats.Connect("", nats.InProcessServer(embedded))
	if err != nil {
		return server{}, errors.Join(err, stop())
	}
	return server{
		addr:    strings.TrimPrefix(embedded.WebsocketURL(), "ws://"),
		publish: oneByOne(publisher.Publish),
		close: func() error {
			publisher.Close()
			return stop()
		},
	}, nil
}
