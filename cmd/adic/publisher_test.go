package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
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

// A connection that breaks after the request is no reason to send it again: it
// may have been accepted.
func TestPublisherNeverPublishesTwice(t *testing.T) {
	requests := 0
	router := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, `{"accepted":1}`)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		conn.(*net.TCPConn).SetLinger(0) // with a reset, the rudest way
		conn.Close()
	}))
	p := &publisher{client: router.Client(), url: parseURL(t, router.URL), retryFor: time.Minute, sleep: sleep}
	if err := p.publish(t.Context(), [][]byte{[]byte("{}")}); err != nil {
		t.Fatal(err)
	}
	err := p.publish(t.Context(), [][]byte{[]byte("{}")})
	if err == nil || !strings.Contains(err.Error(), "cannot reach the router") {
		t.Errorf("got %v, want an error that tells of the connection", err)
	}
	router.Close()
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
