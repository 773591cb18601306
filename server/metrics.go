package server

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/event"
)

// reason is why a request or a connection was refused.
type reason int

const (
	notFound reason = iota
	methodNotAllowed
	foreignOrigin
	badParameter
	badHandshake
	handOverFailed
	switchedOff
	shuttingDown
	websocketLimit
	sseLimit
	pollLimitReached
	publishingOff
	unauthorized
	beyondGrant
	badEvent
	eventTooLarge
	bodyTooLarge
	headerTooLarge
	requestTimeout
	malformed
	overloaded
	typeNotAllowed
	publishRate
	keyReused
	journalFull
	addressLimit
	userLimit
	handshakeRate
	totalHandshakeRate
	requestRate
	subscriptionTooLarge
	notStored
	noStream
	reasons
)

// reasonNames are the values of the label: a fixed set.
var reasonNames = [reasons]string{
	notFound: "not_found", methodNotAllowed: "method_not_allowed", foreignOrigin: "foreign_origin",
	badParameter: "bad_parameter", badHandshake: "bad_handshake", handOverFailed: "hand_over_failed",
	switchedOff: "switched_off", shuttingDown: "shutting_down", websocketLimit: "websocket_limit",
	sseLimit: "sse_limit", pollLimitReached: "poll_limit", publishingOff: "publishing_off",
	unauthorized: "unauthorized", beyondGrant: "beyond_grant", badEvent: "bad_event", eventTooLarge: "event_too_large",
	bodyTooLarge: "body_too_large", headerTooLarge: "header_too_large", requestTimeout: "request_timeout",
	malformed: "malformed_request", overloaded: "overloaded",
	typeNotAllowed: "type_not_allowed", publishRate: "publish_rate", keyReused: "idempotency_key_reused", journalFull: "journal",
	addressLimit: "address_limit", userLimit: "user_limit", handshakeRate: "handshake_rate",
	totalHandshakeRate: "total_handshake_rate", requestRate: "request_rate", subscriptionTooLarge: "subscription_too_large", notStored: "not_stored",
	noStream: "no_stream",
}

// counters are the server's own metrics.
type counters struct {
	rejections [reasons]*metrics.Counter
	panics     *metrics.Counter
	set        *metrics.Set
}

func newCounters(s *Server) *counters {
	metrics.ExposeMetadata(true) // HELP and TYPE lines, of all sets there are
	c := &counters{panics: s.set.NewCounter("adic_http_panics_total"), set: s.set}
	for i, name := range reasonNames {
		c.rejections[i] = s.set.GetOrCreateCounter(fmt.Sprintf("adic_rejections_total{reason=%q}", name))
	}
	gauge := func(name string, value func() float64) { s.set.NewGauge(name, value) }
	gauge("adic_websocket_connections", func() float64 { return float64(s.websockets.taken.Load()) })
	gauge("adic_sse_connections", func() float64 { return float64(s.sse.taken.Load()) })
	gauge("adic_long_polls", func() float64 { return float64(s.polls.taken.Load()) })
	gauge("adic_websocket_connections_limit", func() float64 { return float64(s.config.Load().API.MaxWebSocketConnections) })
	gauge("adic_sse_connections_limit", func() float64 { return float64(s.config.Load().API.MaxSSEConnections) })
	gauge("adic_draining", func() float64 {
		if s.draining.Load() {
			return 1
		}
		return 0
	})
	if s.tls != nil {
		gauge("adic_tls_certificate_expiry_seconds", s.tls.expiry)
		s.tls.failed = s.set.NewCounter("adic_tls_reload_failures_total").Inc
	}
	for _, p := range event.Priorities() {
		gauge(fmt.Sprintf("adic_events_pending{priority=%q}", p), func() float64 { return float64(s.router.Status().Pending[p]) })
		gauge(fmt.Sprintf("adic_ring_events{priority=%q}", p), func() float64 { return float64(s.router.Status().Retained[p]) })
	}
	gauge("adic_events_pending_bytes", func() float64 { return float64(s.router.Status().PendingBytes) })
	gauge(fmt.Sprintf("adic_build_info{version=%q,go_version=%q}", s.version, runtime.Version()), func() float64 { return 1 })
	return c
}

