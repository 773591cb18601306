package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What stands in examples/ follows a router through a kill and a restart on the
// same port, and prints every event exactly once.
func TestExamplesResume(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../../../examples")
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(examples, "browser"))))
	t.Cleanup(site.Close)
	page := func(url string) *exec.Cmd {
		return exec.Command(tool(t, "node"), "testdata/clients/browser.js", site.URL+"/?node="+url, "testdata/clients/lines.js", "{}")
	}
	goExample := filepath.Join(t.TempDir(), "example")
	if out, err := exec.Command("go", "build", "-o", goExample, "github.com/adic-network/router/examples/go").CombinedOutput(); err != nil {
		t.Fatalf("cannot build the example in Go: %v\n%s", err, out)
	}
	programs := []struct {
		name    string
		flags   []string // of the router
		command func(url string) *exec.Cmd
	}{
		{"python over WebSocket", nil, func(url string) *exec.Cmd {
			return exec.Command("/usr/bin/python3", filepath.Join(examples, "python/event_stream_client.py"), "--node-url", url)
		}},
		{"python over SSE", []string{"--api.enable_websocket=false"}, func(url string) *exec.Cmd {
			return exec.Command("/usr/bin/python3", filepath.Join(examples, "python/event_stream_client.py"), "--node-url", url)
		}},
		{"go", nil, func(url string) *exec.Cmd { return exec.Command(goExample, url) }},
		{"node", nil, func(url string) *exec.Cmd {
			return exec.Command(tool(t, "node"), filepath.Join(examples, "node/client.js"), url)
		}},
		{"browser over WebSocket", []string{"--api.cors_origins", site.URL}, page},
		{"browser over SSE", []string{"--api.cors_origins", site.URL, "--api.enable_websocket=false"}, page},
	}
	for _, program := range programs {
		t.Run(program.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := withJournal(t, dir, program.flags...)
			cmd := program.command(r.http())
			cmd.Env = environment(t)
			p := startCommand(t, cmd)
			f := &feed{router: r, wanted: make(map[string][]int)}
			var received []int
			read := func() {
				p.mustRun(t)
				received = received[:0]
				for _, line := range p.stdout.lines() {
					var shown struct{ Type, Text string } // by a page
					if json.Unmarshal([]byte(line), &shown) == nil && shown.Type == "ConsoleError" {
						continue // a browser says so when a connection is refused
					} else if shown.Type == "Line" {
						line = shown.Text
					}
					var event struct{ Seq int }
					if err := json.Unmarshal([]byte(line), &event); err != nil {
						t.Fatalf("printed %q: %v", line, err)
					}
					received = append(received, event.Seq)
				}
			}
			// A program that joins has only what is published from then on, and
			// has to have a cursor before the router is killed.
			eventually(t, "the program has joined", func() bool {
				health := r.get(t, "/v1/health/streaming")
				return strings.Contains(health, `connections":1`)
			})
			publish := func(what string, n int) {
				before := f.sent
				f.publish(t, n)
				eventually(t, what, func() bool { read(); return slices.Contains(received, before+n) })
			}
			publish("the program prints events", 10)
			r.kill()
			f.router = withJournal(t, dir, append(program.flags, "--api.port", strings.Split(r.addr, ":")[1])...)
			f.publish(t, 10) // while the program waits to come back
			publish("the program prints what it missed", 10)
			eventually(t, "all are there", func() bool { read(); return len(received) >= f.sent })
			slices.Sort(received)
			for i, seq := range received {
				if seq != i+1 {
					t.Fatalf("received %v, want each of 1 to %d once", received, f.sent)
				}
			}
		})
	}
}
