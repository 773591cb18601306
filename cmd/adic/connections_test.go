package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
)

// An operator sees what the admin address tells, with nothing in it that a terminal
// would obey.
func TestConnectionsAsATable(t *testing.T) {
	var asked []string
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		switch {
		case r.Method == "DELETE" && r.URL.Path == "/admin/connections/17":
			w.WriteHeader(http.StatusNoContent)
		case r.Method == "DELETE":
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"error":"there is no connection with this ID; it may have ended"}`)
		case r.URL.Path == "/admin/connections":
			fmt.Fprintf(w, `{"total":7,"connections":[{"id":"17","transport":"websocket","address":"192.0.2.1:5","user":"\u001b[31meve","events":["all"],
				"since":%q,"lag":{"high":1,"medium":20,"low":3},"dropped":{"high":0,"medium":0,"low":44},"messages":5,"bytes":600,"blocked":true}]}`,
				time.Now().Add(-90*time.Minute).Format(time.RFC3339))
		default:
			http.NotFound(w, r)
		}
	}))
	defer admin.Close()
	r := adic(t, nil, "connections", "--admin", admin.URL, "--sort", "drops", "--limit", "5")
	r.check(t, 0)
	for _, part := range []string{"ID  TRANSPORT", "17  websocket  192.0.2.1:5", `\x1b[31meve`, "1h30m", "1/20/3", "0/0/44", "600", "true", "all", "1 of 7 connections\n"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("%q is not in\n%s", part, r.stdout)
		}
	}
	adic(t, nil, "connections", "close", "17", "--admin", admin.URL).check(t, 0)
	adic(t, nil, "connections", "close", "../18", "--admin", admin.URL).check(t, 1, "404 Not Found: there is no connection")
	adic(t, nil, "connections", "close").check(t, 2, "accepts 1 arg")
	adic(t, nil, "connections", "--admin", admin.URL+"/elsewhere").check(t, 1, "this is not the admin address of a router")
	adic(t, nil, "connections", "--admin", "http://127.0.0.1:1").check(t, 1, "cannot reach the router at http://127.0.0.1:1")
	want := "GET /admin/connections?limit=5&sort=drops\nDELETE /admin/connections/17\nDELETE /admin/connections/..%2F18"
	if got := strings.Join(asked[:3], "\n"); got != want {
		t.Errorf("asked for\n%s\nwant\n%s", got, want)
	}
}

// tail and emit trust the certificates they are told to, and no others.
func TestCAOfTailAndEmit(t *testing.T) {
	router := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/sse/events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, sseText(1))
		case "/v1/events/types":
			w.Write(event.Default().JSON())
		case "/v1/events":
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusAccepted)
			}
			io.WriteString(w, `{"accepted":1,"cursor":"c0","events":[]}`)
		}
	}))
	router.Config.ErrorLog = log.New(io.Discard, "", 0) // a client does not trust it
	router.StartTLS()
	defer router.Close()
	dir := t.TempDir()
	trusted, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	for file, data := range map[string][]byte{
		trusted: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: router.Certificate().Raw}),
		empty:   nil,
	} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const one = `{"type":"MessageAdded","message_id":"ab12","depth":42}`
	if r := adic(t, nil, "tail", "--count", "1", "--json", "--ca", trusted, router.URL); r.status != 0 || r.stdout != numbers(1) {
		t.Errorf("tail: %+v", r)
	}
	adic(t, strings.NewReader(one), "emit", "--ca", trusted, "--url", router.URL).check(t, 0)
	adic(t, strings.NewReader(one), "emit", "--url", router.URL).check(t, 1, "certificate")
	for _, command := range [][]string{{"tail"}, {"emit"}} {
		adic(t, nil, append(command, "--ca", empty)...).check(t, 1, "holds no certificate")
		adic(t, nil, append(command, "--ca", filepath.Join(dir, "none"))...).check(t, 1, "--ca", "no such file")
	}
}
