package main

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/client"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/source/relay"
)

// newRelay makes the relay that the configuration asks for; without one it returns
// nil. The router that follows it is to be made with Options.Follow.
func newRelay(cfg *config.Config, catalogue *event.Catalogue, instance string, router *actors.Router, set *metrics.Set, log *slog.Logger) (*relay.Relay, error) {
	if len(cfg.Relay.URL) == 0 {
		return nil, nil
	}
	transport, err := newTransport(cfg.Relay.CA)
	if err != nil {
		return nil, fmt.Errorf("source.relay.ca: %w", err)
	}
	return relay.New(relay.Options{
		URLs:      cfg.Relay.URL,
		Client:    client.Options{Token: client.StaticToken(cfg.Relay.Token), HTTP: &http.Client{Transport: transport}},
		Catalogue: catalogue,
		MaxEvent:  cfg.Stream.MaxEventSize,
		Batch:     max(1, min(256, cfg.Events.PendingEvents/4, cfg.Events.PendingBytes/4/cfg.Stream.MaxEventSize)),
		Follower:  router,
		Instance:  instance,
		Metrics:   set,
		Log:       log,
	}), nil
}
