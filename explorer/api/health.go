package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/explorer"
)

// Indexer is what fills the store. *explorer.Indexer is one. Its method is called by any
// goroutine, and does not wait.
type Indexer interface{ Status() explorer.Status }

// Statuses of an explorer.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
)

const (
	// recently is how long a loss makes the health degraded.
	recently = time.Minute
	// probeTimeout is how long the database may take to show that it can be used.
	probeTimeout = 2 * time.Second
)

// healthPage is the answer of GET /health.
type healthPage struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"` // none if it is healthy
	Version string   `json:"version"`
}

func (p healthPage) httpStatus() int {
	if p.Status == unhealthy {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// health answers GET /health.
func (h *Handler) health(ctx context.Context, p *params, _ string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	status, reasons := assess(h.indexer.Status())
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if _, err := h.store.Position(ctx); err != nil {
		h.log.Error("the database cannot be read", "error", err)
		status = unhealthy
		reason := "the database cannot be read; the log of the explorer has the cause"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			reason = fmt.Sprintf("the database did not answer within %s; see whether it is locked or overloaded", probeTimeout)
		}
		reasons = append([]string{reason}, reasons...)
	}
	return healthPage{status, reasons, h.version}, nil
}

// assess computes the status, with reasons that an operator can act on. They are never
// nil.
func assess(s explorer.Status) (status string, reasons []string) {
	reasons = []string{}
	note := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	if s.Connection != client.Connected {
		why := ""
		if s.Err != nil {
			why = ": " + s.Err.Error()
		}
		note("not connected to the node %s (%s for %s)%s; new events are missing until it can be reached (ADIC_NODE_URL)", s.Node, s.Connection, ago(s.Since), why)
	}
	if !s.LastLoss.IsZero() && time.Since(s.LastLoss) < recently {
		note("the node reported %s ago that events were lost; if that repeats, the explorer is too slow for it or was away for longer than the node keeps events", ago(s.LastLoss))
	}
	if s.Storing != nil {
		note("events cannot be stored, and wait: %v; the explorer tries again", s.Storing)
	}
	if len(reasons) > 0 {
		return degraded, reasons
	}
	return healthy, reasons
}

func ago(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }

// streamingPage is the answer of GET /health/streaming.
type streamingPage struct {
	Status     string         `json:"status"`
	Reasons    []string       `json:"reasons"`
	Enabled    bool           `json:"enabled"`
	Connection connectionPage `json:"connection"`
	Events     eventsPage     `json:"events"`
}

type connectionPage struct {
	Mode       string     `json:"mode"`
	Status     string     `json:"status"`
	Since      *time.Time `json:"since"`
	Node       string     `json:"node"`
	LastEvent  *time.Time `json:"last_event"`
	Reconnects uint64     `json:"reconnects"`
	Error      *string    `json:"error"`
}

type eventsPage struct {
	TotalProcessed uint64            `json:"total_processed"`
	ByType         map[string]uint64 `json:"by_type"`
	Lost           json.RawMessage   `json:"lost"` // by priority; null if it cannot be counted
	LastLoss       *time.Time        `json:"last_loss"`
	BehindSeconds  float64           `json:"behind_seconds"`
}

// streaming answers GET /health/streaming. It does not ask the database.
func (h *Handler) streaming(_ context.Context, p *params, _ string) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	s := h.indexer.Status()
	a := streamingPage{
		Enabled: s.Enabled,
		Connection: connectionPage{
			Mode: string(s.Mode), Status: string(s.Connection), Since: timeOrNull(s.Since), Node: s.Node,
			LastEvent: timeOrNull(s.LastEvent), Reconnects: s.Reconnects,
		},
		Events: eventsPage{
			ByType: s.ByType, Lost: s.Lost.AppendJSON(nil), LastLoss: timeOrNull(s.LastLoss),
			BehindSeconds: s.Behind.Seconds(),
		},
	}
	a.Status, a.Reasons = assess(s)
	if s.Err != nil {
		text := s.Err.Error()
		a.Connection.Error = &text
	}
	for _, n := range s.ByType {
		a.Events.TotalProcessed += n
	}
	return a, nil
}

// timeOrNull returns nil for the zero time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