func (c *counters) reject(why reason) { c.rejections[why].Inc() }

// published counts the events of a publisher. The operator names publishers, so
// that they are few.
func (c *counters) published(publisher string) *metrics.Counter {
	return c.set.GetOrCreateCounter(fmt.Sprintf("adic_publisher_events_total{publisher=%q}", publisher))
}

// help says what a family of metrics is, for those who see it for the first time.
var help = map[string]string{
	"adic_events_emitted_total":           "Events accepted by the emitter, each once.",
	"adic_events_by_type_total":           "Events accepted by the emitter, by type and its priority.",
	"adic_events_dropped_total":           "Events that a slow client should have had and did not get, by priority.",
	"adic_events_refused_total":           "Events refused because too many were pending, by the lowest priority of their batch.",
	"adic_events_pending":                 "Accepted events that wait for their turn in the rings, by priority.",
	"adic_events_pending_bytes":           "Bytes of accepted events that wait for their turn in the rings.",
	"adic_ring_events":                    "Events retained, by priority.",
	"adic_websocket_connections":          "WebSocket connections.",
	"adic_websocket_connections_limit":    "WebSocket connections that are let in at once.",
	"adic_sse_connections":                "Server-Sent Events connections.",
	"adic_sse_connections_limit":          "Server-Sent Events connections that are let in at once.",
	"adic_long_polls":                     "Polls that wait for an event.",
	"adic_websocket_messages_sent_total":  "Text messages written to WebSocket clients.",
	"adic_sse_messages_sent_total":        "Named events written to SSE clients.",
	"adic_bytes_sent_total":               "Bytes written to streams, by transport.",
	"adic_delivery_latency_seconds":       "Time from accepting an event to writing it, of the oldest event of each write.",
	"adic_connections_lagging":            "Connections that cannot be written to because their client does not read.",
	"adic_clients_stalled_total":          "Clients closed because they took nothing for stall_timeout.",
	"adic_clients_released_total":         "Times that the router went on without a client that did not read.",
	"adic_actor_restarts_total":           "Failures of actors; the emitter and the queue are restarted, a connection is closed.",
	"adic_dead_letters_total":             "Messages to actors that had ended.",
	"adic_publisher_events_total":         "Events accepted of each publisher.",
	"adic_publish_replays_total":          "Batches that came again with their Idempotency-Key and were not published twice.",
	"adic_publish_keys_evicted_total":     "Idempotency keys forgotten before their five minutes, because there were too many.",
	"adic_rejections_total":               "Requests and connections refused, by reason.",
	"adic_http_panics_total":              "HTTP requests that failed with an internal error.",
	"adic_source_up":                      "1 while a source of events is running.",
	"adic_source_events_total":            "Events that a source has published.",
	"adic_source_dropped_total":           "Events of a source that the router did not take.",
	"adic_events_unknown_total":           "Events of types that the catalogue lacks that came from elsewhere and were passed on.",
	"adic_source_gaps_total":              "Losses that the upstream of a relay has reported.",
	"adic_source_errors_total":            "Times that an upstream could not be followed, or not any more.",
	"adic_source_connections_total":       "Connections to upstreams.",
	"adic_source_lag_seconds":             "How long after its timestamp the last event of a source came.",
	"adic_log_lines_dropped_total":        "Log lines dropped because the log could not be written.",
	"adic_log_lines_suppressed_total":     "Log lines left out because there were too many with the same message.",
	"adic_journal_writable":               "1 while events can be written to the journal; otherwise publishing is refused.",
	"adic_journal_restored_events":        "Events that the journal had at the start.",
	"adic_journal_cut_bytes":              "Bytes of the journal that were cut off at the start, as no whole events.",
	"adic_journal_skipped_events":         "Events of the journal that the catalogue did not take at the start.",
	"adic_cluster_connected":              "1 while the router follows the streams of its cluster.",
	"adic_cluster_lag_events":             "Events that the streams of the cluster hold beyond the last one read, by priority.",
	"adic_cluster_stored_total":           "Events that were published here and stored by the cluster, each once.",
	"adic_cluster_store_failures_total":   "Batches that the cluster did not store, or not all of them.",
	"adic_cluster_store_seconds":          "Time that storing a batch took.",
	"adic_cluster_rejoins_total":          "Times that the router had to join the streams of its cluster again.",
	"adic_cluster_unusable_total":         "Events of the cluster that could not be used, by priority; clients are told that they are lost.",
	"adic_cluster_streams_differ":         "Settings of the streams that are not as configured.",
	"adic_explorer_events_total":          "Events indexed, by priority.",
	"adic_explorer_batches_total":         "Transactions in which events were indexed.",
	"adic_explorer_commit_seconds":        "Time that storing a batch took, with what had to be tried again.",
	"adic_explorer_behind_seconds":        "For how long the oldest event that has come and is not indexed has waited.",
	"adic_explorer_connected":             "1 while the explorer is connected to its node.",
	"adic_explorer_transport":             "1 for the transport of that connection.",
	"adic_explorer_reconnects_total":      "Connections to the node after the first one.",
	"adic_explorer_http_requests_total":   "Requests answered, by route and class of the status.",
	"adic_explorer_http_request_seconds":  "Time that an answer took, by route.",
	"adic_explorer_http_panics_total":     "Requests to the explorer that failed with an internal error.",
	"adic_explorer_gaps_total":            "Losses that the node has reported.",
	"adic_explorer_lost_events_total":     "Events in these losses, by priority, where they could be counted.",
	"adic_explorer_unusable_events_total": "Events of the node that could not be indexed.",
	"adic_explorer_store_errors_total":    "Times that the database of the explorer could not be used.",
	"adic_explorer_database_bytes":        "Size of the database of the explorer.",
	"adic_draining":                       "1 while the router is shutting down.",
	"adic_build_info":                     "Always 1; the labels say what was built.",
	"adic_tls_certificate_expiry_seconds": "When the certificate in use expires, in Unix seconds.",
	"adic_tls_reload_failures_total":      "Changed certificates that could not be used.",
}

