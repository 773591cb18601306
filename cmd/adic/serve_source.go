package main

import (
	"context"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/server"
)

// A source feeds the router. Whatever happens to it is no end of the process.
type source interface {
	// Run feeds until ctx is done. It is called once.
	Run(ctx context.Context)
	// Reasons returns why the health of the router is not what it could be, nil if it
	// is. Any goroutine may call it.
	Reasons() []string
}

// newSource makes the source that the configuration asks for, for the router of o; nil
// without one.
func newSource(cfg *config.Config, o *server.Options) (source, error) {
	switch {
	case cfg.Demo.Enabled:
		return newDemo(cfg, o)
	case len(cfg.Relay.URL) > 0:
		r, err := newRelay(cfg, o)
		if err != nil {
			return nil, err
		}
		o.Upstream = r.Path
		return r, nil
	}
	return nil, nil
}
