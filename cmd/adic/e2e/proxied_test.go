package e2e

import (
	"strings"
	"testing"
)

// Behind nginx each client is limited by its own address, which it cannot make up,
// and operators see it.
func TestLimitsBehindNginx(t *testing.T) {
	t.Parallel()
	r := startLimited(t)
	addr, errors := startProxy(t, r)
	wantLimitsOfClients(t, r, "http://"+addr)
	if text := errors.String(); text != "" {
		t.Errorf("nginx complains: %s", text)
	}
}

// The same behind Caddy.
func TestLimitsBehindCaddy(t *testing.T) {
	t.Parallel()
	r := startLimited(t)
	addr, _, _ := startCaddy(t, r.addr, freeAddr(t), "")
	wantLimitsOfClients(t, r, "https://"+addr)
}

// startLimited starts a router that lets in one connection of an address, and trusts a
// proxy on this machine to say which that is.
func startLimited(t *testing.T) *router {
	return startRouter(t, "--admin.listen", "127.0.0.1:0", "--api.trusted_proxies", "127.0.0.1/32",
		"--limits.connections_per_address", "1")
}

// wantLimitsOfClients wants the router behind the proxy at url to tell clients apart.
func wantLimitsOfClients(t *testing.T, r *router, url string) {
	t.Helper()
	curl := func(from string, more ...string) *process {
		args := append([]string{"--silent", "--show-error", "--no-buffer", "--include", "--insecure", "--http1.1", "--interface", from}, more...)
		return start(t, tool(t, "curl"), append(args, url+"/v1/sse/events")...)
	}
	status := func(p *process) (line string) {
		eventually(t, "there is an answer", func() bool {
			lines := p.stdout.lines()
			if len(lines) > 0 {
				line = strings.TrimSpace(lines[0])
			}
			return line != ""
		})
		return line
	}
	const ok, refused = "HTTP/1.1 200 OK", "HTTP/1.1 429 Too Many Requests"
	for _, c := range []struct {
		name, from string
		more       []string
		want       string
	}{
		{"the first", "127.0.0.2", nil, ok},
		{"a second of the same address", "127.0.0.2", nil, refused},
		{"another address", "127.0.0.3", nil, ok},
		{"an address made up", "127.0.0.3", []string{"--header", "X-Forwarded-For: 198.51.100.7"}, refused},
		{"a trusted address made up", "127.0.0.3", []string{"--header", "X-Forwarded-For: 127.0.0.1"}, refused},
	} {
		if got := status(curl(c.from, c.more...)); got != c.want {
			t.Errorf("%s is answered with %s, want %s", c.name, got, c.want)
		}
	}
	out, err := run(t, "", adic(), "connections", "--admin", "http://"+r.admin)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, address := range []string{"127.0.0.2", "127.0.0.3"} {
		if !strings.Contains(out, address+" ") {
			t.Errorf("operators do not see %s:\n%s", address, out)
		}
	}
}
