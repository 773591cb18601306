package server

import (
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

const (
	lostUnknown = `{"type":"Lagged","dropped":{"high":null,"medium":null,"low":null}}`
	lostThree   = `{"type":"Lagged","dropped":{"high":0,"medium":0,"low":3}}`
)

// What a client gets first, of a stream that has emitted two high events and six
// low ones, of which it retains three: five NodeStarted and one EconomicsUpdated.
func TestResumeReportsLoss(t *testing.T) {
	t.Parallel()
	const retained = "MessageAdded MessageAdded NodeStarted NodeStarted EconomicsUpdated"
	tests := []struct {
		name   string
		query  string
		lastID string // for SSE only
		lagged string
		want   string // types
	}{
		{"from the beginning", "since=BEGIN", "", lostThree, retained},
		{"a type that lost nothing", "events=EconomicsUpdated,PeerConnected&since=BEGIN", "", "", "EconomicsUpdated"},
		{"a type that lost three", "events=NodeStarted,PeerConnected&since=BEGIN", "", lostThree, "NodeStarted NodeStarted"},
		{"a class that lost nothing", "priority=high&since=BEGIN", "", "", "MessageAdded MessageAdded"},
		{"earliest", "since=earliest", "", "", retained},
		{"from the end", "since=END", "", "", ""},
		{"from now", "", "", "", ""},
		{"another stream", "since=FOREIGN", "", lostUnknown, retained},
		{"a position not yet reached", "since=AHEAD", "", lostUnknown, retained},
		{"another stream, filtered", "priority=high&since=FOREIGN", "", lostUnknown, "MessageAdded MessageAdded"},

		{"last id from the beginning", "", "BEGIN", lostThree, retained},
		{"last id from the end", "", "END", "", ""},
		{"last id of another stream", "", "FOREIGN", lostUnknown, retained},
		{"last id that is none of ours", "", "42", lostUnknown, retained},
		{"last id that is nothing like it", "", `{"a": "b c"}`, lostUnknown, retained},
		{"last id that is a word of since", "", "earliest", lostUnknown, retained},
		{"last id wins over an earlier since", "since=earliest", "END", "", ""},
		{"last id wins over a later since", "since=END", "BEGIN", lostThree, retained},
		{"last id that is none of ours wins as well", "since=END", "42", lostUnknown, retained},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := startFront(t, overTCP, func(c *config.Config) { c.Events.LowPriorityBuffer = 3 })
			begin := f.poll(t, "").Cursor
			f.publish(t, added(1, 2))
			f.publish(t, nodeStarted(5))
			f.publish(t, `{"type":"EconomicsUpdated","total_supply":"3","circulating_supply":"2","treasury_balance":"1"}`)
			f.settle(t)
			epoch, _, _ := strings.Cut(begin, "-")
			cursors := strings.NewReplacer("BEGIN", begin, "END", f.poll(t, "").Cursor,
				"FOREIGN", "000000000001-1-0-0", "AHEAD", epoch+"-ff-0-0")
			query, lastID := cursors.Replace(tt.query), cursors.Replace(tt.lastID)

			clients := []subscriber{f.dialSSE(t, query, "Last-Event-ID: "+lastID)}
			if lastID == "" { // which is as good as none
				clients = append(clients, f.dialSSE(t, query), f.dialWS(t, query))
			}
			for _, c := range clients {
				if tt.lagged != "" {
					if got := c.next(); got.kind != "Lagged" || got.data != tt.lagged || got.id != "" {
						t.Fatalf("got %+v, want %s without an id", got, tt.lagged)
					}
				}
				for i, want := range strings.Fields(tt.want) {
					if got := c.next(); !strings.Contains(got.data, `"type":"`+want+`"`) {
						t.Fatalf("event %d is %+v, want a %s", i, got, want)
					}
				}
			}
			const marker = `{"type":"PeerConnected","peer_id":"p","address":"a","timestamp":"2024-01-15T10:30:00Z"}`
			f.publish(t, marker)
			for _, c := range clients {
				if got := c.next(); got.data != marker {
					t.Errorf("got %+v, want nothing before %s", got, marker)
				}
			}
		})
	}
}
