package main

import (
	"fmt"
	"net/http"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/server"
	"github.com/adic-network/router/source/relay"
)

// newRelay makes the relay that the configuration asks for. The router that follows it is to be made with Options.Follow.
func newRelay(cfg *config.Config, o *server.Options) (*relay.Relay, error) {
	transport, err := newTransport(cfg.Relay.CA)
	if err != nil {
		return nil, fmt.Errorf("source.relay.ca: %w", err)
	}
	return relay.New(relay.Options{
		URLs:      cfg.Relay.URL,
		Client:    client.Options{Token: client.StaticToken(cfg.Relay.Token), HTTP: &http.Client{Transport: transport}},
		Catalogue: o.Catalogue,
		MaxEvent:  cfg.Stream.MaxEventSize,
		Batch:     max(1, min(256, cfg.Events.PendingEvents/4, cfg.Events.PendingBytes/4/cfg.Stream.MaxEventSize)),
		Follower:  o.Router,
		Instance:  o.Instance,
		Metrics:   o.Metrics,
		Log:       o.Log,
	}), nil
}
