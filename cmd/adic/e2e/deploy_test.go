package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// deployFile returns a file of deploy/, with some of its text replaced.
func deployFile(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			t.Fatalf("%s has no %q", name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(string(text))
}

// The alerts are rules that Prometheus takes; each has a case in which it fires, one in
// which it is quiet, and a chapter in the runbook; and the metrics in them exist.
func TestAlerts(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "adic.rules.yml"}, {"test", "rules", "adic.rules_test.yml"}, {"check", "config", "prometheus.yml"}} {
		cmd := exec.CommandContext(t.Context(), tool(t, "promtool"), args...)
		cmd.Dir = "../../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	rules, cases := deployFile(t, "prometheus/adic.rules.yml"), deployFile(t, "prometheus/adic.rules_test.yml")
	runbook, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(rules, -1)
	if len(alerts) < 3 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name := alert[1]
		for what, text := range map[string]string{name + " is quiet": cases, name + " fires": cases, "docs/runbook.md#" + strings.ToLower(name): rules, "\n## " + name + "\n": string(runbook)} {
			if !strings.Contains(text, what) {
				t.Errorf("there is no %q", what)
			}
		}
	}
	help, err := os.ReadFile("../../../server/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\badic_\w+`).FindAllString(rules, -1) {
		if !strings.Contains(string(help), strconv.Quote(strings.TrimSuffix(name, "_bucket"))) {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// expressions returns those of a dashboard for Grafana, by the title of the panel, with its
// variables filled in.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Name, Expr string } }
	}
	if err := json.Unmarshal([]byte(deployFile(t, "grafana/adic.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	fill := strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			found[p.Title] = append(found[p.Title], fill.Replace(target.Expr))
		}
	}
	for _, a := range dashboard.Annotations.List {
		found[a.Name] = append(found[a.Name], fill.Replace(a.Expr))
	}
	return found
}

// A real Prometheus scrapes a router with the configuration as it is, and finds nothing
// wrong with the rules; every expression of the dashboard gives data.
func TestPrometheusScrapes(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=100", "--events.journal", t.TempDir())
	openSocket(t, r, "")
	start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(r.addr))
	r.publish(t, `{"type":"MessageAdded","message_id":"ab12","depth":42}`)
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "prometheus.yml"), deployFile(t, "prometheus/prometheus.yml", "127.0.0.1:9121", r.addr, "15s", "1s"))
	mustWrite(t, filepath.Join(dir, "adic.rules.yml"), deployFile(t, "prometheus/adic.rules.yml"))
	addr := freeAddr(t)
	start(t, tool(t, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", addr)
	query := func(expr string) (value float64, found bool) {
		res, err := client.Get("http://" + addr + "/api/v1/query?query=" + url.QueryEscape(expr))
		if err != nil {
			return 0, false // it does not serve yet
		}
		defer res.Body.Close()
		var page struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if json.NewDecoder(res.Body).Decode(&page) != nil || len(page.Data.Result) == 0 {
			return 0, false
		}
		text, _ := page.Data.Result[0].Value[1].(string)
		value, err = strconv.ParseFloat(text, 64)
		return value, err == nil
	}
	has := func(expr string) bool { _, found := query(expr); return found }
	is := func(expr string, check func(float64) bool) func() bool {
		return func() bool { value, found := query(expr); return found && check(value) }
	}
	eventually(t, "the router is scraped", is(`up{job="adic-router"}`, func(v float64) bool { return v == 1 }))
	eventually(t, "events are counted", is("increase(adic_events_emitted_total[1m])", func(v float64) bool { return v > 100 }))
	// One router cannot be everything: it is in no cluster, was not just started, and
	// does not drain. Of those the metrics exist.
	help, err := os.ReadFile("../../../server/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{"Following NATS", "Behind", "Storing", "Starts", "Drains"}
	for title, exprs := range expressions(t) {
		for _, expr := range exprs {
			for _, name := range regexp.MustCompile(`\badic_\w+`).FindAllString(expr, -1) {
				if !strings.Contains(string(help), strconv.Quote(strings.TrimSuffix(name, "_bucket"))) {
					t.Errorf("%s: there is no metric %s", title, name)
				}
			}
			if !slices.Contains(elsewhere, title) {
				eventually(t, "there is data for "+title+": "+expr, func() bool { return has(expr) })
			}
		}
	}
	eventually(t, "the rules are evaluated", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/v1/rules", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, body := do(t, req)
		if strings.Contains(body, `"health":"err"`) {
			t.Fatalf("a rule fails: %s", body)
		}
		return strings.Count(body, `"health":"ok"`) == strings.Count(deployFile(t, "prometheus/adic.rules.yml"), "- alert: ")
	})
}

// The units are ones that systemd takes, and give the services no more than they need.
func TestUnits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	services := []string{"adic.service", "adic-explorer.service"}
	verify := []string{"verify"}
	for _, unit := range append(services, "adic.socket") {
		file := filepath.Join(dir, unit)
		mustWrite(t, file, strings.Replace(deployFile(t, "systemd/"+unit), "/usr/bin/adic", adic(), 1))
		verify = append(verify, file)
	}
	if out, err := exec.CommandContext(t.Context(), tool(t, "systemd-analyze"), verify...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for _, unit := range services {
		out, err := exec.CommandContext(t.Context(), tool(t, "systemd-analyze"), "security", "--offline=true", "--threshold=15", filepath.Join(dir, unit)).CombinedOutput()
		if err != nil { // the exposure is above 1.5 of 10
			t.Errorf("systemd-analyze security: %v\n%s", err, out)
		}
		// What is asked of the system at the start must be allowed: the limit of
		// descriptors is raised, and the boot's id read.
		for line := range strings.Lines(deployFile(t, "systemd/"+unit)) {
			if strings.Contains(line, "~@resources") || strings.Contains(line, "ProcSubset=pid") {
				t.Errorf("%s has %s", unit, line)
			}
		}
	}
}

// The site for nginx passes everything that clients need: adic check finds nothing wrong
// through it. The configuration of the package is right too.
func TestDeployedSite(t *testing.T) {
	t.Parallel()
	cert, key := newCertificate(t, t.TempDir(), "site")
	r := startRouter(t, "--api.trusted_proxies", "127.0.0.1")
	plain, secure := freeAddr(t), freeAddr(t)
	site := deployFile(t, "nginx/adic.conf",
		"127.0.0.1:9121", r.addr, "listen 80;", "listen "+plain+";", "    listen [::]:80;\n", "", "listen 443 ssl http2;", "listen "+secure+" ssl http2;",
		"    listen [::]:443 ssl http2;\n", "", "/etc/ssl/adic/fullchain.pem", cert, "/etc/ssl/adic/privkey.pem", key)
	config := fmt.Sprintf("worker_processes 1;\nerror_log stderr;\npid nginx.pid;\nevents { worker_connections 512; }\nhttp {\naccess_log off;\n"+
		"client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"+
		"server { listen LISTEN; return 204; }\n%s}\n", site)
	startNginx(t, config)
	found, _ := checkList(t, "https://"+secure, "--ca", cert, "--hold", "2s", "--connections", "20")
	for _, c := range found {
		if c.Status == "failed" && c.Check != "metrics" { // those are for operators here
			t.Errorf("%+v", c)
		}
	}
	if out, err := run(t, "", adic(), "config", "--config", "../../../deploy/adic.toml"); err != nil {
		t.Errorf("the configuration of the package: %v\n%s", err, out)
	}
}
