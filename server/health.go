package server

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

// streamingHealthPage is the answer of GET /v1/health/streaming.
type streamingHealthPage struct {
	Status         string         `json:"status"`
	Reasons        []string       `json:"reasons,omitempty"`
	EventStreaming streamingState `json:"event_streaming"`
	Metrics        streamingCount `json:"metrics"`
	Instance       string         `json:"instance,omitempty"` // of this process
	Upstream       []string       `json:"upstream,omitempty"` // that a relay has its events from, the nearest first
}

type streamingState struct {
	Enabled          bool `json:"enabled"`
	WebSocketEnabled bool `json:"websocket_enabled"`
	SSEEnabled       bool `json:"sse_enabled"`
}

type streamingCount struct {
	EventsEmitted         uint64 `json:"events_emitted_total"`
	WebSocketConnections  int64  `json:"websocket_connections"`
	SSEConnections        int64  `json:"sse_connections"`
	WebSocketMessagesSent uint64 `json:"websocket_messages_sent"`
	SSEMessagesSent       uint64 `json:"sse_messages_sent"`
}

// Statuses of a router.
const (
	healthy  = "healthy"
	degraded = "degraded"
	draining = "draining"
)

const (
	// recently is how long a fault or a loss makes the health degraded.
	recently = time.Minute
	// nearly is the share of a limit from which it counts as nearly reached.
	nearly = 0.9
)

// assess computes the status, with reasons that an operator can act on.
func (s *Server) assess() (status string, reasons []string) {
	st := s.router.Status()
	if s.draining.Load() || st.Draining {
		return draining, []string{"the router is shutting down"}
	}
	cfg := s.config.Load()
	note := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	if time.Since(st.LastRestart) < recently {
		note("an internal error restarted a part of the router %s ago; the log has the cause", ago(st.LastRestart))
	}
	if time.Since(st.LastHighDrop) < recently {
		note("a slow client lost high-priority events %s ago", ago(st.LastHighDrop))
	}
	if st.Journal != nil {
		note("cannot write the journal: %v; publishing is refused until it can be written (events.journal)", st.Journal)
	}
	if st.PendingFull > 0.8 {
		note("%.0f %% of the room for events that wait to be delivered is taken; publishing is refused when it is full", 100*st.PendingFull)
	}
	if n, most := s.websockets.taken.Load(), cfg.API.MaxWebSocketConnections; float64(n) > nearly*float64(most) {
		note("%d of %d WebSocket connections are taken (api.max_websocket_connections)", n, most)
	}
	if n, most := s.sse.taken.Load(), cfg.API.MaxSSEConnections; float64(n) > nearly*float64(most) {
		note("%d of %d SSE connections are taken (api.max_sse_connections)", n, most)
	}
	if need, have := Descriptors(cfg), descriptorLimit(); have > 0 && need > have {
		note("the limit of open files (%d) does not hold the configured connections (%d needed)", have, need)
	}
	if s.reasons != nil {
		reasons = append(reasons, s.reasons()...)
	}
	if len(reasons) > 0 {
		return degraded, reasons
	}
	return healthy, nil
}

func ago(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }

// streamingHealth serves GET /v1/health/streaming.
func (s *Server) streamingHealth(ctx *fasthttp.RequestCtx) {
	status, reasons := s.assess()
	api := s.config.Load().API
	if status == draining {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	writeJSON(ctx, streamingHealthPage{
		Status:   status,
		Reasons:  reasons,
		Instance: s.instance,
		Upstream: s.upstream(),
		EventStreaming: streamingState{
			Enabled:          api.EnableWebSocket || api.EnableSSE,
			WebSocketEnabled: api.EnableWebSocket,
			SSEEnabled:       api.EnableSSE,
		},
		Metrics: streamingCount{
			EventsEmitted:         s.router.Emitted(),
			WebSocketConnections:  s.websockets.taken.Load(),
			SSEConnections:        s.sse.taken.Load(),
			WebSocketMessagesSent: s.router.WebSocketMessages(),
			SSEMessagesSent:       s.router.SSEMessages(),
		},
	})
}

// nodeHealth is the answer of the other health endpoints.
type nodeHealth struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitempty"`
	Version string   `json:"version,omitempty"`
}

// health serves GET /health: 200 as long as the process can answer.
func (s *Server) health(ctx *fasthttp.RequestCtx) {
	status, reasons := s.assess()
	writeJSON(ctx, nodeHealth{status, reasons, s.version})
}

// live serves GET /health/live.
func (s *Server) live(ctx *fasthttp.RequestCtx) { writeJSON(ctx, nodeHealth{Status: "live"}) }

// ready serves GET /health/ready: whether a load balancer should send clients.
func (s *Server) ready(ctx *fasthttp.RequestCtx) {
	if s.draining.Load() {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		writeJSON(ctx, nodeHealth{Status: draining})
		return
	}
	if !s.router.Begun() {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		writeJSON(ctx, nodeHealth{Status: "starting"})
		return
	}
	writeJSON(ctx, nodeHealth{Status: "ready"})
}

func writeJSON(ctx *fasthttp.RequestCtx, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings and numbers: cannot happen
	}
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetBody(body)
}
