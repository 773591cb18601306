package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readTimeout is the proxy_read_timeout in testdata/nginx.conf.
const readTimeout = 3 * time.Second

// startProxy starts nginx in front of a router. errors is what it logs.
func startProxy(t *testing.T, r *router) (addr string, errors *output) {
	t.Helper()
	config, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	return startNginx(t, strings.ReplaceAll(string(config), "//ROUTER;", "//"+r.addr+";"))
}

// startNginx starts nginx with a configuration in which LISTEN stands for its address.
func startNginx(t *testing.T, config string) (addr string, errors *output) {
	t.Helper()
	addr = freeAddr(t)
	prefix := t.TempDir()
	file := filepath.Join(prefix, "nginx.conf")
	text := strings.ReplaceAll(config, "LISTEN", addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, tool(t, "nginx"), "-e", "stderr", "-p", prefix, "-c", file, "-g", "daemon off;")
	eventually(t, "nginx listens", func() bool {
		p.mustRun(t)
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr, &p.stderr
}

// freeAddr returns an address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Both transports work behind nginx, with what nginx buffers and cuts by default:
// an event arrives although nothing follows it that would fill a buffer, and a
// stream without events outlives proxy_read_timeout, because the router's
// heartbeats and pings come more often than that.
func TestNginx(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--stream.heartbeat_interval", "1s", "--stream.ping_interval", "1s")
	addr, errors := startProxy(t, r)
	for name, program := range map[string]struct {
		start    func(t *testing.T) *process
		received func(t *testing.T, p *process) []record
		beat     string // what a heartbeat looks like
	}{
		"SSE": {
			start: func(t *testing.T) *process {
				return start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", sseURL(addr))
			},
			received: func(t *testing.T, p *process) []record { return parseSSE(t, p.stdout.lines()) },
			beat:     ": heartbeat",
		},
		"WebSocket": {
			start: func(t *testing.T) *process {
				return start(t, tool(t, "wscat"), "--show-ping-pong", "--connect", webSocketURL(addr))
			},
			received: func(t *testing.T, p *process) []record {
				var records []record
				for _, line := range p.stdout.lines() {
					if !strings.HasPrefix(line, "Received ping") {
						records = append(records, parseRecord(t, line))
					}
				}
				return records
			},
			beat: "Received ping",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := program.start(t)
			received := func() []record { return program.received(t, p) }
			beats := func() (n int) {
				for _, line := range p.stdout.lines() {
					if strings.HasPrefix(line, program.beat) {
						n++
					}
				}
				return n
			}
			eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })
			f := newFeed(r)
			f.publish(t, len(kinds))
			f.awaitIn(t, received)

			silence := time.Now()
			eventually(t, "the stream has outlived the limit twice", func() bool {
				p.mustRun(t)
				return time.Since(silence) > 2*readTimeout+time.Second && beats() >= 5
			})
			f.publish(t, len(kinds))
			f.awaitIn(t, received)
			if opened(received()) != 1 {
				t.Error("the stream is another one")
			}
		})
	}
	if text := errors.String(); text != "" {
		t.Errorf("nginx complains: %s", text)
	}
}

// The time limit is real: without heartbeats nginx cuts a stream without events.
func TestNginxCutsSilence(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	addr, _ := startProxy(t, r)
	p := start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(addr)+"&heartbeat=false")
	eventually(t, "nginx cuts the stream", p.ended)
	if records := parseSSE(t, p.stdout.lines()); opened(records) != 1 {
		t.Error("the stream was not even opened")
	}
}

// A page that nginx serves follows the router behind it: nginx passes on the host
// that the browser asked for, so that the page has the router's own origin.
func TestChromiumBehindNginx(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--stream.heartbeat_interval", "1s", "--stream.ping_interval", "1s")
	addr, errors := startProxy(t, r)
	for name, args := range map[string]map[string]any{
		"websocket.js":   {"url": webSocketURL(addr)},
		"eventsource.js": {"url": sseURL(addr), "types": kindNames()},
	} {
		t.Run(name, func(t *testing.T) {
			p := browser(t, "http://"+addr+"/health/live", name, args)
			received := func() []record { return p.records(t) }
			eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })
			f := newFeed(r)
			f.publish(t, len(kinds))
			f.awaitIn(t, received)
			if n := count(received(), "ConsoleError"); n > 0 {
				t.Errorf("%d errors on the console", n)
			}
		})
	}
	if text := errors.String(); text != "" {
		t.Errorf("nginx complains: %s", text)
	}
}
