package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// outOfDescriptors is what the router says when it cannot let anybody in.
const outOfDescriptors = "cannot accept connections: too many open files: raise LimitNOFILE= in the systemd unit, or ulimit -n"

// withDescriptors is the start of a command that may have n descriptors.
func withDescriptors(t *testing.T, n int) []string {
	return []string{tool(t, "prlimit"), fmt.Sprintf("--nofile=%d:%d", n, n)}
}

// A limit of descriptors that cannot hold the configured connections is no reason
// not to start, but to warn, with the number that is needed and how to get there.
func TestWarnsOfTooFewDescriptors(t *testing.T) {
	t.Parallel()
	connections := []string{"--api.max_websocket_connections", "300", "--api.max_sse_connections", "200"}
	r := startOdd(t, withDescriptors(t, 400), connections...)
	var warning struct {
		Level, Msg    string
		Limit, Needed int
	}
	for _, l := range r.log(t) {
		if strings.HasPrefix(l.Message, "the limit of open files") {
			if err := json.Unmarshal([]byte(l.raw), &warning); err != nil {
				t.Fatal(err)
			}
		}
	}
	if warning.Level != "WARN" || warning.Limit != 400 || warning.Needed <= 500 {
		t.Fatalf("the warning is %+v", warning)
	}
	for _, part := range []string{"ulimit -n", "LimitNOFILE=", "api.max_websocket_connections", "api.max_sse_connections"} {
		if !strings.Contains(warning.Msg, part) {
			t.Errorf("the warning does not name %s: %s", part, warning.Msg)
		}
	}
	if health := r.get(t, "/v1/health/streaming"); !strings.Contains(health, `"degraded"`) || !strings.Contains(health, "open files") {
		t.Errorf("health is %s", health)
	}

	enough := startOdd(t, withDescriptors(t, warning.Needed), connections...)
	for _, l := range enough.log(t) {
		if l.Level != "INFO" {
			t.Errorf("with the number that the warning named: %s", l.raw)
		}
	}

	raised := startOdd(t, []string{tool(t, "prlimit"), fmt.Sprintf("--nofile=%d:%d", 100, warning.Needed)}, connections...)
	for _, l := range raised.log(t) {
		if l.Level != "INFO" {
			t.Errorf("with a soft limit that can be raised: %s", l.raw)
		}
	}
}

// Without a descriptor left the router goes on with the clients that it has, and
// lets others in as soon as some are free.
func TestGoesOnWithoutDescriptors(t *testing.T) {
	t.Parallel()
	const limit, clients = 60, 60
	r := startOdd(t, withDescriptors(t, limit), "--auth.publish_token", publishToken)

	// Publishes over a connection that is there before.
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	publisher := &http.Client{Timeout: deadline, Transport: transport}
	publish := func() {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.http()+"/v1/events", strings.NewReader(`{"type":"TipsUpdated","tips":[],"count":0}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+publishToken)
		res, err := publisher.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusAccepted {
			t.Fatalf("publishing was answered with %s", res.Status)
		}
	}
	publish()

	type outcome struct {
		socket *socket
		err    error
	}
	opened := make(chan outcome, clients)
	for range clients {
		go func() {
			s, err := tryOpen(r)
			opened <- outcome{s, err}
		}()
	}
	eventually(t, "the router is out of descriptors", func() bool {
		return r.find(t, outOfDescriptors) != nil
	})
	for i := range clients { // each that leaves makes room for another
		o := <-opened
		if o.err != nil {
			t.Errorf("a WebSocket was not opened: %v", o.err)
			continue
		}
		s := o.socket
		eventually(t, "the WebSocket is open", func() bool { return len(s.received()) > 0 || s.hasEnded() })
		heard := len(s.received())
		publish()
		eventually(t, "the event arrives", func() bool { return len(s.received()) > heard || s.hasEnded() })
		if s.hasEnded() {
			t.Errorf("client %d was cut off with %d", i, s.code)
		}
		s.close()
	}
	lines := 0
	for _, l := range r.log(t) {
		if l.Level == "ERROR" {
			lines++
		}
	}
	if lines > 10 {
		t.Errorf("%d lines were logged about it", lines)
	}
}
