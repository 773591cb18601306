package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// WriteText writes the report as a table for people.
func (r *Report) WriteText(w io.Writer) error {
	t := &table{}
	t.row("target", "%s", r.URL)
	if r.Interrupted {
		t.row("", "interrupted: what follows was measured until then")
	}
	r.writeConnections(t)
	if r.Publishing != nil {
		r.writePublishing(t)
	}
	r.writeDeliveries(t)
	r.writeProcesses(t)
	if problems := r.Problems(); len(problems) > 0 {
		t.title("problems")
		for _, problem := range problems {
			fmt.Fprintf(t, "  %s\n", problem)
		}
	} else {
		t.title("no problems")
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func (r *Report) writeConnections(t *table) {
	c := r.Connections
	t.title("connections")
	t.row("WebSocket", "%s of %s", group(c.WebSocket.Opened), group(c.WebSocket.Wanted))
	t.row("SSE", "%s of %s", group(c.SSE.Opened), group(c.SSE.Wanted))
	t.row("opened in", "%.2f s, %s/s", c.Seconds, group(int(c.PerSecond)))
	t.percentiles("time to open", c.TimeMS)
	if c.Again > 0 {
		t.row("asked again", "%s times", group(c.Again))
	}
	if c.Storm != nil {
		t.row("recovered in", "%.2f s", c.Storm.RecoverSeconds)
	}
	for _, refusal := range c.Refused {
		t.row("refused", "%s × status %d", group(refusal.Count), refusal.Status)
	}
	t.counts("not opened", c.Errors)
	t.counts("ended", c.Disconnects)
	if c.Stalled > 0 {
		t.row("stalled", "%s", group(c.Stalled))
		t.counts("stalled ended", c.StalledDisconnects)
	}
}

func (r *Report) writePublishing(t *table) {
	p := r.Publishing
	t.title("publishing")
	t.row("events", "%s in %.2f s, %.1f/s", group(p.Total), p.Seconds, p.PerSecond)
	t.classes("by class", p.Events)
	t.percentiles("response", p.ResponseMS)
	t.percentiles("late", p.LateMS)
	if p.Retries > 0 {
		t.row("asked to retry", "%s times, waited %.1f s", group(p.Retries), p.RetrySeconds)
	}
}

func (r *Report) writeDeliveries(t *table) {
	d, l := r.Deliveries, r.Loss
	t.title("deliveries")
	t.row("events", "%s, %s/s", group(d.Total), group(int(d.PerSecond)))
	t.classes("by class", d.Events)
	t.percentiles("latency", d.LatencyMS)
	if d.Other > 0 {
		t.row("other events", "%s", group(d.Other))
	}
	t.row("received", "%s", size(int64(d.Bytes)))
	t.row("duplicates", "%s", group(d.Duplicates))
	t.row("out of order", "%s", group(d.Reordered))
	t.title("loss")
	t.row("connections", "%s", group(l.Connections))
	t.classes("lost", l.Lost)
	t.classes("told", l.Told)
	t.classes("unsaid", l.Unsaid)
	t.row("Lagged messages", "%s", group(l.Messages))
	if l.Uncounted > 0 {
		t.row("counts of null", "%s", group(l.Uncounted))
	}
}

func (r *Report) writeProcesses(t *table) {
	if s := r.Server; s != nil {
		t.title("server")
		t.row("memory", "%s before, %s idle, %s peak, %s after", size(s.RSSBefore), size(s.RSSIdle), size(s.RSSPeak), size(s.RSSAfter))
		t.row("per connection", "%s idle, %.0f µs of CPU to open", size(int64(s.IdleBytesPerConnection)), s.ConnectCPUMicros)
		t.row("CPU", "%.0f %% of a core, idle %.1f %%", s.CPUPercent, s.IdleCPUPercent)
		t.row("CPU per delivery", "%.2f µs", s.CPUMicrosPerDelivery)
	}
	t.title("generator")
	t.row("memory", "%s", size(r.Generator.RSS))
	t.row("CPU", "%.0f %% of a core", r.Generator.CPUPercent)
}

// table is text in rows of a label and a value.
type table struct{ strings.Builder }

func (t *table) title(s string) { fmt.Fprintf(t, "\n%s\n", s) }

func (t *table) row(label, format string, args ...any) {
	fmt.Fprintf(t, "  %-17s %s\n", label, fmt.Sprintf(format, args...))
}

func (t *table) classes(label string, n ByClass) {
	t.row(label, "%s high, %s medium, %s low", group(n.High), group(n.Medium), group(n.Low))
}

func (t *table) percentiles(label string, p Percentiles) {
	if p.Count > 0 {
		t.row(label, "p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, max %.2f ms", p.P50, p.P90, p.P99, p.P999, p.Max)
	}
}

func (t *table) counts(label string, counts map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		t.row(label, "%s × %s", group(counts[reason]), reason)
	}
}

// group writes a number with a comma before every three digits.
func group[N int | uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// size writes a number of bytes in binary units.
func size(n int64) string {
	value, unit := float64(n), 0
	units := [...]string{"B", "KiB", "MiB", "GiB"}
	for (value >= 1024 || value <= -1024) && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
