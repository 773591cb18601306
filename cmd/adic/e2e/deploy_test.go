package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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

// readYAML has Debian's own interpreter read YAML into v.
func readYAML(t *testing.T, text string, v any) {
	t.Helper()
	out, err := run(t, text, "/usr/bin/python3", "-c", "import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatal(err)
	}
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

// The sites for nginx stand side by side, and pass everything that clients need: adic check
// finds nothing wrong through that of the router, pages, answers and streams come through that
// of the explorer. The metrics are for operators.
func TestDeployedSites(t *testing.T) {
	t.Parallel()
	cert, key := newCertificate(t, t.TempDir(), "site")
	r := startRouter(t, "--api.trusted_proxies", "127.0.0.1")
	x := startExplorer(t, r.http(), filepath.Join(t.TempDir(), "explorer.db"))
	routerSite, explorerSite := freeAddr(t), freeAddr(t)
	site := func(name, backend, to, at string) string {
		return deployFile(t, "nginx/"+name, backend, to, "listen 80;", "listen "+freeAddr(t)+";", "    listen [::]:80;\n", "",
			"listen 443 ssl http2;", "listen "+at+" ssl http2;", "    listen [::]:443 ssl http2;\n", "",
			"/etc/ssl/adic/fullchain.pem", cert, "/etc/ssl/adic/privkey.pem", key)
	}
	_, errors := startNginx(t, "worker_processes 1;\nerror_log stderr;\npid nginx.pid;\nevents { worker_connections 512; }\nhttp {\naccess_log off;\n"+
		"client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"+
		"server { listen LISTEN; return 204; }\n"+site("adic.conf", "127.0.0.1:9121", r.addr, routerSite)+
		site("adic-explorer.conf", "127.0.0.1:9122", x.addr, explorerSite)+"}\n")
	found, _ := checkList(t, "https://"+routerSite, "--ca", cert, "--hold", "2s", "--connections", "20")
	for _, c := range found {
		if c.Status == "failed" {
			t.Errorf("%+v", c)
		}
	}
	wantExplorer(t, r, "https://"+explorerSite)
	if text := errors.String(); text != "" {
		t.Errorf("nginx complains: %s", text)
	}
	wantMetricsForOperators(t, "https://"+routerSite, "https://"+explorerSite)
}

// wantExplorer wants pages, answers and streams of an explorer of r at a URL.
func wantExplorer(t *testing.T, r *router, url string) {
	t.Helper()
	curl := func(path string, args ...string) *process {
		return start(t, tool(t, "curl"), append(args, "--silent", "--show-error", "--no-buffer", "--insecure", url+path)...)
	}
	sse := curl("/v1/sse/events?" + filter)
	ws := start(t, tool(t, "wscat"), "--no-check", "--connect", "ws"+strings.TrimPrefix(url, "http")+"/v1/ws/events?ids=true&"+filter)
	clients := []func() []record{
		func() []record { return parseSSE(t, sse.stdout.lines()) },
		func() []record { return ws.records(t) },
	}
	for _, received := range clients {
		eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })
	}
	f := newFeed(r)
	f.publish(t, len(kinds))
	for _, received := range clients {
		f.awaitIn(t, received)
	}
	for path, want := range map[string]string{"/": "<!doctype html>", "/api/v1/stats": `"by_type":{`, "/health/ready": ""} {
		page := curl(path, "--fail")
		if <-page.done; page.err != nil || !strings.Contains(strings.ToLower(page.stdout.String()), want) {
			t.Errorf("%s: %v, no %q in %s", path, page.err, want, page.stdout.tail())
		}
	}
}

// wantMetricsForOperators wants the metrics at URLs to be for this machine only, which has
// more than one address.
func wantMetricsForOperators(t *testing.T, urls ...string) {
	t.Helper()
	for _, url := range urls {
		for from, want := range map[string]string{"127.0.0.1": "200", "127.0.0.2": "403"} {
			for _, path := range []string{"/metrics", "/v1/metrics"} {
				out, err := run(t, "", tool(t, "curl"), "--silent", "--insecure", "--interface", from, "--output", filepath.Join(t.TempDir(), "page"),
					"--write-out", "%{http_code}", url+path)
				if err != nil || out != want {
					t.Errorf("%s%s for %s: %v %s, want %s", url, path, from, err, out, want)
				}
			}
		}
	}
}

// The configurations of the package are right.
func TestDeployedConfigurations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"adic.toml", "explorer.toml"} {
		if out, err := run(t, "", adic(), "config", "--config", "../../../deploy/"+name); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
