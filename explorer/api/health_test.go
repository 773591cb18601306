package api

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer"
)

func TestHealth(t *testing.T) {
	away := errors.New("connection refused")
	for name, tt := range map[string]struct {
		change func(*explorer.Status)
		status string
		parts  []string // of the only reason
	}{
		"connected":  {func(*explorer.Status) {}, healthy, nil},
		"connecting": {func(s *explorer.Status) { s.Connection = "connecting" }, degraded, []string{"http://127.0.0.1:9121", "connecting for 0s", "ADIC_NODE_URL"}},
		"away": {func(s *explorer.Status) {
			s.Connection, s.Err, s.Since = "disconnected", away, time.Now().Add(-90*time.Second)
		},
			degraded, []string{"disconnected for 1m30s", "connection refused", "ADIC_NODE_URL"}},
		"a loss": {func(s *explorer.Status) { s.LastLoss = time.Now().Add(-10 * time.Second) },
			degraded, []string{"10s ago", "lost", "too slow"}},
		"a loss long ago":     {func(s *explorer.Status) { s.LastLoss = time.Now().Add(-2 * time.Minute) }, healthy, nil},
		"nothing is stored":   {func(s *explorer.Status) { s.Storing = errors.New("the disk is full") }, degraded, []string{"the disk is full", "tries again"}},
		"polled, as intended": {func(s *explorer.Status) { s.Enabled, s.Mode = false, "polling" }, healthy, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			tt.change(f.status)
			for _, target := range []string{"/health", "/health/streaming"} {
				var h struct {
					Status  string
					Reasons []string
				}
				f.into(t, target, &h)
				if h.Status != tt.status || len(h.Reasons) != min(1, len(tt.parts)) {
					t.Fatalf("%s is %s for %q, want %s", target, h.Status, h.Reasons, tt.status)
				}
				for _, part := range tt.parts {
					if !strings.Contains(h.Reasons[0], part) {
						t.Errorf("the reason is %q, want %q in it", h.Reasons[0], part)
					}
				}
				wantHeaders(t, f.get(t, target), "Cache-Control: no-store")
			}
			var h healthPage
			f.into(t, "/health", &h)
			if h.Version != "1.2.3" {
				t.Errorf("the version is %q", h.Version)
			}
		})
	}
}

// Without its database an explorer is of no use; the stream is another matter.
func TestHealthWithoutDatabase(t *testing.T) {
	f := newFront(t)
	f.status.Connection = "closed"
	if err := f.index.Close(); err != nil {
		t.Fatal(err)
	}
	a := f.get(t, "/health")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, `"unhealthy"`) ||
		!strings.Contains(a.body, "the database cannot be read") || !strings.Contains(a.body, "not connected") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if log := f.log.String(); !strings.Contains(log, "the database cannot be read") || !strings.Contains(log, "closed") {
		t.Errorf("the log is %q", log)
	}
	if a := f.get(t, "/health/streaming"); a.StatusCode != http.StatusOK {
		t.Errorf("the stream is answered with %d", a.StatusCode)
	}
	f = newFront(t)
	f.queries = 1
	if a := f.get(t, "/health"); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "did not answer within 2s") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestStreamingHealth(t *testing.T) {
	f := newFront(t)
	var none streamingPage
	f.into(t, "/health/streaming", &none)
	if none.Events.ByType == nil || none.Connection.LastEvent != nil || none.Connection.Error != nil || none.Events.LastLoss != nil {
		t.Errorf("before anything happened it is %+v", none)
	}

	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
	*f.status = explorer.Status{
		Enabled: true, Mode: "sse", Connection: "disconnected", Since: at, Node: "http://node", LastEvent: at, Reconnects: 3,
		Err: errors.New("away"), ByType: map[string]uint64{"MessageAdded": 2, "TipsUpdated": 40},
		Lost: event.Dropped{Counts: [3]uint64{0, 5, 0}, Unknown: [3]bool{2: true}}, LastLoss: at, Behind: 1500 * time.Millisecond,
	}
	var got map[string]any
	f.into(t, "/health/streaming", &got)
	delete(got, "reasons")
	const utc = "2026-01-31T11:00:00Z"
	want := map[string]any{
		"status": degraded, "enabled": true,
		"connection": map[string]any{"mode": "sse", "status": "disconnected", "since": utc, "node": "http://node", "last_event": utc,
			"reconnects": 3.0, "error": "away"},
		"events": map[string]any{"total_processed": 42.0, "by_type": map[string]any{"MessageAdded": 2.0, "TipsUpdated": 40.0},
			"lost": map[string]any{"high": 0.0, "medium": 5.0, "low": nil}, "last_loss": utc, "behind_seconds": 1.5},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
