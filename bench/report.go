package bench

import (
	"fmt"
	"maps"
	"slices"
)

// Report is what a run measured. Its JSON form is the output of adic bench
// --json. Times are in the unit that their key names, sizes in bytes.
type Report struct {
	URL string `json:"url"`
	// Run is the random id that the events of the run carried.
	Run string `json:"run"`
	// Interrupted is set when the run ended before its time.
	Interrupted bool `json:"interrupted"`

	Connections ConnectionReport `json:"connections"`
	// Publishing is nil when nothing was to be published.
	Publishing *PublishReport `json:"publishing,omitempty"`
	Deliveries DeliveryReport `json:"deliveries"`
	Loss       LossReport     `json:"loss"`
	// Server is nil when no process id was given.
	Server *ServerReport `json:"server,omitempty"`
	// Generator is what the load generator itself took.
	Generator GeneratorReport `json:"generator"`
}

// Percentiles summarises a distribution of times in milliseconds. Values are
// overstated by less than 0.8 %; the maximum is exact.
type Percentiles struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// Bucket is a part of a distribution of times: how many were over the previous
// bucket's end and not over this one's. Buckets are narrower than 1/16 of the
// times in them, and those without any are left out.
type Bucket struct {
	EndMS float64 `json:"end_ms"`
	Count uint64  `json:"count"`
}

// ByClass is a number for each priority class.
type ByClass struct {
	High   uint64 `json:"high"`
	Medium uint64 `json:"medium"`
	Low    uint64 `json:"low"`
}

func byClass(n [classes]uint64) ByClass { return ByClass{n[high], n[medium], n[low]} }

// Sum returns the number over all classes.
func (n ByClass) Sum() uint64 { return n.High + n.Medium + n.Low }

// ConnectionReport is about connecting and staying connected.
type ConnectionReport struct {
	WebSocket TransportReport `json:"websocket"`
	SSE       TransportReport `json:"sse"`
	// Seconds is the time from the first connect to the last connection that
	// was open.
	Seconds float64 `json:"seconds"`
	// PerSecond is how many connections were open after that time, by it.
	PerSecond float64 `json:"per_second"`
	// TimeMS is from connect(2) until a connection was open: until Subscribed
	// for WebSocket, until the response head for SSE.
	TimeMS Percentiles `json:"time_ms"`
	// Again is how often the kernel repeated a SYN (RFC 9293 §3.8.1) of a
	// connection that was opened: the server's backlog was full.
	Again int `json:"again"`
	// Storm is nil where nothing was published meanwhile.
	Storm *StormReport `json:"storm,omitempty"`
	// Refused are the answers with another status than 101 or 200.
	Refused []Refusal `json:"refused"`
	// Errors counts connections that could not be opened, by reason.
	Errors map[string]int `json:"errors"`
	// Disconnects counts open connections that ended before the run did, by
	// kind and close code or reason. Stalled clients are not among them.
	Disconnects map[string]int `json:"disconnects"`
	// Stalled is how many open connections stopped reading, and
	// StalledDisconnects how many of those were ended, by reason.
	Stalled            int            `json:"stalled"`
	StalledDisconnects map[string]int `json:"stalled_disconnects"`
}

// StormReport is about events that were published while everybody connected.
type StormReport struct {
	Published uint64 `json:"published"`
	// RecoverSeconds is the time from the first connect until an event that was
	// published when all were open had reached every client, 0 if none did in
	// time. It is as exact as events are apart.
	RecoverSeconds float64 `json:"recover_seconds"`
}

// TransportReport counts the connections of one transport.
type TransportReport struct {
	Wanted int `json:"wanted"`
	Opened int `json:"opened"`
}

// Refusal is a status that connections were refused with, and the first body
// that came with it.
type Refusal struct {
	Status  int    `json:"status"`
	Count   int    `json:"count"`
	Message string `json:"message"`
}

