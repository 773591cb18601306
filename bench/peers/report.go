package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adic-network/router/bench"
)

// The figures that are reported.
var (
	memory = func(r *bench.Report) (float64, bool) { // KB a connection
		s := r.Server
		return float64(s.RSSIdle-s.RSSBefore) / 1e3 / float64(max(opened(r), 1)), opened(r) > 0
	}
	cpu = func(r *bench.Report) (float64, bool) { // us a delivery
		return r.Server.CPUMicrosPerDelivery, r.Deliveries.Total > 0
	}
	perCPU = func(r *bench.Report) (float64, bool) { // million deliveries a second of CPU
		return 1 / r.Server.CPUMicrosPerDelivery, r.Deliveries.Total > 0 && r.Server.CPUMicrosPerDelivery > 0
	}
	rate = func(r *bench.Report) (float64, bool) { return r.Deliveries.PerSecond, r.Deliveries.Total > 0 }
	p50  = func(r *bench.Report) (float64, bool) { return r.Deliveries.LatencyMS.P50, r.Deliveries.Total > 0 }
	p99  = func(r *bench.Report) (float64, bool) { return r.Deliveries.LatencyMS.P99, r.Deliveries.Total > 0 }
	p999 = func(r *bench.Report) (float64, bool) { return r.Deliveries.LatencyMS.P999, r.Deliveries.Total > 0 }
	late = func(r *bench.Report) (float64, bool) {
		if r.Publishing == nil || r.Publishing.LateMS.Count == 0 {
			return 0, false
		}
		return r.Publishing.LateMS.P99, true
	}
	lost     = func(r *bench.Report) (float64, bool) { return lostPercent(r), r.Publishing != nil }
	cutOff   = func(r *bench.Report) (float64, bool) { return float64(ended(r)), true }
	growth   = func(r *bench.Report) (float64, bool) { return float64(r.Server.RSSPeak-r.Server.RSSIdle) / 1e6, true }
	connects = func(r *bench.Report) (float64, bool) { return r.Connections.PerSecond, true }
	connect  = func(r *bench.Report) (float64, bool) { return r.Server.ConnectCPUMicros, true }
	recovery = func(r *bench.Report) (float64, bool) { // seconds
		storm := r.Connections.Storm
		if storm == nil || storm.RecoverSeconds == 0 {
			return 0, false
		}
		return storm.RecoverSeconds, true
	}
	behind  = func(r *bench.Report) (float64, bool) { return float64(r.Loss.Behind), r.Publishing != nil }
	again   = func(r *bench.Report) (float64, bool) { return float64(r.Connections.Again), true }
	refused = func(r *bench.Report) (float64, bool) {
		c := r.Connections
		return float64(c.WebSocket.Wanted + c.SSE.Wanted - opened(r)), true
	}
	idleCPU = func(r *bench.Report) (float64, bool) { return r.Server.IdleCPUPercent, true }
)

func opened(r *bench.Report) int { return r.Connections.WebSocket.Opened + r.Connections.SSE.Opened }

// ended is how many clients were cut off, reading or not.
func ended(r *bench.Report) (n int) {
	for _, count := range r.Connections.Disconnects {
		n += count
	}
	for _, count := range r.Connections.StalledDisconnects {
		n += count
	}
	return n
}

// lostPercent is the share of deliveries that never came.
func lostPercent(r *bench.Report) float64 {
	missing, came := float64(r.Loss.Lost.Sum()), float64(r.Deliveries.Total)
	if missing+came == 0 {
		return 0
	}
	return 100 * missing / (missing + came)
}

// column is a figure in a table.
type column struct {
	title  string
	figure figure
	format string
}

