package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

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