// PublishReport is about publishing.
type PublishReport struct {
	Events    ByClass `json:"events"`
	Total     uint64  `json:"total"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	// ResponseMS is how long the router took to answer a POST.
	ResponseMS Percentiles `json:"response_ms"`
	// LateMS is how long events were due before their POST was sent: the
	// earlier one had not been answered. It is empty for a burst.
	LateMS Percentiles `json:"late_ms"`
	// Retries is how many POSTs were answered with 503 or 429 and repeated
	// after RetrySeconds in all.
	Retries      int     `json:"retries"`
	RetrySeconds float64 `json:"retry_seconds"`
	// Error is why publishing ended early.
	Error string `json:"error,omitempty"`
}

// DeliveryReport is about the events that arrived.
type DeliveryReport struct {
	// Events counts events of the run over all connections, duplicates left out.
	Events ByClass `json:"events"`
	Total  uint64  `json:"total"`
	// PerSecond is Total by the time from the first to the last of them, without
	// those of the warm-up.
	PerSecond float64 `json:"per_second"`
	// LatencyMS is from publish to receipt by clients that were reading, without
	// the warm-up, and Distribution the same in full.
	LatencyMS    Percentiles `json:"latency_ms"`
	Distribution []Bucket    `json:"distribution"`
	// Duplicates and Reordered count events that came twice and that came after
	// a later one of their class.
	Duplicates uint64 `json:"duplicates"`
	Reordered  uint64 `json:"reordered"`
	// Damaged counts events of the run whose fields were changed.
	Damaged uint64 `json:"damaged"`
	// Other counts events that were not of this run.
	Other uint64 `json:"other"`
	// Bytes is what was read from all connections.
	Bytes uint64 `json:"bytes"`
	// ErrorMessages counts messages of type Error, and ErrorMessage is the first.
	ErrorMessages uint64 `json:"error_messages"`
	ErrorMessage  string `json:"error_message,omitempty"`
}

// LossReport compares what connections missed with what they were told.
type LossReport struct {
	// Connections is how many missed or were told anything.
	Connections int `json:"connections"`
	// Lost counts events missing on all connections, and Told what their Lagged
	// messages announced.
	Lost ByClass `json:"lost"`
	Told ByClass `json:"told"`
	// Unsaid counts lost events that their connection was not told of, Overtold
	// what connections were told of and did not miss: events that are not of
	// the run, if there were any.
	Unsaid   ByClass `json:"unsaid"`
	Overtold ByClass `json:"overtold"`
	// Behind is how many open connections had not received the last events when
	// the run ended.
	Behind int `json:"behind"`
	// ToldLate is how many connections saw a gap before it was announced.
	ToldLate int `json:"told_late"`
	// Messages counts Lagged messages, and Uncounted the classes in them whose
	// count was null.
	Messages  uint64 `json:"messages"`
	Uncounted uint64 `json:"uncounted"`
}

// ServerReport is what the server took, from /proc.
type ServerReport struct {
	PID       int   `json:"pid"`
	RSSBefore int64 `json:"rss_before"` // before the first connection
	RSSIdle   int64 `json:"rss_idle"`   // at the end of the idle time
	RSSPeak   int64 `json:"rss_peak"`   // the highest seen, twice a second
	RSSAfter  int64 `json:"rss_after"`  // when everything had arrived
	// IdleBytesPerConnection is (RSSIdle - RSSBefore) by open connections.
	IdleBytesPerConnection float64 `json:"idle_bytes_per_connection"`
	// ConnectCPUMicros is CPU time by connection opened.
	ConnectCPUMicros float64 `json:"connect_cpu_us"`
	// IdleCPUPercent is the share of one core while idle.
	IdleCPUPercent float64 `json:"idle_cpu_percent"`
	// CPUSeconds is CPU time from the first measured publish until everything
	// had arrived, CPUPercent its share of one core, CPUMicrosPerDelivery its share
	// of one delivery, other events counted too.
	CPUSeconds           float64 `json:"cpu_seconds"`
	CPUPercent           float64 `json:"cpu_percent"`
	CPUMicrosPerDelivery float64 `json:"cpu_us_per_delivery"`
	// Error is why the numbers are missing: mostly that the server ended.
	Error string `json:"error,omitempty"`
}

// GeneratorReport is what the load generator took. Near 100 % of a core its
// one loop is the bottleneck, and latencies are its own.
type GeneratorReport struct {
	RSS        int64   `json:"rss"`
	CPUSeconds float64 `json:"cpu_seconds"`
	CPUPercent float64 `json:"cpu_percent"`
}

// Problems names everything in the report that a correct router and an
// undisturbed run do not show, one sentence each. Loss that was told is none,
// nor are disconnects of stalled clients.
func (r *Report) Problems() []string {
	var problems []string
	found := func(n int, format string, args ...any) {
		if n > 0 {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	for _, refusal := range r.Connections.Refused {
		found(refusal.Count, "%s connections were refused with status %d: %s", group(refusal.Count), refusal.Status, refusal.Message)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Connections.Errors)) {
		n := r.Connections.Errors[reason]
		found(n, "%s connections could not be opened: %s", group(n), reason)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Connections.Disconnects)) {
		n := r.Connections.Disconnects[reason]
		found(n, "%s connections were ended: %s", group(n), reason)
	}
	if storm := r.Connections.Storm; storm != nil && storm.RecoverSeconds == 0 {
		problems = append(problems, "no event reached all clients after the storm of connects")
	}
	if p := r.Publishing; p != nil && p.Error != "" {
		problems = append(problems, p.Error)
	}
	d, l := r.Deliveries, r.Loss
	found(int(l.Unsaid.Sum()), "%s events were lost without a word", group(l.Unsaid.Sum()))
	found(l.Behind, "%s connections had not received the last events when nothing more came", group(l.Behind))
	if d.Other == 0 { // Lagged counts events that are not of the run as well.
		found(int(l.Overtold.Sum()), "%s events were told lost that were not", group(l.Overtold.Sum()))
	}
	found(l.ToldLate, "%s connections saw a gap before they were told of it", group(l.ToldLate))
	found(int(d.Duplicates), "%s events came twice", group(d.Duplicates))
	found(int(d.Reordered), "%s events came out of order", group(d.Reordered))
	found(int(d.Damaged), "%s events came with changed fields", group(d.Damaged))
	found(int(d.ErrorMessages), "%s messages of type Error: %s", group(d.ErrorMessages), d.ErrorMessage)
	if r.Server != nil && r.Server.Error != "" {
		problems = append(problems, r.Server.Error)
	}
	return problems
}