// writeMetrics serves GET /metrics.
func (s *Server) writeMetrics(ctx *fasthttp.RequestCtx) {
	var raw bytes.Buffer
	s.set.WritePrometheus(&raw)
	metrics.WriteProcessMetrics(&raw)
	metrics.WriteFDMetrics(&raw)
	ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	writeWithHelp(ctx, raw.String())
}

// unfit are families of the library's that break Prometheus' naming rules and say
// nothing that others do not.
var unfit = map[string]bool{"go_cgo_calls_count": true, "go_cpu_count": true, "go_gc_forced_count": true}

// writeWithHelp fills in the texts of the HELP lines, which the library leaves
// empty, and corrects what else promtool finds wrong with its lines. Metrics of Go
// and of the process get a text made from their name.
func writeWithHelp(w *fasthttp.RequestCtx, text string) {
	skip := false
	for line := range strings.Lines(text) {
		if family, ok := strings.CutPrefix(line, "# HELP "); ok {
			family = strings.TrimSpace(family)
			skip = unfit[family]
			about := help[family]
			if about == "" {
				about = strings.ReplaceAll(family, "_", " ") + "."
			}
			line = "# HELP " + family + " " + about + "\n"
		}
		if strings.HasPrefix(line, "# TYPE process_io_") {
			line = strings.Replace(line, "_total gauge", "_total counter", 1)
		}
		if !skip {
			w.WriteString(line) // to a buffer: cannot fail
		}
	}
}
