package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server"
	"github.com/adic-network/router/source/demo"
)

// startDemo publishes the made-up network's events until ctx is done.
func startDemo(ctx context.Context, running *sync.WaitGroup, cfg *config.Config, to server.Publisher,
	catalogue *event.Catalogue, set *metrics.Set, log *slog.Logger) error {
	source, err := demo.New(cfg.Demo.Rate, uint64(time.Now().UnixNano()), catalogue)
	if err != nil {
		return fmt.Errorf("cannot start the demo source: %w", err)
	}
	published := set.NewCounter(`adic_source_events_total{source="demo"}`)
	dropped := set.NewCounter(`adic_source_dropped_total{source="demo"}`)
	var up atomic.Int32
	set.NewGauge(`adic_source_up{source="demo"}`, func() float64 { return float64(up.Load()) })

	parser := &event.Parser{Catalogue: catalogue, MaxEventSize: cfg.Stream.MaxEventSize, Now: time.Now}
	publish := func(p []byte) error {
		batch, err := parser.ParseBatch(p)
		if err == nil {
			err = to.Publish(batch)
		}
		if err != nil {
			dropped.Inc()
			return err
		}
		published.Add(len(batch))
		return nil
	}
	log.Info("demo source is publishing", "rate", cfg.Demo.Rate)
	up.Store(1)
	running.Go(func() {
		defer up.Store(0)
		if err := source.Run(ctx, publish); err != nil && !errors.Is(err, context.Canceled) {
			log.Error("event error: the demo source ended", "error", err)
		}
	})
	return nil
}
