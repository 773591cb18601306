package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for a clock that stands still
		for value, want := range map[string]time.Duration{
			"":     time.Second,
			"soon": time.Second,
			"-1":   time.Second,
			"0":    100 * time.Millisecond,
			"7":    7 * time.Second,
			"120":  2 * time.Minute,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       100 * time.Millisecond,
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
				t.Errorf("%q is %v, want %v", value, got, want)
			}
		}
	})
}

// A router that restarts is waited for by whoever it took events from before.
func TestPublisherWaitsForARestart(t *testing.T) {
	router := newFakeRouter(t)
	address := router.Listener.Addr().String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	waits := 0
	p := &publisher{
		client: client, url: parseURL(t, router.URL+"/v1/events"), retryFor: time.Minute,
		sleep: func(context.Context, time.Duration) error {
			if waits++; waits == 3 {
				listener, err := net.Listen("tcp", address)
				if err != nil {
					return err
				}
				server := &http.Server{Handler: http.HandlerFunc(router.serve)}
				go server.Serve(listener)
				t.Cleanup(func() { server.Close() })
			}
			return nil
		},
	}
	if err := p.publish(t.Context(), [][]byte{[]byte("{}")}); err != nil {
		t.Fatal(err)
	}
	router.Close()
	if err := p.publish(t.Context(), [][]byte{[]byte("{}")}); err != nil {
		t.Fatal(err)
	}
	router.checkEvents(t, "{}", "{}")
	if waits != 3 || p.retried != 3 || p.accepted != 2 {
		t.Errorf("%d waits, %d retried, %d accepted; want 3, 3 and 2", waits, p.retried, p.accepted)
	}
}

// A batch whose answer is lost, or that the router cannot tell about, is sent again
// under its key. The next batch has another one.
func TestPublisherKeepsTheKey(t *testing.T) {
	const half = "HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\n\r\n{\"acc"
	hangUp := func(w http.ResponseWriter, part string, linger int) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, part)
		conn.(*net.TCPConn).SetLinger(linger) // 0 is a reset, the rudest way
		conn.Close()
	}
	status := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); io.WriteString(w, `{"accepted":1}`) }
	}
	answers := []func(http.ResponseWriter){
		status(202), // a first batch
		func(w http.ResponseWriter) { hangUp(w, "", 0) },
		func(w http.ResponseWriter) { hangUp(w, half, 0) },
		func(w http.ResponseWriter) { hangUp(w, "", -1) },
		func(w http.ResponseWriter) { hangUp(w, half, -1) },
		status(500), status(503), status(502),
		func(w http.ResponseWriter) { w.Header().Set("Idempotency-Replayed", "true"); status(202)(w) },
		status(202), // a third
	}
	var keys []string
	router := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		answers[len(keys)-1](w)
	}))
	defer router.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // which would retry by themselves
	p := &publisher{client: client, url: parseURL(t, router.URL), retryFor: time.Minute,
		sleep: func(context.Context, time.Duration) error { return nil }}
	for range 3 {
		if err := p.publish(t.Context(), [][]byte{[]byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 10 || p.accepted != 3 || p.retried != 7 {
		t.Fatalf("%d requests, %d accepted, %d retried, want 10, 3 and 7", len(keys), p.accepted, p.retried)
	}
	for i, key := range keys[1:9] {
		if key == "" || key != keys[1] {
			t.Errorf("attempt %d has the key %q, the first one %q", i+1, key, keys[1])
		}
	}
	if keys[0] == keys[1] || keys[1] == keys[9] {
		t.Errorf("two batches have one key: %q", keys)
	}
}

// What cannot be otherwise the next time is not tried again.
func TestPublisherGivesUpAtOnce(t *testing.T) {
	router := httptest.NewTLSServer(http.NotFoundHandler())
	router.Config.ErrorLog = log.New(io.Discard, "", 0)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	defer router.Close()
	for name, url := range map[string]string{
		"a certificate of nobody's": router.URL, "nobody listens": closed.URL, "no such path": "http://" + router.Listener.Addr().String(),
	} {
		p := &publisher{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, url: parseURL(t, url), retryFor: time.Minute, sleep: sleep}
		if err := p.publish(t.Context(), [][]byte{[]byte("{}")}); err == nil || p.retried != 0 {
			t.Errorf("%s: %v after %d retries", name, err, p.retried)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
