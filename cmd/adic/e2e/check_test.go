package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// checkList runs adic check and returns what it found, by check. ok is what its exit
// status says.
func checkList(t *testing.T, args ...string) (found map[string]checkResult, ok bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), adic(), append([]string{"check", "--json", "--timeout", "2s"}, args...)...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("adic check %v: %v\n%s", args, err, out)
	}
	var page struct {
		OK     bool
		Checks []checkResult
	}
	if err := json.Unmarshal(out, &page); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if page.OK != (err == nil) {
		t.Errorf("the page says %v, the exit status %v", page.OK, err)
	}
	found = make(map[string]checkResult)
	for _, r := range page.Checks {
		found[r.Check] = r
	}
	return found, page.OK
}

type checkResult struct{ Check, Status, Found, Remedy string }

// wantGood wants nothing that failed or is to be looked at.
func wantGood(t *testing.T, found map[string]checkResult) {
	t.Helper()
	for _, r := range found {
		if r.Status != "ok" && r.Status != "skipped" {
			t.Errorf("%+v", r)
		}
	}
}

func TestCheckGoodRouters(t *testing.T) {
	t.Parallel()
	const origin = "https://explorer.example.org"
	dir := t.TempDir()
	cert, key := newCertificate(t, dir, "router")
	plain := startRouter(t, "--api.cors_origins", origin, "--stream.heartbeat_interval", "1s")
	secure := startRouter(t, "--api.cors_origins", origin, "--stream.heartbeat_interval", "1s", "--api.tls_cert", cert, "--api.tls_key", key)
	proxy, _ := startProxy(t, plain)
	for _, r := range []*router{plain, secure} {
		r.publish(t, `{"type":"MessageAdded","message_id":"ab12","depth":1}
{"type":"MessageAdded","message_id":"ab13","depth":2}`)
	}
	for name, url := range map[string]string{"plain": plain.http(), "TLS": secure.http(), "nginx": "http://" + proxy} {
		found, ok := checkList(t, url, "--ca", cert, "--origin", origin, "--hold", "2s", "--connections", "20")
		if !ok {
			t.Errorf("%s: not ok", name)
		}
		wantGood(t, found)
		for check, r := range found {
			if r.Status == "skipped" && (check != "tls" || name == "TLS") && check != "explorer" {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
	out, err := run(t, "", adic(), "check", plain.addr, "--hold", "0", "--connections", "0")
	if err != nil || !strings.Contains(out, "✓ websocket") || !strings.Contains(out, "0 failed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// An explorer is looked at like a router, and whether its node's events reach it as well.
func TestCheckExplorers(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=20")
	database := filepath.Join(t.TempDir(), "explorer.db")
	x := startExplorer(t, r.http(), database, "--stream.heartbeat_interval", "1s")
	eventually(t, "events are indexed", func() bool { return len(x.events(t)) > 10 })
	found, ok := checkList(t, x.addr, "--hold", "2s", "--connections", "20")
	if !ok || found["explorer"].Status != "ok" {
		t.Errorf("of one that follows its node: %v, %+v", ok, found["explorer"])
	}
	wantGood(t, found)
	r.terminate()
	eventually(t, "the explorer has lost its node", func() bool {
		return !strings.Contains(x.get(t, "/health/streaming"), `"status":"connected"`)
	})
	found, ok = checkList(t, x.addr, "--hold", "0", "--connections", "0")
	if e := found["explorer"]; ok || e.Status != "failed" || !strings.Contains(e.Remedy, "ADIC_NODE_URL") {
		t.Errorf("of one whose node has gone: %v, %+v", ok, e)
	}
	x.terminate()
}

// nginxAround returns a configuration that passes all to backends, with more lines in
// its location.
func nginxAround(lines string, backends ...string) string {
	return `worker_processes 1; error_log stderr; pid nginx.pid;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	upstream routers { server ` + strings.Join(backends, "; server ") + `; }
	server {
		listen LISTEN;
		location / {
			proxy_pass http://routers;
			proxy_set_header Host $http_host;
			` + lines + `
		}
	}
}
`
}

const upgrades = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"

// Every way to set it up wrongly is named, with what to do.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	behind := func(lines string) func(t *testing.T) []string {
		return func(t *testing.T) []string {
			addr, _ := startNginx(t, nginxAround(lines, startRouter(t).addr))
			return []string{addr}
		}
	}
	with := func(flags ...string) func(t *testing.T) []string {
		return func(t *testing.T) []string { return []string{startRouter(t, flags...).addr} }
	}
	withCertificate := func(from, to time.Duration, ip string, trust bool) func(t *testing.T) []string {
		return func(t *testing.T) []string {
			cert, key := certificateOf(t, from, to, ip)
			r := startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key)
			if !trust {
				return []string{r.http()}
			}
			return []string{r.http(), "--ca", cert}
		}
	}
	for _, test := range []struct {
		name   string
		setUp  func(t *testing.T) []string // arguments of adic check
		check  string
		status string
		says   string // part of what was found or of the remedy
	}{
		{"nothing listens", func(t *testing.T) []string { return []string{freeAddr(t)} }, "reachable", "failed", "connection refused"},
		{"a proxy without its router", func(t *testing.T) []string {
			addr, _ := startNginx(t, nginxAround("", freeAddr(t)))
			return []string{addr}
		}, "reachable", "failed", "the proxy does not reach the router"},
		{"no router", func(t *testing.T) []string {
			addr, _ := startNginx(t, strings.Replace(nginxAround("", freeAddr(t)), "proxy_pass http://routers;", "return 200 hello;", 1))
			return []string{addr}
		}, "version", "failed", "is the URL that of a router?"},
		{"a proxy that does not upgrade", behind(""), "websocket", "failed", "proxy_set_header Upgrade"},
		{"a proxy that buffers", behind(upgrades + "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;"), "sse", "failed", "proxy_buffering off"},
		{"a proxy that compresses", behind(upgrades + "gzip on; gzip_proxied any; gzip_types text/event-stream;"), "sse", "failed", "gzip off"},
		{"a proxy that cuts silence", behind(upgrades + "proxy_read_timeout 1s;"), "heartbeats", "failed", "proxy_read_timeout"},
		{"two routers by turns", func(t *testing.T) []string {
			addr, _ := startNginx(t, nginxAround(upgrades, startRouter(t).addr, startRouter(t).addr))
			return []string{addr}
		}, "one stream", "failed", "ip_hash"},
		{"two routers by turns, of which one has not the other's events", func(t *testing.T) []string {
			a, b := startRouter(t), startRouter(t)
			for _, r := range []*router{a, b} {
				r.publish(t, aMessage("ab12")+"\n"+aMessage("ab13"))
			}
			addr, _ := startNginx(t, nginxAround(upgrades, a.addr, b.addr))
			return []string{addr}
		}, "resume", "failed", "another stream answered"},
		{"a proxy that does not say where a stream was", func(t *testing.T) []string {
			r := startRouter(t)
			r.publish(t, aMessage("ab12")+"\n"+aMessage("ab13"))
			addr, _ := startNginx(t, nginxAround(upgrades+`proxy_set_header Last-Event-ID "";`, r.addr))
			return []string{addr}
		}, "resume", "failed", "Last-Event-ID"},
		{"a proxy that takes the query away", behind(upgrades + "rewrite ^(.*)$ $1? break;"), "filters", "failed", "pass the query on"},
		{"a proxy that takes the query away, and mistakes with it", behind(upgrades + "rewrite ^(.*)$ $1? break;"), "bad requests", "failed", "pass the query on"},
		{"a proxy with few connections", func(t *testing.T) []string {
			config := strings.Replace(nginxAround(upgrades, startRouter(t).addr), "worker_connections 256", "worker_connections 20", 1)
			addr, _ := startNginx(t, config)
			return []string{addr}
		}, "load", "failed", "worker_connections"},
		{"a proxy that answers preflights itself", func(t *testing.T) []string {
			r := startRouter(t, "--api.cors_origins", "https://explorer.example.org")
			addr, _ := startNginx(t, nginxAround(upgrades+"if ($request_method = OPTIONS) { return 405; }", r.addr))
			return []string{addr}
		}, "origins", "failed", "OPTIONS"},
		{"a proxy that takes the origin away", func(t *testing.T) []string {
			r := startRouter(t, "--api.cors_origins", "https://explorer.example.org")
			addr, _ := startNginx(t, nginxAround(upgrades+`proxy_set_header Origin "";`, r.addr))
			return []string{addr}
		}, "origins", "failed", "pass Origin on"},
		{"a path that the router does not have", func(t *testing.T) []string { return []string{startRouter(t).http() + "/below"} },
			"reachable", "failed", "the path it has behind the proxy"},
		{"HTTPS asked of a port without", func(t *testing.T) []string { return []string{"https://" + startRouter(t).addr} },
			"reachable", "failed", "http or https"},
		{"HTTP asked of a port with TLS", func(t *testing.T) []string {
			cert, key := newCertificate(t, t.TempDir(), "router")
			return []string{"http://" + startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key).addr}
		}, "reachable", "failed", "http or https"},
		{"a name that the certificate does not have", func(t *testing.T) []string {
			cert, key := newCertificate(t, t.TempDir(), "router")
			_, port, err := net.SplitHostPort(startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key).addr)
			if err != nil {
				t.Fatal(err)
			}
			return []string{"https://localhost:" + port, "--ca", cert}
		}, "reachable", "failed", "for this name"},
		{"a clock that is an hour ahead", func(t *testing.T) []string { return []string{skewed(t, startRouter(t), time.Hour)} }, "clock", "warning", "ahead"},
		{"a clock that is behind", func(t *testing.T) []string { return []string{skewed(t, startRouter(t), -time.Minute)} }, "clock", "warning", "NTP"},
		{"the metrics of another router", func(t *testing.T) []string {
			return []string{startRouter(t).addr, "--operators", startRouter(t).http()}
		}, "metrics move", "failed", "not those of the router that serves"},
		{"no room for another connection", func(t *testing.T) []string {
			r := startRouter(t, "--api.max_websocket_connections", "9", "--api.max_sse_connections", "1")
			for range 9 {
				openSocket(t, r, "")
			}
			start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(r.addr))
			eventually(t, "all are there", func() bool { return r.metrics(t)["adic_sse_connections"] == 1 })
			return []string{r.addr}
		}, "limits", "warning", "are taken"},
		{"a proxy that adds a header of its own", func(t *testing.T) []string {
			r := startRouter(t, "--api.cors_origins", "https://explorer.example.org")
			addr, _ := startNginx(t, nginxAround(`add_header Access-Control-Allow-Origin "*" always;`, r.addr))
			return []string{addr}
		}, "origins", "failed", "leave it to the router"},
		{"an origin that is not let in", with("--api.cors_origins", "https://other.example.org"), "origins", "failed", "api.cors_origins"},
		{"every origin", with("--api.cors_origins", "*"), "origins", "warning", "name the origins"},
		{"an expired certificate", func(t *testing.T) []string { // the router itself does not start with one
			cert, key := certificateOf(t, -48*time.Hour, -time.Hour, "127.0.0.1")
			config := strings.Replace(nginxAround(upgrades, startRouter(t).addr), "listen LISTEN;",
				"listen LISTEN ssl; ssl_certificate "+cert+"; ssl_certificate_key "+key+";", 1)
			addr, _ := startNginx(t, config)
			return []string{"https://" + addr, "--ca", cert}
		}, "reachable", "failed", "renew the certificate"},
		{"a certificate that ends soon", withCertificate(-time.Hour, 100*time.Hour, "127.0.0.1", true), "tls", "warning", "4 days"},
		{"a certificate for another address", withCertificate(-time.Hour, 999*time.Hour, "127.0.0.9", true), "reachable", "failed", "for this name"},
		{"a certificate of nobody", withCertificate(-time.Hour, 999*time.Hour, "127.0.0.1", false), "reachable", "failed", "--ca"},
		{"WebSocket switched off", with("--api.enable_websocket=false"), "websocket", "failed", "api.enable_websocket"},
		{"SSE switched off", with("--api.enable_sse=false"), "sse", "failed", "api.enable_sse"},
		{"a token is needed", with("--auth.subscribe", "jwt", "--auth.jwt_secret", strings.Repeat("s", 32)), "websocket", "failed", "--token"},
		{"metrics not for everybody", with("--api.enable_metrics=false", "--admin.listen", "127.0.0.1:0"), "metrics", "warning", "--operators"},
		{"few connections", with("--api.max_websocket_connections", "5"), "load", "failed", "of 20 connections"},
		{"few descriptors", func(t *testing.T) []string {
			r := startOdd(t, withDescriptors(t, 400))
			return []string{r.addr}
		}, "limits", "failed", "LimitNOFILE="},
		{"a router that drains", func(t *testing.T) []string {
			r := startRouter(t, "--stream.drain_timeout", "5s")
			for range 20 { // which it closes one after the other
				openSocket(t, r, "")
			}
			r.signal(syscall.SIGTERM)
			t.Cleanup(func() { <-r.done }) // a second signal would cut it short
			eventually(t, "it drains", func() bool { return strings.Contains(r.stderr.String(), `"draining"`) })
			return []string{r.addr}
		}, "ready", "failed", "not ready"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append(test.setUp(t), "--connections", "20", "--origin", "https://explorer.example.org")
			if test.check == "heartbeats" {
				args = append(args, "--hold", "3s")
			} else {
				args = append(args, "--hold", "0")
			}
			found, ok := checkList(t, args...)
			r := found[test.check]
			if r.Status != test.status || !strings.Contains(r.Found+" "+r.Remedy, test.says) {
				t.Errorf("%+v, want %s and %q", r, test.status, test.says)
			}
			if test.status == "failed" && ok {
				t.Error("it is ok all the same")
			}
			for _, r := range found {
				if (r.Status == "failed" || r.Status == "warning") && r.Remedy == "" {
					t.Errorf("no remedy: %+v", r)
				}
			}
		})
	}
}

// skewed returns the URL of a proxy in front of a router that has the answers say that
// it is later, by off.
func skewed(t *testing.T, r *router, off time.Duration) string {
	t.Helper()
	target, err := url.Parse(r.http())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(res *http.Response) error {
		res.Header.Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

// certificateOf makes a certificate that is good between two moments from now.
func certificateOf(t *testing.T, from, to time.Duration, ip string) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(to),
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
