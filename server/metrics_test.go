package server

import (
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// exposition is what a Prometheus server reads from a page of metrics.
type exposition struct {
	help, kind map[string]string // by family
	series     []string          // names with labels
}

// parse reads the text format of Prometheus, and checks its form: HELP and TYPE
// of a family come once and before its samples, and samples have numbers.
func parse(t *testing.T, page string) exposition {
	t.Helper()
	e := exposition{help: make(map[string]string), kind: make(map[string]string)}
	for line := range strings.Lines(page) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		switch {
		case strings.HasPrefix(line, "# HELP ") && len(fields) == 4:
			if _, twice := e.help[fields[2]]; twice {
				t.Errorf("%s has two HELP lines", fields[2])
			}
			e.help[fields[2]] = fields[3]
		case strings.HasPrefix(line, "# TYPE ") && len(fields) == 4:
			if _, twice := e.kind[fields[2]]; twice {
				t.Errorf("%s has two TYPE lines", fields[2])
			}
			e.kind[fields[2]] = fields[3]
		case strings.HasPrefix(line, "#"):
			t.Errorf("%q is neither HELP nor TYPE with a text", line)
		default:
			series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if i := strings.LastIndexByte(line, '}'); i >= 0 { // label values may hold spaces
				series, value = line[:i+1], strings.TrimSpace(line[i+1:])
			}
			var number float64
			if _, err := fmt.Sscan(value, &number); err != nil {
				t.Errorf("%q has no number: %v", line, err)
			}
			if e.kind[e.family(series)] == "" || e.help[e.family(series)] == "" {
				t.Errorf("%s has no HELP or TYPE before it", series)
			}
			e.series = append(e.series, series)
		}
	}
	return e
}

// family is the one that a series belongs to.
func (e exposition) family(series string) string {
	name, _, _ := strings.Cut(series, "{")
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if f, ok := strings.CutSuffix(name, suffix); ok && (e.kind[f] == "histogram" || e.kind[f] == "summary") {
			return f
		}
	}
	return name
}

// busy is a front on which everything that is counted has happened to someone.
func busy(t *testing.T) *front {
	f := startFront(t, overTCP)
	f.publish(t, oneOfEach)
	f.dialWS(t, "since=earliest").next()
	f.dialSSE(t, "since=earliest").next()
	f.request(t, "GET", "/nowhere", "")
	f.request(t, "POST", "/v1/events", "{}", bearer)
	return f
}

func TestMetricsFamilies(t *testing.T) {
	f := busy(t)
	_, page := f.request(t, "GET", "/metrics", "")
	e := parse(t, page)
	for family, kind := range e.kind {
		if !strings.HasPrefix(family, "adic_") {
			continue
		}
		if help[family] == "" {
			t.Errorf("%s has no text in the table of HELP lines", family)
		} else if e.help[family] != help[family] {
			t.Errorf("HELP of %s = %q, want %q", family, e.help[family], help[family])
		}
		want := "gauge"
		switch {
		case strings.HasSuffix(family, "_total"):
			want = "counter"
		case family == "adic_delivery_latency_seconds":
			want = "histogram"
		}
		if kind != want {
			t.Errorf("TYPE of %s = %s, want %s", family, kind, want)
		}
	}
	// Sources, log lines and the journal are counted by whoever runs them, in the same
	// set, as is what a cluster or an explorer does; without TLS there is no certificate.
	elsewhere := []string{"adic_events_unknown_total", "adic_log_lines_dropped_total", "adic_log_lines_suppressed_total",
		"adic_tls_certificate_expiry_seconds", "adic_tls_reload_failures_total",
		"adic_journal_writable", "adic_journal_restored_events", "adic_journal_cut_bytes", "adic_journal_skipped_events"}
	for family := range help {
		other := slices.Contains(elsewhere, family)
		for _, prefix := range []string{"adic_cluster_", "adic_explorer_", "adic_source_"} {
			other = other || strings.HasPrefix(family, prefix)
		}
		if e.kind[family] == "" && !other {
			t.Errorf("%s has a text and does not exist", family)
		}
	}
}

