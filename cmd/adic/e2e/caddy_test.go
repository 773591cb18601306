package e2e

import (
	"net"
	"path/filepath"
	"testing"
)

// startCaddy starts Caddy with the file of deploy/ in front of a router and an explorer, with
// certificates of its own authority, which is in the file ca, or with the lines of tls. More
// is replaced as in deployFile.
func startCaddy(t *testing.T, router, explorer, tls string, replace ...string) (routerSite, explorerSite, ca string) {
	t.Helper()
	routerSite, explorerSite = freeAddr(t), freeAddr(t)
	dir := t.TempDir()
	if tls == "" {
		tls = "tls internal"
		ca = filepath.Join(dir, "pki/authorities/local/root.crt")
	}
	text := deployFile(t, "caddy/Caddyfile", append(replace,
		"events.example.org {", "https://"+routerSite+" {\n\t"+tls, "explorer.example.org {", "https://"+explorerSite+" {\n\t"+tls,
		"127.0.0.1:9121", router, "127.0.0.1:9122", explorer)...)
	file := filepath.Join(dir, "Caddyfile")
	// Without these it would take ports 80 and 2019, and put its authority among the system's.
	mustWrite(t, file, "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tstorage file_system "+dir+"\n}\n"+text)
	p := start(t, tool(t, "caddy"), "run", "--config", file)
	for _, addr := range []string{routerSite, explorerSite} {
		eventually(t, "Caddy listens", func() bool {
			p.mustRun(t)
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	return routerSite, explorerSite, ca
}

// The file is written as Caddy has it, and right as it is.
func TestCaddyfile(t *testing.T) {
	t.Parallel()
	const file = "../../../deploy/caddy/Caddyfile"
	formatted, err := run(t, "", tool(t, "caddy"), "fmt", file)
	if err != nil || formatted != deployFile(t, "caddy/Caddyfile") {
		t.Errorf("caddy fmt: %v\n%s", err, formatted)
	}
	if out, err := run(t, "", tool(t, "caddy"), "validate", "--adapter", "caddyfile", "--config", file); err != nil {
		t.Errorf("caddy validate: %v\n%s", err, out)
	}
}

// Both transports work behind Caddy, over HTTP/1.1 and HTTP/2, and with its own certificates
// and given ones; adic check finds nothing wrong. The metrics are for operators.
func TestCaddy(t *testing.T) {
	t.Parallel()
	cert, key := newCertificate(t, t.TempDir(), "site")
	for name, tls := range map[string]string{"its own certificate": "", "a given certificate": "tls " + cert + " " + key} {
		t.Run(name, func(t *testing.T) {
			r := startRouter(t, "--api.trusted_proxies", "127.0.0.1", "--stream.heartbeat_interval", "1s")
			r.publish(t, `{"type":"MessageAdded","message_id":"ab12","depth":1}
{"type":"MessageAdded","message_id":"ab13","depth":2}`)
			x := startExplorer(t, r.http(), filepath.Join(t.TempDir(), "explorer.db"))
			site, explorerSite, ca := startCaddy(t, r.addr, x.addr, tls, "127.0.0.0/8", "127.0.0.1")
			if tls != "" {
				ca = cert
			}
			found, ok := checkList(t, "https://"+site, "--ca", ca, "--hold", "2s", "--connections", "20")
			if !ok {
				t.Error("not ok")
			}
			for check, c := range found {
				// Certificates of the authority of this test are made for hours or weeks.
				if c.Status != "ok" && c.Status != "skipped" && check != "tls" {
					t.Errorf("%+v", c)
				}
			}

			f := newFeed(r)
			curl := func(version string) *process {
				return start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", version, "--cacert", ca,
					"https://"+site+"/v1/sse/events?"+filter)
			}
			one, two := curl("--http1.1"), curl("--http2")
			ws := start(t, tool(t, "wscat"), "--no-check", "--connect", "wss://"+site+"/v1/ws/events?ids=true&"+filter)
			clients := []func() []record{
				func() []record { return parseSSE(t, one.stdout.lines()) },
				func() []record { return parseSSE(t, two.stdout.lines()) },
				func() []record { return ws.records(t) },
			}
			for _, received := range clients {
				eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })
			}
			f.publish(t, len(kinds))
			for _, received := range clients { // nothing follows that would fill a buffer
				f.awaitIn(t, received)
			}
			wantExplorer(t, r, "https://"+explorerSite)
			wantMetricsForOperators(t, "https://"+site, "https://"+explorerSite)
		})
	}
}
