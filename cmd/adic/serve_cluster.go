package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/cluster"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// clusterWait is how long a start waits for NATS, and for the events that are
// stored there.
const clusterWait = time.Minute

// A membership is the part of this process in a cluster of routers.
type membership struct {
	*cluster.Cluster
	leave context.CancelFunc
	left  chan struct{}
}

// joinCluster joins the cluster that the configuration asks for; without one it
// returns nil. The router that follows it is to be made with Options.Follow.
func joinCluster(ctx context.Context, cfg *config.Config, catalogue *event.Catalogue, set *metrics.Set, log *slog.Logger) (*cluster.Cluster, error) {
	if cfg.Cluster.NATS == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	return cluster.Open(ctx, cluster.Options{
		Config:        cfg.Cluster,
		Catalogue:     catalogue,
		Retain:        routerSettings(cfg).Retain,
		PendingEvents: cfg.Events.PendingEvents,
		PendingBytes:  cfg.Events.PendingBytes,
		Metrics:       set,
		Log:           log,
	})
}

// follow has the router take what the cluster has, and returns when it has read all
// that a client could ask for.
func follow(ctx context.Context, c *cluster.Cluster, router *actors.Router) (*membership, error) {
	following, leave := context.WithCancel(context.Background())
	m := &membership{c, leave, make(chan struct{})}
	go func() {
		defer close(m.left)
		c.Follow(following, router)
	}()
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	select {
	case <-c.CaughtUp():
		return m, nil
	case <-ctx.Done():
		m.end()
		return nil, fmt.Errorf("cannot read the streams of the cluster: %v", c.Reasons())
	}
}

// end stops following. What was stored through this router is there for the others.
func (m *membership) end() {
	m.leave()
	<-m.left
}
