package actors

import (
	"fmt"
	"io"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/event"
)

// Metrics counts what the router does. Its counters are in the set it was made
// with; the server writes that set out.
type Metrics struct {
	emitted    *metrics.Counter
	byType     []*metrics.Counter // the same by TypeID
	wsMessages *metrics.Counter
	sseMessages,
	wsBytes,
	sseBytes *metrics.Counter
	dropped [event.NumPriorities]*metrics.Counter
	refused [event.NumPriorities]*metrics.Counter
	replayed,
	keysEvicted *metrics.Counter
	tooLarge,
	tooMany,
	tooManyNames *metrics.Counter // that clients sent over their limits
	stalled  *metrics.Counter
	released *metrics.Counter
	restarts map[string]*metrics.Counter
	dead     *metrics.Counter
	lagging  atomic.Int64
	latency  latencyHistogram

	lastRestart atomic.Int64 // Unix nanoseconds
	lastHigh    atomic.Int64 // when high events were last dropped
}

// supervised are the names under which restarts and crashes are counted.
var supervised = []string{"emitter", "queue", "connection"}

func newMetrics(set *metrics.Set, catalogue *event.Catalogue) *Metrics {
	m := &Metrics{
		emitted:     set.NewCounter("adic_events_emitted_total"),
		wsMessages:  set.NewCounter("adic_websocket_messages_sent_total"),
		sseMessages: set.NewCounter("adic_sse_messages_sent_total"),
		wsBytes:     set.NewCounter(`adic_bytes_sent_total{transport="websocket"}`),
		sseBytes:    set.NewCounter(`adic_bytes_sent_total{transport="sse"}`),
		replayed:    set.NewCounter("adic_publish_replays_total"),
		keysEvicted: set.NewCounter("adic_publish_keys_evicted_total"),
		// The server counts what it refuses in the same family.
		tooLarge:     set.GetOrCreateCounter(`adic_rejections_total{reason="message_too_large"}`),
		tooMany:      set.GetOrCreateCounter(`adic_rejections_total{reason="message_rate"}`),
		tooManyNames: set.GetOrCreateCounter(`adic_rejections_total{reason="subscription_too_large"}`),
		stalled:      set.NewCounter("adic_clients_stalled_total"),
		released:     set.NewCounter("adic_clients_released_total"),
		dead:         set.NewCounter("adic_dead_letters_total"),
		restarts:     make(map[string]*metrics.Counter),
	}
	for _, p := range event.Priorities() {
		m.dropped[p] = set.NewCounter(fmt.Sprintf("adic_events_dropped_total{priority=%q}", p))
		m.refused[p] = set.NewCounter(fmt.Sprintf("adic_events_refused_total{priority=%q}", p))
	}
	for _, t := range catalogue.Types() {
		m.byType = append(m.byType, set.NewCounter(fmt.Sprintf("adic_events_by_type_total{type=%q,priority=%q}", t.Name, t.Priority)))
	}
	for _, name := range supervised {
		m.restarts[name] = set.NewCounter(fmt.Sprintf("adic_actor_restarts_total{actor=%q}", name))
	}
	set.NewGauge("adic_connections_lagging", func() float64 { return float64(m.lagging.Load()) })
	set.RegisterMetricsWriter(m.latency.write)
	return m
}

// emit counts events that were accepted. Those of types that the catalogue lacks are
// counted by where they come from.
func (m *Metrics) emit(batch []*event.Event) {
	m.emitted.Add(len(batch))
	for _, e := range batch {
		if int(e.Type) < len(m.byType) {
			m.byType[e.Type].Inc()
		}
	}
}

// drop counts events that a client should have had and did not get.
func (m *Metrics) drop(lost event.Dropped) {
	for p, n := range lost.Counts {
		if n > 0 {
			m.dropped[p].AddInt64(int64(n))
		}
	}
	if lost.Counts[event.High] > 0 || lost.Unknown[event.High] {
		m.lastHigh.Store(time.Now().UnixNano())
	}
}

// shed counts a batch that was refused because too much was pending, under its
// least important priority.
func (m *Metrics) shed(lowest event.Priority, events int) { m.refused[lowest].Add(events) }

// latencyBuckets are powers of two from 64 us to 33 s.
const (
	latencyBuckets   = 20
	latencyFirstBits = 6 // 2^6 us
)

// latencyHistogram is a Prometheus histogram that all workers add to.
type latencyHistogram struct {
	buckets [latencyBuckets + 1]atomic.Uint64 // the last one is +Inf
	micros  atomic.Int64
}

func (h *latencyHistogram) write(w io.Writer) {
	const name = "adic_delivery_latency_seconds"
	metrics.WriteMetadataIfNeeded(w, name, "histogram")
	var total uint64
	for i := range h.buckets {
		total += h.buckets[i].Load()
		le := "+Inf"
		if i < latencyBuckets {
			le = fmt.Sprint(float64(uint64(1)<<(latencyFirstBits+i)) / 1e6)
		}
		fmt.Fprintf(w, "%s_bucket{le=%q} %d\n", name, le, total)
	}
	fmt.Fprintf(w, "%s_sum %g\n%s_count %d\n", name, float64(h.micros.Load())/1e6, name, total)
}

// traffic is what a worker has written since it last told the Metrics. Workers
// that counted every write there would spend more on taking the counters from
// each other than on counting.
type traffic struct {
	wsMessages, wsBytes   int
	sseMessages, sseBytes int
	writes                int // with events
	latency               [latencyBuckets + 1]uint32
	micros                int64
}

// delivered notes how long the oldest event of a write was under way.
func (t *traffic) delivered(latency time.Duration) {
	us := max(latency.Microseconds(), 0)
	i := max(bits.Len64(uint64(us)), latencyFirstBits) - latencyFirstBits
	t.latency[min(i, latencyBuckets)]++
	t.micros += us
	t.writes++
}

// add moves what t counted to m.
func (m *Metrics) add(t *traffic) {
	if t.wsBytes > 0 {
		m.wsMessages.Add(t.wsMessages)
		m.wsBytes.Add(t.wsBytes)
	}
	if t.sseBytes > 0 {
		m.sseMessages.Add(t.sseMessages)
		m.sseBytes.Add(t.sseBytes)
	}
	if t.writes > 0 {
		for i, n := range t.latency {
			if n > 0 {
				m.latency.buckets[i].Add(uint64(n))
			}
		}
		m.latency.micros.Add(t.micros)
	}
	*t = traffic{}
}
