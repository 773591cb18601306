package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/explorer/store/postgrestest"
)

// startExplorer starts an explorer of a node with flags, whose end is up to the test.
func startExplorer(t *testing.T, node, database string, flags ...string) *router {
	t.Helper()
	return startExplorerIn(t, nil, node, database, flags...)
}

// startExplorerIn is startExplorer with more variables in the environment.
func startExplorerIn(t *testing.T, variables []string, node, database string, flags ...string) *router {
	t.Helper()
	args := append([]string{"explorer", node, "--explorer.host", "127.0.0.1", "--explorer.port", "0",
		"--explorer.database", database, "--log.format", "json", "--stream.drain_timeout", "0s"}, flags...)
	cmd := exec.Command(adic(), args...)
	cmd.Env = append(environment(t), variables...)
	x := &router{process: startCommand(t, cmd)}
	eventually(t, "the explorer serves", func() bool {
		x.mustRun(t)
		if line := x.find(t, "serving the explorer"); line != nil {
			x.addr = line.Address
		}
		return x.addr != ""
	})
	return x
}

// indexed is an event as the explorer answers.
type indexed struct {
	Seq      int64
	ID       string
	Type     string
	Priority string
	Event    json.RawMessage
}

// events returns all events of the index, the oldest first.
func (x *router) events(t *testing.T) (all []indexed) {
	t.Helper()
	cursor := ""
	for {
		var page struct {
			Items []indexed
			Next  *string
		}
		x.getJSON(t, "/api/v1/events?order=oldest&limit=1000&cursor="+url.QueryEscape(cursor), &page)
		all = append(all, page.Items...)
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
}

// seqs returns the numbers of a feed's events, by class in the order of the index.
func seqs(t *testing.T, events []indexed) map[string][]int {
	t.Helper()
	got := make(map[string][]int)
	for _, e := range events {
		var sample struct{ Seq int }
		if err := json.Unmarshal(e.Event, &sample); err != nil {
			t.Fatal(err)
		}
		got[e.Priority] = append(got[e.Priority], sample.Seq)
	}
	return got
}

// getJSON reads a resource that has to be there.
func (x *router) getJSON(t *testing.T, path string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(x.get(t, path)), v); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// streamingHealth is how an explorer stands with its node.
type streamingHealth struct {
	Enabled    bool
	Connection struct{ Mode, Status string }
	Events     struct {
		TotalProcessed int            `json:"total_processed"`
		ByType         map[string]int `json:"by_type"`
	}
}

// awaitNode waits until the explorer is connected to its node over a transport.
func (x *router) awaitNode(t *testing.T, mode, status string) streamingHealth {
	t.Helper()
	var h streamingHealth
	eventually(t, "the connection is "+mode+", "+status, func() bool {
		x.getJSON(t, "/health/streaming", &h)
		return h.Connection.Mode == mode && h.Connection.Status == status
	})
	return h
}

// databases are those that an explorer can have: a new one each.
func databases(t *testing.T) map[string]string {
	t.Helper()
	server, err := postgrestest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("PostgreSQL: %v", err)
		}
	})
	return map[string]string{"SQLite": filepath.Join(t.TempDir(), "explorer.db"), "PostgreSQL": server.Database(t)}
}

// An explorer that is killed under load, again and again, indexes every event once, in
// the order of its class.
func TestExplorerKilledUnderLoad(t *testing.T) {
	t.Parallel()
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			r := startRouter(t, roomy...)
			at := &address{}
			at.set(r)
			load := startLoad(t, at, 1)
			for range 4 {
				x := startExplorer(t, r.http(), database)
				before := len(x.events(t))
				eventually(t, "it indexes", func() bool { return len(x.events(t)) > before+200 })
				x.kill()
			}
			load.stop()
			x := startExplorer(t, r.http(), database)
			eventually(t, "everything is indexed", func() bool { return len(x.events(t)) >= len(load.acked) })
			got := seqs(t, x.events(t))
			all := slices.Concat(got["high"], got["medium"], got["low"])
			slices.Sort(all)
			slices.Sort(load.acked)
			if !slices.Equal(all, load.acked) {
				t.Errorf("%d events are indexed, and %d were published", len(all), len(load.acked))
			}
			for class, seqs := range got {
				if !slices.IsSorted(seqs) {
					t.Errorf("%s events are not in order", class)
				}
			}
			t.Logf("%d events, each once", len(all))
			x.terminate()
			if x.err != nil {
				t.Errorf("the explorer ended with %v", x.err)
			}
		})
	}
}

