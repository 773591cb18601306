package api

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
	"github.com/adic-network/router/web"
)

// Store is the index that is served. *store.Store is one. Its methods are called by any
// goroutine, with a context that ends when the client leaves or after a time.
type Store interface {
	Position(ctx context.Context) (store.Position, error)
	Events(ctx context.Context, q store.EventQuery) ([]store.Event, error)
	Event(ctx context.Context, seq int64) (store.Event, error)
	Timeline(ctx context.Context, id string, q store.TimelineQuery) ([]store.Moment, error)
	Identifiers(ctx context.Context, id string) ([]store.Identifier, error)
	Messages(ctx context.Context, q store.MessageQuery) ([]store.Message, error)
	Message(ctx context.Context, id string) (store.Message, error)
	Tips(ctx context.Context) (store.Tips, error)
	Addresses(ctx context.Context, p store.Page) ([]store.Address, error)
	Address(ctx context.Context, address string) (store.Address, error)
	Validators(ctx context.Context, p store.Page) ([]store.Validator, error)
	Proposals(ctx context.Context, q store.ProposalQuery) ([]store.Proposal, error)
	Proposal(ctx context.Context, id string) (store.Proposal, error)
	Stats(ctx context.Context) (store.Stats, error)
	Series(ctx context.Context, q store.SeriesQuery) ([]store.Point, error)
	Search(ctx context.Context, q string, limit int) ([]store.Hit, error)
}

// Options make a Handler.
type Options struct {
	Store     Store
	Indexer   Indexer
	Catalogue *event.Catalogue
	Metrics   *metrics.Set
	Log       *slog.Logger
	Version   string
	// Origins returns the browser origins let in besides the explorer's own, as
	// api.cors_origins lists them. It is called by any goroutine; nil is none.
	Origins func() []string
	// Pages are the files of the frontend, as package web takes them; nil serves none.
	// [Index] is the shell of every page. What it loads it names as src="assets/NAME" or
	// href="assets/NAME", which is made right for the depth of each page.
	Pages fs.FS
}

// Handler serves a store. It may be used by any number of goroutines, and holds none.
type Handler struct {
	store     Store
	indexer   Indexer
	catalogue *event.Catalogue
	log       *slog.Logger
	version   string
	origins   func() []string
	assets    map[string]web.Asset
	metrics   *counters
	// queries is how long the store may take for one answer.
	queries time.Duration
}

// queryTimeout is less than what proxies usually wait.
const queryTimeout = 10 * time.Second

// New returns a Handler. It fails if a file of the pages cannot be served.
func New(o Options) (*Handler, error) {
	h := &Handler{
		store: o.Store, indexer: o.Indexer, catalogue: o.Catalogue, log: o.Log, version: o.Version,
		origins: o.Origins, metrics: newCounters(o.Metrics), queries: queryTimeout,
	}
	if h.origins == nil {
		h.origins = func() []string { return nil }
	}
	if o.Pages == nil {
		return h, nil
	}
	var err error
	if h.assets, err = pageAssets(o.Pages); err != nil {
		return nil, err
	}
	return h, nil
}
