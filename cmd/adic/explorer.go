package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/client"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer"
	"github.com/adic-network/router/explorer/api"
	"github.com/adic-network/router/explorer/page"
	"github.com/adic-network/router/explorer/store"
	"github.com/adic-network/router/server"
)

func newExplorerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explorer [NODE_URL] [--config FILE]",
		Short: "Index the events of a node and serve an explorer's pages and API",
		Long: `Index the events of a node and serve an explorer: pages at /, their API below
/api/v1 (described at /api/v1/openapi.json), live events at /v1/ws/events, and the
health of it all at /health/streaming.

The node is a router or whatever speaks as one. Its events are streamed over
WebSocket, over Server-Sent Events where that does not work, or polled. They are
kept in a file (SQLite), or in PostgreSQL; the index goes on where it left off.

Settings are keys of the section [explorer]. Five can also be set as
ENABLE_EVENT_STREAMING, ENABLE_WEBSOCKET, ENABLE_SSE, CORS_ORIGINS and ADIC_NODE_URL.
Of the router's sections it goes by [stream], [limits], [log], and in part by [api]
and [events]: the flags below are all that have an effect.

SIGTERM and SIGINT end it: clients are closed over stream.drain_timeout, exit
status 0; a second one ends it at once, with status 1.`,
		Example: `  adic explorer                                       of the router at http://127.0.0.1:9121
  adic explorer https://node.example.org --explorer.database /var/lib/adic/explorer.db
  adic explorer --explorer.database postgres://adic@db/explorer --explorer.retention 720h
  ENABLE_EVENT_STREAMING=False adic explorer          polls, whatever the node can do`,
		Args: cobra.MaximumNArgs(1),
		RunE: explore,
	}
	addConfigFlags(cmd, explorerKeys())
	return cmd
}

// explorerKeys are those that an explorer goes by.
func explorerKeys() []config.Key {
	of := map[string][]string{ // section: keys that it does not go by
		"explorer": {}, "stream": {"max_body_size", "client_message_rate"}, "limits": {}, "log": {},
		"api":    {"host", "port", "enable_websocket", "enable_sse", "live_page", "cors_origins"},
		"events": {"unknown", "journal", "journal_sync"},
	}
	return slices.DeleteFunc(config.Keys(), func(k config.Key) bool {
		section, name, _ := strings.Cut(k.Name, ".")
		without, ok := of[section]
		return !ok || slices.Contains(without, name)
	})
}

// explore runs an explorer until a signal ends it.
func explore(cmd *cobra.Command, args []string) error {
	cfg, err := loadExplorerConfig(cmd, args)
	if err != nil {
		return err
	}
	svc, err := startedBy("explorer")
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
	if err == nil {
		catalogue, err = catalogue.WithUnknown()
	}
	if err != nil {
		return err
	}
	raiseDescriptorLimit(log, cfg)

	index, err := openIndex(cmd.Context(), &cfg.Explorer)
	if err != nil {
		return err
	}
	defer closeIndex(index, log) // after the indexer's end
	set.NewGauge("adic_explorer_database_bytes", func() float64 { return size(index) })
	router, err := actors.NewRouter(actors.Options{Settings: routerSettings(cfg), Catalogue: catalogue, Metrics: set, Log: log, Follow: true})
	if err != nil {
		return err
	}
	defer router.Close()
	indexer, err := newIndexer(cfg, catalogue, index, router, set, log)
	if err != nil {
		return err
	}
	site, err := api.New(api.Options{
		Store: index, Indexer: indexer, Catalogue: catalogue, Metrics: set, Log: log, Version: readVersion().Version,
		Origins: func() []string { return cfg.API.CORSOrigins }, Pages: page.Files,
	})
	if err != nil {
		return err
	}
	front, err := server.New(server.Options{
		Config: *cfg, Router: router, Catalogue: catalogue, Metrics: set, Log: log, Version: readVersion().Version, Site: site,
	})
	if err != nil {
		return err
	}
	listener, accept, err := svc.listen(&cfg.API, front)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 8) // see serve
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	log.Info("serving the explorer", "address", listener.Addr().String(), "version", readVersion().Version, "node", cfg.Explorer.NodeURL,
		"database", cfg.Explorer.Database, "tls", cfg.API.TLSCert != "")

	ctx, stop := context.WithCancel(cmd.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	failed := make(chan error, 2)
	running.Go(func() {
		if err := indexer.Run(ctx); err != nil {
			failed <- fmt.Errorf("cannot go on indexing: %w", err)
		}
	})
	running.Go(func() {
		if err := accept(listener); err != nil {
			failed <- fmt.Errorf("cannot go on serving: %w", err)
		}
	})
	watched, stopWatching := context.WithCancel(cmd.Context())
	defer stopWatching()
	running.Go(func() { svc.watch(watched, working(router, front)) })
	svc.ready(listener.Addr())

	failure := untilStopped(ctx, signals, failed, func() {
		log.Warn("configuration not reloaded: restart the explorer to put a changed one in force")
	})
	stop()
	svc.stopping(front)
	if err := drain(front, signals, cfg.Stream.DrainTimeout, log, func() { svc.left(router) }); failure == nil {
		failure = err
	}
	return failure
}

