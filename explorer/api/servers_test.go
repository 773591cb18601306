package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// The handler is in the router's server, through an adaptor, and does there what it does
// in Go's own.
func TestServers(t *testing.T) {
	f := newFront(t, func(o *Options) { o.Origins = func() []string { return []string{"*"} } })
	f.add(t, network)
	tag := f.get(t, "/api/v1/events").Header.Get("ETag")
	servers := map[string]string{"net/http": serveGo(t, f), "fasthttp": serveFast(t, f)}
	for _, request := range []string{
		"GET /api/v1/events", "HEAD /api/v1/events", "OPTIONS /api/v1/events", "POST /api/v1/events",
		"GET /api/v1/events|Accept-Encoding: gzip", "GET /api/v1/events|If-None-Match: " + tag,
		"GET /api/v1/events|Origin: https://app.example.org", "OPTIONS /api/v1/events|Origin: https://app.example.org",
		"GET /api/v1/proposals/p%2F1", "GET /api/v1/messages/%E6%97%A5", "GET /api/v1/messages/..", "GET /api/v1//messages", "GET /api/v1/messages/%2e%2e/tips",
		"GET /api/v1/messages?limit=0", "GET /api/v1/search?q=a+b%20c", "GET /api/v1/messages/m1?", "GET /nothing", "GET /nothing|Accept: text/html",
		"GET /", "GET /messages/m1", "GET /assets/main.js|Accept-Encoding: gzip", "HEAD /assets/main.js", "GET /api/v1/openapi.json",
		"GET /health", "GET /health/streaming", "HEAD /api/v1/messages/m0", "GET /api/v1/stats/series?metric=tips&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
	} {
		line, header, _ := strings.Cut(request, "|")
		method, target, _ := strings.Cut(line, " ")
		var headers []string
		if header != "" {
			headers = []string{header}
		}
		want := f.ask(t, method, target, append(headers, "Host: explorer.example")...)
		for name, addr := range servers {
			got := raw(t, addr, method, target, headers)
			if got.StatusCode != want.StatusCode || got.body != want.body {
				t.Errorf("%s: %s = %d %q, want %d %q", name, request, got.StatusCode, got.body, want.StatusCode, want.body)
			}
			for header := range want.Header {
				wantHeaders(t, got, header+": "+strings.Join(want.Header.Values(header), ", "))
			}
			if t.Failed() {
				t.Fatalf("in %s to %s: %v", request, name, got.Header)
			}
		}
	}
}

// raw sends a request as it is, and reads the answer.
func raw(t *testing.T, addr, method, target string, headers []string) answered {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: explorer.example", "Connection: close"}, headers...)
	if _, err := fmt.Fprint(conn, strings.Join(lines, "\r\n"), "\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{res, string(body)}
}

func serveGo(t *testing.T, f *front) (addr string) {
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func serveFast(t *testing.T, f *front) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fasthttp.Server{
		Handler: fasthttpadaptor.NewFastHTTPHandler(f), NoDefaultServerHeader: true, NoDefaultContentType: true,
		Logger: log.New(f.log, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(), <-done); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
