package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server"
)

func newServeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve [--config FILE]",
		Short: "Run the router: take events in, stream them over WebSocket and SSE",
		Long: `Run the router: take events in, stream them over WebSocket and SSE.

Every setting has a default, so no file is needed. 'adic config' prints the
configuration in force and where each value comes from.

Signals:
  SIGTERM, SIGINT   drain: refuse what is new, deliver what was accepted, close
                    connections over stream.drain_timeout, exit with status 0;
                    the second one ends it at once, with status 1
  SIGHUP            read the configuration and the certificate again and apply
                    what can change while running

Under systemd it tells when it is ready, reloading and stopping (Type=notify or
notify-reload), answers the watchdog (WatchdogSec=), and serves the socket of a
socket unit instead of api.host and api.port.`,
		Example: `  adic serve --demo                                   try it, with a made-up network
  adic serve --demo=500 --api.port 9200               the same at 500 events a second
  ADIC_AUTH_PUBLISH_TOKEN=secret adic serve           let holders of the token publish
  adic serve --config /etc/adic/adic.toml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd) },
	}
	addConfigFlags(cmd, routerKeys())
	cmd.Flags().String("demo", "", "publish the events of a made-up network, at `RATE` events a second")
	cmd.Flags().Lookup("demo").NoOptDefVal = strconv.FormatFloat(config.Default().Demo.Rate, 'g', -1, 64)
	return cmd
}

// errSecondSignal ends the process without waiting for the drain.
var errSecondSignal = errors.New("stopped at once by a second signal")

// serve runs the router until a signal ends it.
func serve(cmd *cobra.Command) error {
	loaded, err := loadServeConfig(cmd)
	if err != nil {
		return err
	}
	cfg := loaded.Config
	svc, err := startedBy("api")
	if err != nil {
		return err
	}
	defer svc.manager.Close()
	set, level := metrics.NewSet(), new(slog.LevelVar)
	log, endLog, err := newLogger(cmd.ErrOrStderr(), cfg.Log, level, set)
	if err != nil {
		return err
	}
	defer endLog()
	svc.log = log
	catalogue, err := loadCatalogue(cfg.Events.Catalogue)
	if err == nil && cfg.Events.Unknown == config.UnknownPass {
		catalogue, err = catalogue.WithUnknown()
	}
	if err != nil {
		return err
	}
	raiseDescriptorLimit(log, &cfg)

	options := actors.Options{Settings: routerSettings(&cfg), Catalogue: catalogue, Metrics: set, Log: log}
	kept, err := openJournal(&cfg, catalogue, set, log)
	if err != nil {
		return err
	}
	if kept != nil {
		options.Journal = kept
		defer closeJournal(kept, log) // after the router's end
	}
	shared, err := joinCluster(cmd.Context(), &cfg, catalogue, set, log)
	if err != nil {
		return err
	}
	if shared != nil {
		defer shared.Close()
		options.Archive, options.ReplayLimit = shared, cfg.Cluster.ReplayLimit
	}
	options.Follow = shared != nil || len(cfg.Relay.URL) > 0
	router, err := actors.NewRouter(options)
	if err != nil {
		return err
	}
	defer router.Close()
	parts := server.Options{
		Config: cfg, Router: router, Catalogue: catalogue, Metrics: set, Log: log, Version: readVersion().Version,
		Publisher: router, Instance: rand.Text(),
	}
	var joined *membership
	if shared != nil {
		if joined, err = follow(cmd.Context(), shared, router); err != nil {
			return err
		}
		defer joined.end()
		parts.Publisher = shared
	}
	feeding, err := newSource(&cfg, &parts)
	if err != nil {
		return err
	}
	parts.Reasons = func() (reasons []string) {
		if shared != nil {
			reasons = shared.Reasons()
		}
		if feeding != nil {
			reasons = append(reasons, feeding.Reasons()...)
		}
		return reasons
	}
	front, err := server.New(parts)
	if err != nil {
		return err
	}
	listener, accept, err := svc.listen(&cfg.API, front)
	if err != nil {
		return err
	}
	operators, err := svc.listenAdmin(&cfg.Admin)
	if err != nil {
		return err
	}
	// Before anybody can know that it serves: who then sends SIGHUP must not end it.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	log.Info("serving", "address", listener.Addr().String(), "version", readVersion().Version,
		"websocket", cfg.API.EnableWebSocket, "sse", cfg.API.EnableSSE, "tls", cfg.API.TLSCert != "",
		"publishing", cfg.Auth.PublishToken != "" || len(cfg.Auth.Publisher) > 0, "subscribe", cfg.Auth.Subscribe)

	ctx, stop := context.WithCancel(cmd.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if feeding != nil {
		running.Go(func() { feeding.Run(ctx) })
	}
	failed := make(chan error, 2)
	running.Go(func() {
		if err := accept(listener); err != nil {
			failed <- fmt.Errorf("cannot go on serving: %w", err)
		}
	})
	watched, stopWatching := context.WithCancel(cmd.Context())
	defer stopWatching()
	running.Go(func() { svc.watch(watched, working(router, front)) })
	if operators != nil {
		running.Go(func() {
			if err := front.ServeAdmin(operators); err != nil {
				failed <- fmt.Errorf("cannot go on serving: %w", err)
			}
		})
	}

	reload := &reloader{cmd: cmd, current: loaded.Config, catalogue: catalogue,
		level: level, router: router, journal: kept, front: front, log: log}
	svc.ready(listener.Addr())
	if err := untilStopped(ctx, signals, failed, func() { svc.reloading(listener.Addr(), reload.reload) }); err != nil {
		return err
	}
	stop() // the sources first: what they have published is delivered
	if joined != nil {
		joined.leave()
	}
	svc.stopping(front)
	return drain(front, signals, cfg.Stream.DrainTimeout, log, func() { svc.left(router) })
}

// loadServeConfig reads the configuration. --demo is short for two of its keys.
func loadServeConfig(cmd *cobra.Command) (*config.Loaded, error) {
	if rate := cmd.Flags().Lookup("demo"); rate.Changed {
		for name, value := range map[string]string{"demo.enabled": "true", "demo.rate": rate.Value.String()} {
			if err := cmd.Flags().Set(name, value); err != nil {
				return nil, &usageError{fmt.Errorf("--demo: %w", err)}
			}
		}
	}
	return loadConfig(cmd, config.ForRouter(os.Environ()))
}

func loadCatalogue(file string) (*event.Catalogue, error) {
	if file == "" {
		return event.Default(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalogue of events.catalogue: %w", err)
	}
	c, err := event.ParseCatalogue(data)
	if err != nil {
		return nil, fmt.Errorf("cannot use the catalogue %s: %w", file, err)
	}
	return c, nil
}

// listen listens where a section of the configuration says, which is now in api.
func listen(api *config.API, section string) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(api.Host, strconv.Itoa(api.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is in use: stop the other process or choose another port with --%s.port", api.Port, section)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s.host and %[1]s.port: %w", section, err)
	}
	return ln, nil
}

// routerSettings are the parts of the configuration that the actors work by.
func routerSettings(c *config.Config) actors.Settings {
	return actors.Settings{
		Retain: [event.NumPriorities]int{
			event.High:   c.Events.HighPriorityBuffer,
			event.Medium: c.Events.MediumPriorityBuffer,
			event.Low:    c.Events.LowPriorityBuffer,
		},
		PendingEvents:     c.Events.PendingEvents,
		PendingBytes:      c.Events.PendingBytes,
		HeartbeatInterval: c.Stream.HeartbeatInterval,
		PingInterval:      c.Stream.PingInterval,
		StallTimeout:      c.Stream.StallTimeout,
		MaxMessageSize:    c.Stream.MaxMessageSize,
		ClientMessageRate: c.Stream.ClientMessageRate,
		MaxSubscription:   c.Limits.MaxSubscription,
	}
}

// untilStopped waits for the signal to stop, or for a failure, and meanwhile
// reloads at every SIGHUP.
func untilStopped(ctx context.Context, signals <-chan os.Signal, failed <-chan error, reload func()) error {
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGHUP {
				return nil
			}
			reload()
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// drain ends the service gracefully; a second signal ends it at once. It calls
// progress once a second.
func drain(front *server.Server, signals <-chan os.Signal, timeout time.Duration, log *slog.Logger, progress func()) error {
	log.Info("draining", "timeout", timeout.String())
	began := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- front.Shutdown(ctx) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			progress()
		case s := <-signals:
			if s == syscall.SIGHUP {
				log.Warn("configuration not reloaded: shutting down")
				continue
			}
			cancel()
			<-done
			return errSecondSignal
		case err := <-done:
			cancel()
			if err != nil {
				return fmt.Errorf("cannot drain: %w", err)
			}
			log.Info("stopped", "after", time.Since(began).Round(time.Millisecond).String())
			return nil
		}
	}
}
