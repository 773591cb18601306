package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server"
	"github.com/adic-network/router/source/demo"
)

// demoSource publishes the made-up network's events.
type demoSource struct {
	network *demo.Source
	parser  event.Parser
	to      server.Publisher
	log     *slog.Logger

	up                         atomic.Int32
	ended                      atomic.Pointer[error] // why it has, before its time
	published, dropped, errors *metrics.Counter
}

func newDemo(cfg *config.Config, o *server.Options) (*demoSource, error) {
	network, err := demo.New(cfg.Demo.Rate, uint64(time.Now().UnixNano()), o.Catalogue)
	if err != nil {
		return nil, fmt.Errorf("cannot start the demo source: %w", err)
	}
	d := &demoSource{
		network:   network,
		parser:    event.Parser{Catalogue: o.Catalogue, MaxEventSize: cfg.Stream.MaxEventSize, Now: time.Now},
		to:        o.Publisher,
		log:       o.Log,
		published: o.Metrics.NewCounter(`adic_source_events_total{source="demo"}`),
		dropped:   o.Metrics.NewCounter(`adic_source_dropped_total{source="demo"}`),
		errors:    o.Metrics.NewCounter(`adic_source_errors_total{source="demo"}`),
	}
	o.Metrics.NewGauge(`adic_source_up{source="demo"}`, func() float64 { return float64(d.up.Load()) })
	o.Log.Info("demo source is publishing", "rate", cfg.Demo.Rate)
	return d, nil
}

// Run implements source.
func (d *demoSource) Run(ctx context.Context) {
	d.up.Store(1)
	defer d.up.Store(0)
	if err := d.network.Run(ctx, d.publish); err != nil && ctx.Err() == nil {
		d.ended.Store(&err)
		d.errors.Inc()
		d.log.Error("event error: the demo source ended", "error", err)
	}
}

func (d *demoSource) publish(p []byte) error {
	batch, err := d.parser.ParseBatch(p)
	if err == nil {
		err = d.to.Publish(batch)
	}
	if err != nil {
		d.dropped.Inc()
		return err
	}
	d.published.Add(len(batch))
	return nil
}

// Reasons implements source.
func (d *demoSource) Reasons() []string {
	if err := d.ended.Load(); err != nil {
		return []string{fmt.Sprintf("the demo source has ended: %v", *err)}
	}
	return nil
}
