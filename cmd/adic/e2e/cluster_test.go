package e2e

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// natsServer builds the NATS server of the module, once.
var natsServer = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "nats-server")
	out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

// startNATS starts a NATS server whose end is up to the test, and returns when it
// listens on addr.
func startNATS(t *testing.T, addr, dir string) *process {
	t.Helper()
	program, err := natsServer()
	if err != nil {
		t.Fatalf("cannot build nats-server: %v", err)
	}
	host, port, _ := strings.Cut(addr, ":")
	p := startCommand(t, exec.CommandContext(context.Background(), program, "-js", "-sd", dir, "-a", host, "-p", port))
	eventually(t, "the NATS server listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return p
}

// health returns the status of a router and why it is what it is.
func (r *router) health(t *testing.T) (status string, reasons []string) {
	t.Helper()
	var page struct {
		Status  string
		Reasons []string
	}
	if err := json.Unmarshal([]byte(r.get(t, "/v1/health/streaming")), &page); err != nil {
		t.Fatal(err)
	}
	return page.Status, page.Reasons
}

// Two routers of a cluster: their clients move from one to the other when it is
// killed, stay connected when NATS is, and receive everything once.
func TestCluster(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := ln.Addr().String(), t.TempDir()
	ln.Close()
	nats := startNATS(t, addr, dir)
	member := func() *router {
		return startOdd(t, nil, append([]string{"--cluster.nats", "nats://" + addr, "--auth.publish_token", publishToken,
			"--stream.drain_timeout", "0s"}, roomy...)...)
	}
	a, b := member(), member()
	at := &address{}
	at.set(a)
	survivors := []*survivor{survive(t, "WebSocket", at), survive(t, "SSE", at), survive(t, "polling", at)}
	f := newFeed(b)
	published := func() (all []int) {
		for seq := range f.sent {
			all = append(all, seq+1)
		}
		return all
	}
	// exchange publishes through the last of the routers, and waits until all have it.
	exchange := func(routers ...*router) {
		t.Helper()
		f.router = routers[len(routers)-1]
		for range 10 {
			f.publish(t, 37)
		}
		for _, s := range survivors {
			eventually(t, "the "+s.transport+" client has all events", func() bool { s.check(t); return s.has(published()) })
		}
		eventually(t, "the routers are at the same cursor", func() bool {
			first := parsePage(t, f.router.get(t, "/v1/events")).Cursor
			return !slices.ContainsFunc(routers, func(r *router) bool { return parsePage(t, r.get(t, "/v1/events")).Cursor != first })
		})
	}
	exchange(a, b)
	exchange(b, a)
	for range 2 { // what was published to one is resumed on the other
		a.kill()
		at.set(b)
		exchange(b)
		a, b = b, member()
		exchange(a, b)
	}

	nats.signal(os.Kill)
	<-nats.done
	eventually(t, "the health says that NATS is away", func() bool {
		status, reasons := a.health(t)
		return status == "degraded" && strings.Contains(strings.Join(reasons, "\n"), "the streams of the cluster are not followed")
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.http()+"/v1/events", strings.NewReader(`{"type":"MessageAdded","message_id":"ab12","depth":42}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+publishToken)
	if status, body := do(t, req); status != http.StatusServiceUnavailable || !strings.Contains(body, "there is no connection to NATS") {
		t.Errorf("publishing without NATS was answered with %d: %s", status, body)
	}
	nats = startNATS(t, addr, dir)
	for _, r := range []*router{a, b} {
		eventually(t, "the router follows again", func() bool {
			_, reasons := r.health(t)
			return !strings.Contains(strings.Join(reasons, "\n"), "the streams of the cluster are not followed")
		})
	}
	exchange(a, b)
	for _, s := range survivors {
		s.stop()
		s.check(t)
	}
	for _, family := range strings.Split(a.get(t, "/metrics"), "\n") {
		if text, found := strings.CutPrefix(family, "# HELP adic_cluster_"); found && strings.Contains(text, " adic cluster ") {
			t.Errorf("a metric without a text: %s", text)
		}
	}
	for _, r := range []*router{a, b} {
		r.terminate()
		if r.err != nil {
			t.Errorf("a router ended with %v", r.err)
		}
	}
	nats.terminate()
}

// A router that cannot join says why, and ends.
func TestClusterCannotBeJoined(t *testing.T) {
	t.Parallel()
	p := start(t, adic(), "serve", "--cluster.nats", "embedded")
	<-p.done
	if want := "an embedded NATS server needs a directory"; !strings.Contains(p.stderr.String(), want) {
		t.Errorf("it said %s, want %q", p.stderr.String(), want)
	}
	p = start(t, adic(), "serve", "--cluster.nats", "embedded", "--cluster.store_dir", "/dev/null/nats")
	<-p.done
	if want := "cannot start the embedded NATS server"; !strings.Contains(p.stderr.String(), want) {
		t.Errorf("it said %s, want %q", p.stderr.String(), want)
	}
}
