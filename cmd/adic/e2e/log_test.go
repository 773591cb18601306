package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"
)

// misbehave has a WebSocket client break the rules, and waits until the router has
// closed it and said so.
func misbehave(t *testing.T, r *router) {
	t.Helper()
	s := openSocket(t, r, "?events=EnergyUpdated")
	if err := s.conn.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log has it", func() bool { return strings.Contains(r.stderr.String(), "websocket error: client closed") })
}

// What the deployment checklist greps for finds each kind of error, in either format:
// a WebSocket client that breaks the rules, an event stream that nobody reads, and a
// router that has lost where its events come from.
func TestChecklistFindsErrorsInTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			root := startRouter(t)
			addr := freeAddr(t)
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			relay := &router{addr: addr, process: start(t, adic(), "serve", "--api.host", "127.0.0.1", "--api.port", port, "--log.format", format,
				"--source.relay.url", root.http(), "--stream.stall_timeout", "1s", "--stream.drain_timeout", "1s")}
			eventually(t, "the relay is ready", func() bool {
				res, err := client.Get(relay.http() + "/health/ready")
				if err != nil {
					return false
				}
				res.Body.Close()
				return res.StatusCode == http.StatusOK
			})
			grep := func() []string {
				file := filepath.Join(t.TempDir(), "journal")
				mustWrite(t, file, relay.stderr.String())
				out, _ := run(t, "", "grep", "-i", `websocket error\|sse error\|event error`, file) // status 1 finds nothing
				return strings.Split(strings.TrimSpace(out), "\n")
			}
			found := func(what string) func() bool {
				return func() bool { return strings.Contains(strings.Join(grep(), "\n"), what) }
			}
			polite := openSocket(t, relay, "")
			if err := polite.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "")); err != nil {
				t.Fatal(err)
			}
			polite.await(t)
			if lines := grep(); lines[0] != "" {
				t.Errorf("a client came and left, and it finds %q", lines)
			}
			misbehave(t, relay)
			eventually(t, "there is a WebSocket error", found("websocket error"))

			conn := dialRaw(t, relay.addr)
			if _, err := openRaw(conn, rawTransports[1].request); err != nil { // SSE
				t.Fatal(err)
			}
			large := strings.Repeat(aMessage(strings.Repeat("x", 1000))+"\n", 500)
			eventually(t, "there is an SSE error", func() bool {
				root.publish(t, large)
				return found("sse error")()
			})

			root.terminate()
			eventually(t, "there is an event error", found("event error"))
			for _, line := range grep() {
				if format == "json" && !json.Valid([]byte(line)) || format == "text" && !strings.HasPrefix(line, "time=") {
					t.Errorf("not a line for each event: %q", line)
				}
			}
		})
	}
}

// The connection in a line of the log is the one that the list for operators shows, and
// ties together all that was logged of it, from the first line to the last, and nothing
// of another one.
func TestConnectionsAreFoundInTheLog(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--admin.listen", "127.0.0.1:0", "--log.level", "debug")
	openSocket(t, r, "") // another one
	for _, transport := range []string{"websocket", "sse"} {
		known := listed(t, r)
		if transport == "websocket" {
			openSocket(t, r, "")
		} else {
			start(t, tool(t, "curl"), "--silent", "--no-buffer", sseURL(r.addr))
		}
		var id, address string
		eventually(t, "the connection is listed", func() bool {
			for i, a := range listed(t, r) {
				if _, before := known[i]; !before {
					id, address = i, a
				}
			}
			return id != ""
		})
		if out, err := run(t, "", adic(), "connections", "close", id, "--admin", "http://"+r.admin); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var story []string
		eventually(t, "the log tells its end", func() bool {
			story = nil
			for _, l := range r.log(t) {
				var line struct{ Connection, Remote string }
				if json.Unmarshal([]byte(l.raw), &line) == nil && line.Connection == id {
					story = append(story, l.Message)
					if line.Remote != "" && line.Remote != address {
						t.Errorf("it is of %s, and the list says %s: %s", line.Remote, address, l.raw)
					}
				}
			}
			return len(story) >= 4
		})
		slices.Sort(story) // the operator's line and the client's come from two parts of the router
		want := []string{"client connected", "client left", "connection closed by the operator", transport + " error: client closed"}
		if slices.Sort(want); !slices.Equal(story, want) {
			t.Errorf("of the connection %s the log says %q, want %q", id, story, want)
		}
	}
}

// listed returns the address of each connection that the list for operators has, by ID.
func listed(t *testing.T, r *router) map[string]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.admin+"/admin/connections?limit=100", nil)
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Connections []struct{ ID, Address string }
	}
	if status, body := do(t, req); status != http.StatusOK || json.Unmarshal([]byte(body), &page) != nil {
		t.Fatalf("%d %s", status, body)
	}
	found := make(map[string]string)
	for _, c := range page.Connections {
		found[c.ID] = c.Address
	}
	return found
}