// What is indexed is pushed to who watches the explorer, with the node's cursors, and
// what was newest is there again after a restart.
func TestExplorerPushes(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	database := filepath.Join(t.TempDir(), "explorer.db")
	x := startExplorer(t, r.http(), database)
	x.awaitNode(t, "websocket", "connected")
	f := newFeed(r)
	watcher := survivorOf(t, x)
	f.publish(t, 50)
	eventually(t, "who watches has all of it", func() bool { _, n := watcher.received(); return n == 50 })
	watcher.check(t)
	x.terminate()
	if x.err != nil {
		t.Fatalf("the explorer ended with %v", x.err)
	}
	f.publish(t, 20) // while it is away

	x = startExplorer(t, r.http(), database)
	eventually(t, "it has caught up", func() bool { return len(x.events(t)) == 70 })
	again := survivorOf(t, x)
	eventually(t, "who comes now has all of it", func() bool { _, n := again.received(); return n == 70 })
	again.check(t)
	var page struct{ Cursor string }
	x.getJSON(t, "/v1/events", &page)
	if cursor := page.Cursor; !strings.Contains(r.get(t, "/v1/events?since="+cursor), `"events":[],"cursor":"`+cursor+`"`) {
		t.Errorf("the node does not know the explorer's cursor %s", cursor)
	}
}

// survivorOf follows a router over WebSocket.
func survivorOf(t *testing.T, r *router) *survivor {
	at := &address{}
	at.set(r)
	return survive(t, "WebSocket", at)
}

// The deployment checklist switches streaming off by variables; its rollback plan is to
// poll, which the explorer says.
func TestExplorerRollback(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	for _, test := range []struct {
		name      string
		variables []string
		mode      string
		enabled   bool
	}{
		{"all on", []string{"ENABLE_EVENT_STREAMING=True", "ENABLE_WEBSOCKET=True", "ENABLE_SSE=True"}, "websocket", true},
		{"no WebSocket", []string{"ENABLE_WEBSOCKET=False"}, "sse", true},
		{"rollback", []string{"ENABLE_EVENT_STREAMING=False"}, "polling", false},
		{"neither", []string{"ENABLE_WEBSOCKET=False", "ENABLE_SSE=False"}, "polling", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			variables := append(test.variables, "ADIC_NODE_URL="+r.http(), "CORS_ORIGINS=https://app.example.org")
			cmd := exec.Command(adic(), "explorer", "--explorer.port", "0", "--log.format", "json")
			cmd.Env = append(environment(t), variables...)
			cmd.Dir = t.TempDir()
			x := &router{process: startCommand(t, cmd)}
			eventually(t, "the explorer serves", func() bool {
				x.mustRun(t)
				if line := x.find(t, "serving the explorer"); line != nil {
					_, port, _ := strings.Cut(line.Address, "]:")
					x.addr = "127.0.0.1:" + port
				}
				return x.addr != ""
			})
			h := x.awaitNode(t, test.mode, "connected")
			if h.Enabled != test.enabled {
				t.Errorf("%+v", h)
			}
			said := x.find(t, "event streaming is off: using the polling-based indexer") != nil
			if said == test.enabled {
				t.Errorf("that it polls is said: %t", said)
			}
			newFeed(r).publish(t, 1)
			eventually(t, "the event is indexed", func() bool { return len(x.events(t)) > 0 })
			if _, err := os.Stat(filepath.Join(cmd.Dir, "explorer.db")); err != nil {
				t.Errorf("the index is not in the working directory: %v", err)
			}
			_, header, _ := x.status(t, http.MethodGet, "/api/v1/stats", "", "Origin: https://app.example.org")
			if got := header.Get("Access-Control-Allow-Origin"); got != "https://app.example.org" {
				t.Errorf("CORS_ORIGINS lets %q in", got)
			}
		})
	}
}

// A node that goes is waited for, and what it emitted meanwhile is indexed when it is
// back.
func TestExplorerSurvivesItsNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := withJournal(t, dir)
	x := startExplorer(t, r.http(), filepath.Join(t.TempDir(), "explorer.db"))
	x.awaitNode(t, "websocket", "connected")
	f := newFeed(r)
	f.publish(t, 10)
	eventually(t, "it indexes", func() bool { return len(x.events(t)) == 10 })
	_, port, _ := strings.Cut(r.addr, ":")
	r.kill()
	eventually(t, "it is degraded, and says why", func() bool {
		health := x.get(t, "/health")
		return strings.Contains(health, `"degraded"`) && strings.Contains(health, "not connected to the node")
	})
	f.router = withJournal(t, dir, "--api.port", port)
	f.publish(t, 10)
	eventually(t, "all is indexed", func() bool { return len(x.events(t)) == 20 })
	x.awaitNode(t, "websocket", "connected")
	if health := x.get(t, "/health"); !strings.Contains(health, `"healthy"`) {
		t.Errorf("it is %s", health)
	}
	for class, got := range seqs(t, x.events(t)) {
		if !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
			t.Errorf("%s: %v", class, got)
		}
	}
}

