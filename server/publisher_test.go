package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// away is a Publisher that cannot reach what it needs.
type away struct{}

func (away) Publish([]*event.Event) error {
	return fmt.Errorf("%w: there is no connection to NATS", actors.ErrNotStored)
}
func (a away) PublishOnce(batch []*event.Event, _ actors.IdempotencyKey) (bool, error) {
	return false, a.Publish(batch)
}
func (away) PublishedOnce(actors.IdempotencyKey) (bool, error) { return false, nil }

// Where events are stored elsewhere, and cannot be, publishers are told why and to
// come again; whoever watches the health is told as well.
func TestPublisherThatIsAway(t *testing.T) {
	f := startFrontWith(t, overTCP, slog.New(slog.DiscardHandler), func(o *Options) {
		o.Publisher = away{}
		o.Reasons = func() []string { return []string{"not connected to the cluster"} }
	}, func(c *config.Config) { c.API.MaxWebSocketConnections, c.API.MaxSSEConnections = 10, 10 })
	for _, headers := range [][]string{{}, {"Idempotency-Key: 1"}} {
		res, body := f.request(t, "POST", "/v1/events", flatAdded, append(headers, "Authorization: Bearer "+publishToken)...)
		wantHeaders(t, res, "Retry-After: 1")
		if want := `{"error":"cannot store the events: there is no connection to NATS"}`; res.StatusCode != http.StatusServiceUnavailable || body != want {
			t.Errorf("with %q: %d %s", headers, res.StatusCode, body)
		}
	}
	if got := f.metrics.rejections[notStored].Get(); got != 2 {
		t.Errorf("%d refusals were counted, want 2", got)
	}
	f.wantDegraded(t, "not connected to the cluster")
}

// A router that follows others and has not found them lets nobody in, and says so.
func TestFollowerWithoutAStream(t *testing.T) {
	var follower *actors.Router
	f := startFrontWith(t, overTCP, slog.New(slog.DiscardHandler), func(o *Options) {
		o.Metrics = metrics.NewSet()
		var err error
		follower, err = actors.NewRouter(actors.Options{Settings: actors.Settings{
			Retain: [event.NumPriorities]int{10, 10, 10}, PendingEvents: 100, PendingBytes: 1 << 20,
			HeartbeatInterval: time.Minute, PingInterval: time.Minute, StallTimeout: time.Minute, MaxMessageSize: 4096,
		}, Catalogue: event.Default(), Metrics: o.Metrics, Log: o.Log, Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(follower.Close)
		o.Router = follower
	})
	for _, path := range []string{"/v1/events", "/v1/sse/events", "/health/ready"} {
		res, body := f.request(t, "GET", path, "")
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if res, body := f.request(t, "POST", "/v1/events", flatAdded, "Authorization: Bearer "+publishToken); res.StatusCode != http.StatusConflict {
		t.Errorf("publishing: %d %s", res.StatusCode, body)
	}
	if err := follower.Replicate(event.Cursor{Epoch: 7}, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/events", "/health/ready"} {
		if res, body := f.request(t, "GET", path, ""); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}