// The names that alerts and dashboards expect, with the labels they expect.
func TestMetricsNames(t *testing.T) {
	f := busy(t)
	_, page := f.request(t, "GET", "/metrics", "")
	e := parse(t, page)
	for _, series := range []string{
		"adic_events_emitted_total",
		"adic_websocket_connections",
		"adic_sse_connections",
		"adic_websocket_messages_sent_total",
		"adic_sse_messages_sent_total",
		`adic_events_dropped_total{priority="high"}`,
		`adic_events_dropped_total{priority="medium"}`,
		`adic_events_dropped_total{priority="low"}`,
		"adic_connections_lagging",
		`adic_rejections_total{reason="websocket_limit"}`,
		`adic_rejections_total{reason="sse_limit"}`,
		`adic_rejections_total{reason="unauthorized"}`,
		`adic_delivery_latency_seconds_bucket{le="+Inf"}`,
		"adic_delivery_latency_seconds_sum",
		"adic_delivery_latency_seconds_count",
		`adic_bytes_sent_total{transport="websocket"}`,
		`adic_bytes_sent_total{transport="sse"}`,
		`adic_ring_events{priority="high"}`,
		`adic_events_pending{priority="low"}`,
		`adic_actor_restarts_total{actor="emitter"}`,
		`adic_actor_restarts_total{actor="queue"}`,
		`adic_actor_restarts_total{actor="connection"}`,
		"go_goroutines",
		"process_open_fds",
		"process_max_fds",
		"process_resident_memory_bytes",
		"process_cpu_seconds_total",
	} {
		if !slices.Contains(e.series, series) {
			t.Errorf("there is no %s", series)
		}
	}
	if !strings.Contains(page, `adic_build_info{version="test",go_version="go1`) {
		t.Error("there is no adic_build_info with the version")
	}
}

func TestMetricsValues(t *testing.T) {
	f := busy(t)
	for name, want := range map[string]string{
		"adic_events_emitted_total":                                          "7",
		`adic_ring_events{priority="high"}`:                                  "3",
		`adic_ring_events{priority="medium"}`:                                "2",
		`adic_ring_events{priority="low"}`:                                   "2",
		"adic_events_pending_bytes":                                          "0",
		`adic_events_by_type_total{type="MessageFinalized",priority="high"}`: "1",
		`adic_events_by_type_total{type="TipsUpdated",priority="high"}`:      "0",
		"adic_draining": "0",
		`adic_rejections_total{reason="not_found"}`: "1",
		`adic_rejections_total{reason="bad_event"}`: "1",
	} {
		eventually(t, name+" is "+want, func() bool { return f.metric(t, name) == want })
	}
	for _, transport := range []string{"websocket", "sse"} {
		if got := f.metric(t, fmt.Sprintf("adic_bytes_sent_total{transport=%q}", transport)); got == "0" {
			t.Errorf("no bytes are counted for %s", transport)
		}
	}
	if got := f.metric(t, "adic_delivery_latency_seconds_count"); got == "0" {
		t.Error("no delivery is timed")
	}
}

// No label may grow with clients or with what they send.
func TestMetricsDoNotGrow(t *testing.T) {
	f := startFront(t, overTCP)
	series := func() map[string]bool {
		_, page := f.request(t, "GET", "/metrics", "")
		set := make(map[string]bool)
		for _, s := range parse(t, page).series {
			if strings.HasPrefix(s, "adic_") {
				set[s] = true
			}
		}
		return set
	}
	before := series()
	for i := range 10 {
		f.publish(t, oneOfEach)
		f.dialWS(t, "since=earliest&events=MessageAdded").next()
		f.dialSSE(t, "since=earliest").next()
		f.request(t, "GET", fmt.Sprintf("/nowhere/%d", i), "")
		f.request(t, fmt.Sprintf("BREW%d", i), "/", "")
		f.request(t, "GET", fmt.Sprintf("/v1/events?events=Nope%d", i), "", fmt.Sprintf("Origin: https://%d.example", i))
	}
	if after := series(); !maps.Equal(before, after) {
		t.Errorf("%d series became %d", len(before), len(after))
	}
}

// promtool is in Debian's package prometheus.
func TestPromtoolFindsNothingWrong(t *testing.T) {
	f := busy(t)
	for _, path := range []string{"/metrics", "/v1/metrics"} {
		res, page := f.request(t, "GET", path, "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s = %d, want 200", path, res.StatusCode)
		}
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = strings.NewReader(page)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	}
}