// loadExplorerConfig reads the configuration, and puts what the section of the explorer
// says in the place of what the router's says.
func loadExplorerConfig(cmd *cobra.Command, args []string) (*config.Config, error) {
	if len(args) > 0 {
		if err := cmd.Flags().Set("explorer.node_url", args[0]); err != nil {
			return nil, &usageError{err}
		}
	}
	loaded, err := loadConfig(cmd, os.Environ())
	if err != nil {
		return nil, err
	}
	c, e := &loaded.Config, &loaded.Config.Explorer
	c.API.Host, c.API.Port, c.API.CORSOrigins = e.Host, e.Port, e.CORSOrigins
	c.API.EnableWebSocket, c.API.EnableSSE = true, true
	c.Auth = config.Default().Auth // it is for everybody, and nobody publishes here
	return c, nil
}

// openIndex opens the database of the explorer.
func openIndex(ctx context.Context, e *config.Explorer) (*store.Store, error) {
	dsn, err := e.DSN()
	if err != nil {
		return nil, err
	}
	index, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return nil, fmt.Errorf("explorer.database %s: %w", e.Database, err)
	}
	return index, nil
}

// size returns the bytes of the index, as a metric: it is unknown while the database cannot
// be asked.
func size(index *store.Store) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n, err := index.Size(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(n)
}

func closeIndex(index *store.Store, log *slog.Logger) {
	if err := index.Close(); err != nil {
		log.Error("event error: the index was not closed well", "error", err)
	}
}

// newIndexer makes the indexer that the configuration asks for.
func newIndexer(cfg *config.Config, catalogue *event.Catalogue, index *store.Store, live *actors.Router, set *metrics.Set, log *slog.Logger) (*explorer.Indexer, error) {
	e := &cfg.Explorer
	transport, err := newTransport(e.NodeCA)
	if err != nil {
		return nil, fmt.Errorf("explorer.node_ca: %w", err)
	}
	var transports []client.Transport
	if e.EnableEventStreaming && e.EnableWebSocket {
		transports = append(transports, client.WebSocket)
	}
	if e.EnableEventStreaming && e.EnableSSE {
		transports = append(transports, client.SSE)
	}
	if len(transports) == 0 {
		log.Info("event streaming is off: using the polling-based indexer", "enable_event_streaming", e.EnableEventStreaming,
			"enable_websocket", e.EnableWebSocket, "enable_sse", e.EnableSSE)
	}
	o := client.Options{Transports: append(transports, client.Polling), HTTP: &http.Client{Transport: transport}}
	if e.NodeToken != "" {
		o.Token = client.StaticToken(e.NodeToken)
	}
	return explorer.New(explorer.Options{
		Node: e.NodeURL, Client: o, Catalogue: catalogue, Store: index, Live: live, Retained: routerSettings(cfg).Retain,
		Retention: e.Retention, Metrics: set, Log: log,
	}), nil
}
