package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeRouter answers as a router does, in text: SSE clients get what is published.
func fakeRouter(t *testing.T) *httptest.Server {
	var mu sync.Mutex
	var clients []chan struct{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range clients {
				c <- struct{}{}
			}
			w.WriteHeader(http.StatusAccepted)
			return
		}
		events := make(chan struct{}, 1000)
		mu.Lock()
		clients = append(clients, events)
		mu.Unlock()
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		for {
			select {
			case <-events:
				io.WriteString(w, "event: MessageAdded\ndata: {}\n\n")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// The measurement runs as it does for thousands, on few; this process stands in for
// the router's.
func TestRun(t *testing.T) {
	router := fakeRouter(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: router.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options{url: router.URL, ca: ca, pid: os.Getpid(), sse: 5, rate: 100, duration: 50 * time.Millisecond}
	var out bytes.Buffer
	if err := run(o, &out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"connected   5 in ", "KB of resident memory each", "us of CPU a delivery"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, &out)
		}
	}
	for name, change := range map[string]func(o *options){
		"an unknown certificate": func(o *options) { o.ca = "" },
		"no such file":           func(o *options) { o.ca = "/nowhere" },
		"no such process":        func(o *options) { o.pid = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			bad := o
			change(&bad)
			if err := run(bad, io.Discard); err == nil {
				t.Error("it was measured all the same")
			} else {
				t.Log(err)
			}
		})
	}
}
