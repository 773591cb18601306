package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A prometheus is a running Prometheus.
type prometheus struct{ addr string }

// startPrometheus starts one with the configuration and the rules as they are, but for whom
// it asks, and how often.
func startPrometheus(t *testing.T, routers, explorers []string) *prometheus {
	t.Helper()
	targets := func(addrs []string) string { return `["` + strings.Join(addrs, `", "`) + `"]` }
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "prometheus.yml"), deployFile(t, "prometheus/prometheus.yml",
		`["127.0.0.1:9121"]`, targets(routers), `["127.0.0.1:9122"]`, targets(explorers), "15s", "1s"))
	mustWrite(t, filepath.Join(dir, "adic.rules.yml"), deployFile(t, "prometheus/adic.rules.yml"))
	p := &prometheus{freeAddr(t)}
	start(t, tool(t, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", p.addr)
	return p
}

// query returns the values of an expression that are numbers: none while Prometheus does not
// serve yet.
func (p *prometheus) query(expr string) (values []float64) {
	res, err := client.Get("http://" + p.addr + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	var page struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if json.NewDecoder(res.Body).Decode(&page) != nil {
		return nil
	}
	for _, r := range page.Data.Result {
		text, _ := r.Value[1].(string)
		if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
			values = append(values, value)
		}
	}
	return values
}

// An expression is one of a dashboard, with its variables filled in.
type expression struct{ title, expr string }

// expressions returns those of the panels and annotations of a dashboard for Grafana.
func expressions(t *testing.T, name string) (found []expression) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(deployFile(t, name)), &dashboard); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			found = append(found, expression{p.Title, fill.Replace(target.Expr)})
		}
	}
	for _, a := range dashboard.Annotations.List {
		found = append(found, expression{a.Name, fill.Replace(a.Expr)})
	}
	return found
}

// A real Prometheus scrapes routers of every kind and explorers, with the configuration as it
// is: a loaded router, a member of a cluster, a relay, one that was restarted, one that
// drains; an explorer with a node and one without. Every expression of the dashboards gives
// data, every rule can be evaluated, and whoever is gone is noticed.
func TestPrometheusScrapes(t *testing.T) {
	t.Parallel()
	const batch = `{"type":"MessageAdded","message_id":"ab12","depth":42}`
	loaded := startRouter(t, "--demo=100", "--events.journal", t.TempDir())
	openSocket(t, loaded, "")
	start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(loaded.addr))
	loaded.publish(t, batch)
	member := startRouter(t, "--cluster.nats", "embedded", "--cluster.store_dir", t.TempDir())
	below := relayOf(t, loaded.addr)
	addr := reserve(t)
	startRouter(t, portOf(addr)...).terminate()
	again := startRouter(t, portOf(addr)...)
	draining := startOdd(t, nil, "--stream.drain_timeout", "10m")
	for range 20 { // which it closes one after the other
		openSocket(t, draining, "")
	}
	explorer := startExplorer(t, loaded.http(), filepath.Join(t.TempDir(), "explorer.db"))
	lost := startExplorer(t, "http://"+reserve(t), filepath.Join(t.TempDir(), "explorer.db"))

	routers, explorers := []*router{loaded, member, below, again, draining}, []*router{explorer, lost}
	addrs := func(of []*router) (list []string) {
		for _, r := range of {
			list = append(list, r.addr)
		}
		return list
	}
	p := startPrometheus(t, addrs(routers), addrs(explorers))
	eventually(t, "all are scraped", func() bool {
		return slices.Equal(p.query(`count by (job) (up == 1)`), []float64{float64(len(explorers)), float64(len(routers))}) ||
			slices.Equal(p.query(`count by (job) (up == 1)`), []float64{float64(len(routers)), float64(len(explorers))})
	})
	eventually(t, "events are counted", func() bool {
		values := p.query(fmt.Sprintf(`increase(adic_events_emitted_total{instance=%q}[1m])`, loaded.addr))
		return len(values) == 1 && values[0] > 100
	})
	// Prometheus sees a start only if it has seen the process before.
	again.terminate()
	startRouter(t, portOf(addr)...)
	draining.signal(syscall.SIGTERM)

	for _, dashboard := range []string{"grafana/adic.json", "grafana/adic-explorer.json"} {
		for _, e := range expressions(t, dashboard) {
			wantMetrics(t, dashboard+", "+e.title, e.expr)
			eventually(t, "there is data in "+dashboard+" for "+e.title+": "+e.expr, func() bool {
				member.publish(t, batch)
				explorer.get(t, "/api/v1/messages")
				return len(p.query(e.expr)) > 0
			})
		}
	}

	eventually(t, "the rules are evaluated", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addr+"/api/v1/rules", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, body := do(t, req)
		if strings.Contains(body, `"health":"err"`) {
			t.Fatalf("a rule fails: %s", body)
		}
		return strings.Count(body, `"health":"ok"`) == strings.Count(deployFile(t, "prometheus/adic.rules.yml"), "- alert: ")
	})
	eventually(t, "the explorer without a node is noticed", func() bool {
		return len(p.query(fmt.Sprintf(`ALERTS{alertname="ExplorerDisconnected", instance=%q}`, lost.addr))) == 1
	})
	draining.kill()
	eventually(t, "the router that is gone is noticed", func() bool {
		return len(p.query(fmt.Sprintf(`ALERTS{alertname="EventStreamingDown", instance=%q}`, draining.addr))) == 1
	})
}
