package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Without an admin address there is nothing for operators, and with one it is not on
// the public address.
func TestAdminAddress(t *testing.T) {
	t.Parallel()
	plain := startRouter(t)
	r := startRouter(t, "--admin.listen", "127.0.0.1:0", "--api.enable_metrics=false")
	status := func(addr, path string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, _ := do(t, req)
		return status
	}
	for _, path := range []string{"/admin/connections", "/admin/connections/1", "/debug/pprof/", "/debug/pprof/heap"} {
		if a, b := status(plain.addr, path), status(r.addr, path); a != http.StatusNotFound || b != http.StatusNotFound {
			t.Errorf("GET %s on the public address is answered with %d, and with %d beside an admin address", path, a, b)
		}
	}
	for _, path := range []string{"/metrics", "/v1/metrics"} {
		if a, b, c := status(plain.addr, path), status(r.addr, path), status(r.admin, path); a != 200 || b != 404 || c != 200 {
			t.Errorf("GET %s: %d, without public metrics %d, at the admin address %d", path, a, b, c)
		}
	}

	s := openSocket(t, r, "?events=message.*")
	other := openSocket(t, r, "")
	table := func() []string {
		t.Helper()
		out, err := run(t, "", adic(), "connections", "--admin", "http://"+r.admin, "--sort", "age")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Split(strings.TrimSpace(out), "\n")
	}
	lines := table()
	if len(lines) != 4 || !strings.Contains(lines[1], s.conn.LocalAddr().String()) || lines[3] != "2 of 2 connections" {
		t.Fatalf("the connections are\n%s", strings.Join(lines, "\n"))
	}
	id := strings.Fields(lines[1])[0]
	if out, err := run(t, "", adic(), "connections", "close", id, "--admin", r.admin); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.await(t)
	if s.code != 1008 || other.hasEnded() {
		t.Errorf("closed with %d, want 1008; the other has ended: %v", s.code, other.hasEnded())
	}
	eventually(t, "it is gone from the list", func() bool { return len(table()) == 3 })
	if out, err := run(t, "", adic(), "connections", "close", id, "--admin", r.admin); err == nil || !strings.Contains(out, "no connection with this ID") {
		t.Errorf("closed twice: %v\n%s", err, out)
	}
}
