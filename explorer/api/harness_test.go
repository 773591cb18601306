package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer"
	"github.com/adic-network/router/explorer/store"
)

// front is a Handler with an index of its own, in SQLite.
type front struct {
	*Handler
	index  *store.Store
	status *explorer.Status
	set    *metrics.Set
	log    *logged
	at     store.Position
	seen   map[string]bool // "PATH STATUS" of what was answered and described
}

// logged is a log that tests read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// indexer is one whose status tests set.
type indexer struct{ status *explorer.Status }

func (i indexer) Status() explorer.Status { return *i.status }

// shell is a page that loads what pages load.
const shell = `<!doctype html><link rel="stylesheet" href="assets/parts.css"><script type="module" src="assets/main.js"></script>`

func newFront(t testing.TB, change ...func(*Options)) *front {
	t.Helper()
	index, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "explorer.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &front{index: index, seen: make(map[string]bool), set: metrics.NewSet(), log: &logged{}, status: &explorer.Status{
		Enabled: true, Mode: "websocket", Connection: client.Connected, Since: time.Now(), Node: "http://127.0.0.1:9121", ByType: map[string]uint64{},
	}}
	o := Options{
		Store: index, Indexer: indexer{f.status}, Catalogue: event.Default(), Metrics: f.set, Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(f.log, nil)),
		Pages: fstest.MapFS{
			"index.html": {Data: []byte(shell)},
			"main.js":    {Data: []byte("// " + strings.Repeat("x", 2<<10))},
		},
	}
	for _, c := range change {
		c(&o)
	}
	if f.Handler, err = New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

// add indexes events, one a line.
func (f *front) add(t testing.TB, lines string) {
	t.Helper()
	parser := event.Parser{Catalogue: event.Default(), MaxEventSize: 1 << 16, Now: time.Now}
	events, err := parser.ParseBatch([]byte(lines))
	if err != nil {
		t.Fatal(err)
	}
	to := f.at
	to.At.Epoch = 1
	var entries []store.Entry
	for _, e := range events {
		class := event.Default().Type(e.Type).Priority
		to.At.Pos[class]++
		to.Cursor = to.At.String()
		data := e.JSON(event.Flat)
		var stamp struct{ Timestamp time.Time }
		if err := json.Unmarshal(data, &stamp); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, store.Entry{
			ID: to.Cursor, Class: class, Position: to.At.Pos[class], Type: e.Name(),
			Time: stamp.Timestamp, Received: time.Now(), Data: data,
		})
	}
	if err := f.index.Append(t.Context(), f.at, entries, to); err != nil {
		t.Fatal(err)
	}
	f.at = to
}

// answered is what came back.
type answered struct {
	*http.Response
	body string
}

// ask sends a request, and checks the answer as every answer is checked. Headers are
// "Name: value".
func (f *front) ask(t testing.TB, method, target string, headers ...string) answered {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	a := answered{w.Result(), w.Body.String()}
	f.conforms(t, r, a)
	return a
}

func (f *front) get(t testing.TB, target string, headers ...string) answered {
	t.Helper()
	return f.ask(t, "GET", target, headers...)
}

// into gets what has to be there.
func (f *front) into(t testing.TB, target string, v any) {
	t.Helper()
	a := f.get(t, target)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d %s, want 200", target, a.StatusCode, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("GET %s: %v in %s", target, err, a.body)
	}
}

// wantError checks an error, and the parts of its text.
func wantError(t testing.TB, a answered, status int, parts ...string) {
	t.Helper()
	var e failure
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e.Error == "" {
		t.Fatalf("%d %q is no error: %v", a.StatusCode, a.body, err)
	}
	if a.StatusCode != status {
		t.Errorf("status = %d with %q, want %d", a.StatusCode, e.Error, status)
	}
	for _, part := range parts {
		if !strings.Contains(e.Error, part) {
			t.Errorf("the error is %q, want %q in it", e.Error, part)
		}
	}
}

// wantHeaders checks headers given as "Name: value", with no value for none.
func wantHeaders(t testing.TB, a answered, headers ...string) {
	t.Helper()
	for _, h := range headers {
		name, want, _ := strings.Cut(h, ": ")
		if got := strings.Join(a.Header.Values(name), ", "); got != strings.TrimSpace(want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func message(id string) string {
	return fmt.Sprintf(`{"type":"MessageAdded","message_id":%q,"depth":1}`, id)
}

func balance(address, amount string) string {
	return fmt.Sprintf(`{"type":"BalanceChanged","address":%q,"balance_before":"0","balance_after":%q,"change_amount":%q,"change_type":"credit"}`, address, amount, amount)
}
