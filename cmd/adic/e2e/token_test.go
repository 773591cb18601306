package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const message = `{"type":"MessageAdded","message_id":"%d","depth":1}` + "\n"

// What the commands print is what the others take: a token is made, its lines go
// into the configuration of a running router, and its holder publishes what it may
// and nothing else, until it is taken out again.
func TestTokenFromMakingToRevoking(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adic.toml")
	mustWrite(t, file, "")
	r := startOdd(t, nil, "--config", file)
	printed, err := run(t, "", adic(), "token", "new", "node1")
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	token, lines, _ := strings.Cut(printed, "\n\n")
	if hash, err := run(t, token, adic(), "token", "hash"); err != nil || !strings.Contains(lines, strings.TrimSpace(hash)) {
		t.Errorf("the hash of the token is not in its lines: %v\n%s\n%s", err, hash, lines)
	}
	emit := func(events string) (string, error) {
		return run(t, events, adic(), "emit", "--url", r.http(), "--token", token)
	}
	wantRefused := func(why, events string) {
		t.Helper()
		if out, err := emit(events); err == nil || !strings.Contains(out, why) {
			t.Errorf("not refused because %s: %v\n%s", why, err, out)
		}
	}
	allowed := fmt.Sprintf(message, 1)
	wantRefused("publishing is switched off", allowed)

	mustWrite(t, file, lines+"events = ['message.*']\n")
	r.reload(t, file, lines+"events = ['message.*']\n", reloaded)
	if out, err := emit(allowed + allowed); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wantRefused("standard input:2: TipsUpdated is not among the types", allowed+`{"type":"TipsUpdated","tips":[],"count":0}`)
	if got := r.metrics(t)[`adic_publisher_events_total{publisher="node1"}`]; got != 3 {
		t.Errorf("%v events of node1 are counted, want 3", got)
	}

	r.reload(t, file, lines+"events = ['mesage.*']\n", notReloaded)
	if out, err := emit(allowed); err != nil {
		t.Errorf("after a reload that failed: %v\n%s", err, out)
	}
	r.reload(t, file, strings.Replace(lines, "node1", "node2", 1)+"rate = 5\n", reloaded)
	if out, err := emit(allowed); err != nil {
		t.Errorf("under another name: %v\n%s", err, out)
	}
	r.reload(t, file, "", reloaded)
	wantRefused("publishing is switched off", allowed)
	if strings.Contains(r.stderr.String(), token) {
		t.Error("the token is in the log")
	}
}

// `adic emit` through a network that loses the answer of every other request: all
// is published, and nothing twice.
func TestEmitWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--events.high_priority_buffer", "1000")
	lossy := loseAnswers(t, r.addr)
	const events = 12
	var input strings.Builder
	for n := range events {
		fmt.Fprintf(&input, message, n)
	}
	out, err := run(t, input.String(), adic(), "emit", "--url", "http://"+lossy, "--token", publishToken, "--batch", "3")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	values := r.metrics(t)
	if emitted, replays := values["adic_events_emitted_total"], values["adic_publish_replays_total"]; emitted != events || replays == 0 {
		t.Errorf("%v events were emitted, want %d; %v batches came again, want some", emitted, events, replays)
	}
}

// loseAnswers forwards HTTP requests to addr, one a connection, and resets every
// other connection when the answer has come. It returns its own address.
func loseAnswers(t *testing.T, addr string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		all.Wait()
	})
	var count atomic.Int32
	forward := func(conn net.Conn) {
		defer conn.Close()
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return // the client has ended the connection
		}
		req.URL.Scheme, req.URL.Host, req.RequestURI, req.Close = "http", addr, "", true
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if count.Add(1)%2 == 1 {
			if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
			return
		}
		res.Close = true
		if err := res.Write(conn); err != nil {
			t.Error(err)
		}
	}
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { forward(conn) })
		}
	})
	return ln.Addr().String()
}