// An explorer that cannot work as it was told to does not start, and says what would be
// right, in one line without a stack.
func TestExplorerRefusesToStart(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "text.db"), strings.Repeat("this is no database. ", 500))
	newer := filepath.Join(dir, "newer.db")
	x := startExplorer(t, r.http(), newer)
	x.terminate()
	if out, err := run(t, "", "/usr/bin/python3", "-c", `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db: db.execute("UPDATE adic_explorer SET version = 999")
`, newer); err != nil {
		t.Fatal(out)
	}
	_, port, _ := strings.Cut(r.addr, ":")
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"port in use", []string{"--explorer.host", "127.0.0.1", "--explorer.port", port}, []string{"port " + port + " is in use", "--explorer.port"}},
		{"a directory", []string{"--explorer.database", dir}, []string{"explorer.database", "directory"}},
		{"no such directory", []string{"--explorer.database", dir + "/no/explorer.db"}, []string{"explorer.database", "no"}},
		{"no database", []string{"--explorer.database", dir + "/text.db"}, []string{"explorer.database", "not a database"}},
		{"newer schema", []string{"--explorer.database", newer}, []string{"explorer.database", "newer version of this program", "999"}},
		{"another kind", []string{"--explorer.database", "mysql://db/x"}, []string{"--explorer.database", "neither a file nor a PostgreSQL database"}},
		{"password", []string{"--explorer.database", "postgres://me:swordfish@db/x"}, []string{"--explorer.database", "explorer.database_password"}},
		{"PostgreSQL that is not there", []string{"--explorer.database", "postgres://me@127.0.0.1:1/x?connect_timeout=2"}, []string{"explorer.database", "cannot"}},
		{"no URL", []string{"nowhere"}, []string{"--explorer.node_url", "ws://node:9121"}},
		{"a flag of the router", []string{"--auth.publish_token", "x"}, []string{"unknown flag: --auth.publish_token", "explorer --help"}},
		{"misspelt flag", []string{"--explorer.databse", "x"}, []string{"did you mean --explorer.database?"}},
		{"two nodes", []string{"http://a", "http://b"}, []string{"accepts at most 1 arg"}},
		{"retention", []string{"--explorer.retention", "30d"}, []string{"--explorer.retention", "duration"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(adic(), append([]string{"explorer"}, test.args...)...)
			cmd.Env, cmd.Dir = environment(t), t.TempDir()
			p := startCommand(t, cmd)
			eventually(t, "it ends", p.ended)
			text := p.stderr.String()
			for _, part := range test.want {
				if !strings.Contains(text, part) {
					t.Errorf("lacks %q:\n%s", part, text)
				}
			}
			if p.err == nil || strings.Contains(text, "goroutine ") || strings.Contains(text, "swordfish") {
				t.Errorf("ended with %v:\n%s", p.err, text)
			}
		})
	}
}

// Two explorers of one database: one of them goes, and says why.
func TestTwoExplorersOfOneDatabase(t *testing.T) {
	t.Parallel()
	for name, database := range databases(t) {
		t.Run(name, func(t *testing.T) {
			r := startRouter(t)
			first, second := startExplorer(t, r.http(), database), startExplorer(t, r.http(), database)
			first.awaitNode(t, "websocket", "connected")
			second.awaitNode(t, "websocket", "connected")
			f := newFeed(r)
			f.publish(t, 5)
			f.publish(t, 5)
			eventually(t, "one of them goes", func() bool { return first.ended() || second.ended() })
			stays, goes := first, second
			if first.ended() {
				stays, goes = second, first
			}
			if text := goes.stderr.String(); !strings.Contains(text, "another explorer writes to the database") {
				t.Errorf("it does not say why:\n%s", text)
			}
			f.publish(t, 5)
			eventually(t, "the other one goes on", func() bool { return len(stays.events(t)) == 15 })
			for class, got := range seqs(t, stays.events(t)) {
				if !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) {
					t.Errorf("%s: %v", class, got)
				}
			}
		})
	}
}

// The metrics of an explorer are as promtool wants them, and move.
func TestExplorerMetrics(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	x := startExplorer(t, r.http(), filepath.Join(t.TempDir(), "explorer.db"))
	x.awaitNode(t, "websocket", "connected")
	newFeed(r).publish(t, 10)
	eventually(t, "it indexes", func() bool { return len(x.events(t)) == 10 })
	text := x.get(t, "/metrics")
	out, err := run(t, text, tool(t, "promtool"), "check", "metrics")
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	for name, want := range map[string]float64{
		`adic_explorer_events_total{priority="high"}`:        4,
		`adic_explorer_connected`:                            1,
		`adic_explorer_transport{transport="websocket"}`:     1,
		`adic_explorer_transport{transport="polling"}`:       0,
		`adic_explorer_store_errors_total`:                   0,
		`adic_explorer_lost_events_total{priority="medium"}`: 0,
	} {
		i := strings.Index(text, "\n"+name+" ")
		if i < 0 {
			t.Errorf("there is no metric %s", name)
			continue
		}
		value, _, _ := strings.Cut(text[i+len(name)+2:], "\n")
		if got, err := strconv.ParseFloat(value, 64); err != nil || got != want {
			t.Errorf("%s is %s, want %v", name, value, want)
		}
	}
	if !strings.Contains(text, "# HELP adic_explorer_commit_seconds Time") {
		t.Error("the metrics of the explorer have no help")
	}
	fmt.Fprintln(t.Output(), len(text), "bytes")
}