// sections are the tables of the page.
var sections = []struct {
	title, text string
	loads       []string
	columns     []column
	// more says that more is better in the first column, by which servers are
	// compared.
	more bool
}{
	{
		"Memory of an idle connection", "Resident memory of the server, beyond what it has without connections, " + settled.String() + " after the last one came.",
		[]string{"5000", "10000", "idle-19900", "idle-sse-5000", "idle-sse-10000", "idle-sse-19900", "cpu-19900"},
		[]column{{"KB each", memory, "%.2f"}}, false,
	},
	{
		"At a steady rate", "Events of about 200 bytes, published one by one. Late is how long events waited before they could be " +
			"published, because the server had not answered for the one before; it is no part of latency.",
		[]string{"1000", "5000", "10000", "15000", "filter", "mixed"},
		[]column{{"CPU a delivery, us", cpu, "%.2f"}, {"p50, ms", p50, "%.1f"}, {"p99, ms", p99, "%.1f"}, {"p99.9, ms", p999, "%.1f"}, {"late p99, ms", late, "%.1f"}, {"lost, %", lost, "%.2g"}, {"clients cut off", cutOff, "%.0f"}}, false,
	},
	{
		"With a delivery window", "Events are held back for that long, so that one write carries several.",
		[]string{"window-5ms", "window-20ms", "window-50ms"},
		[]column{{"CPU a delivery, us", cpu, "%.2f"}, {"p50, ms", p50, "%.1f"}, {"p99, ms", p99, "%.1f"}}, false,
	},
	{
		"Bursts", "Everything is published as fast as it is taken.",
		[]string{"burst-1000", "burst-5000"},
		[]column{{"million deliveries a CPU second", perCPU, "%.2f"}, {"deliveries/s", rate, "%.0f"}, {"p99, ms", p99, "%.0f"}, {"lost, %", lost, "%.2g"}, {"clients cut off", cutOff, "%.0f"}}, true,
	},
	{
		"Clients that do not read", "Latencies are those of the others. Memory is what the server grew by. Silenced clients are still connected and have not got the last events, although they read on in the end.",
		[]string{"stalled", "memory", "memory-read"},
		[]column{{"p99, ms", p99, "%.1f"}, {"CPU a delivery, us", cpu, "%.2f"}, {"growth, MB", growth, "%.0f"}, {"clients cut off", cutOff, "%.0f"}, {"silenced", behind, "%.0f"}}, false,
	},
	{
		"Connecting", "Until the last client is subscribed. A SYN is repeated after a second when the backlog of the server is full.",
		[]string{"storm"},
		[]column{{"CPU a connect, us", connect, "%.0f"}, {"connects/s", connects, "%.0f"}, {"refused", refused, "%.0f"}, {"SYNs repeated", again, "%.0f"}}, false,
	},
	{
		"Connecting while events are published", "Recovered: from the first connect until an event has reached all that was published when the last one was subscribed.",
		[]string{"storm-events"},
		[]column{{"recovered after, s", recovery, "%.2f"}, {"connects/s", connects, "%.0f"}, {"refused", refused, "%.0f"}, {"SYNs repeated", again, "%.0f"}}, false,
	},
	{
		"Connections that do nothing", "Share of a core, pings and heartbeats included.",
		[]string{"cpu-19900"},
		[]column{{"CPU, %", idleCPU, "%.2f"}}, false,
	},
}

// writeReport is the command report.
func writeReport(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	out := flags.String("out", "", "folder with results.json")
	write := flags.String("write", "", "folder for RESULTS.md and results/*.svg")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *out == "" || *write == "" {
		return errors.New("--out or --write is missing")
	}
	r, err := openResults(*out)
	if err != nil {
		return err
	}
	if len(r.Runs) == 0 {
		return fmt.Errorf("there are no results in %s: peers run --out %s makes some", *out, *out)
	}
	if err := os.MkdirAll(filepath.Join(*write, "results"), 0o755); err != nil {
		return err
	}
	for name, svg := range r.charts() {
		if err := os.WriteFile(filepath.Join(*write, "results", name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	file := filepath.Join(*write, "RESULTS.md")
	return os.WriteFile(file, []byte(r.page()+measuredElsewhere(file)), 0o644)
}

// page is the report.
func (r *results) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Side by side

What a connection and a delivery cost, of this router and of others, measured in one
series of runs on one machine by `+"`make bench`"+`: %s; commit %s; %s to %s. The
load generator runs beside the server, in a process of its own. Runs are interleaved: each
load is put on every server before it is repeated. Figures are medians; least and most are
in brackets. The floor is the least that a server can do: a loop that writes ready frames
to bare sockets, and nothing else.

`, r.Machine, r.Commit, r.From.UTC().Format("2006-01-02 15:04"), r.To.UTC().Format("15:04 UTC"))
	if r.Quick {
		b.WriteString("**This was a quick look with a few connections and events: no figure here means anything.**\n\n")
	}
	r.writeTargets(&b)
	for _, chart := range []struct{ name, text string }{
		{"memory", "Memory of an idle connection"}, {"bursts", "Deliveries in a burst"}, {"latency", "Distribution of latencies"},
		{"growth-cpu", "CPU of a delivery and the number of connections"}, {"growth-latency", "Latency and the number of connections"},
	} {
		fmt.Fprintf(&b, "![%s](results/%s.svg)\n\n", chart.text, chart.name)
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", s.title, s.text)
		for _, name := range s.loads {
			if r.ran(name) {
				r.writeTable(&b, loadNamed(name), s.columns, s.more)
			}
		}
	}
	b.WriteString("## How the servers are set up\n\n")
	for _, p := range peers() {
		fmt.Fprintf(&b, "- **%s** (%s %s). %s\n", p.Name, p.Module, p.Version, p.Setup)
	}
	b.WriteString("- **router**: as it is, with the defaults of its settings; limits on connections raised.\n\n" +
		"## Again\n\n```sh\nmake bench\n```\n\nor, in `bench/peers`, parts of it: `go run . run --help`. `--loads` and `--servers` choose, " +
		"`--quick` only looks whether everything works.\n")
	return b.String()
}

// measuredElsewhere is the last section of a page that there is: bench/cluster.sh makes
// it, and it stays.
func measuredElsewhere(file string) string {
	old, err := os.ReadFile(file)
	if err != nil {
		return "" // it is the first page
	}
	if i := strings.Index(string(old), "\n## Several routers\n"); i >= 0 {
		return string(old[i:])
	}
	return ""
}

func loadNamed(name string) load {
	all := loads()
	return all[slices.IndexFunc(all, func(l load) bool { return l.name == name })]
}

// serverNames are the servers in the order of the tables.
func serverNames() []string {
	names := []string{router}
	for _, p := range peers() {
		names = append(names, p.Name)
	}
	return names
}
