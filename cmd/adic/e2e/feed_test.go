package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// kinds are the events of a feed, in the order in which they are published over
// and over. filter takes those that are wanted: of the others one fails it by its
// type and one by its priority only.
var kinds = []struct {
	name, class, fields string
	wanted              bool
}{
	{"MessageAdded", "high", `"message_id":"ab12","depth":42`, true},
	{"EnergyUpdated", "medium", `"total_conflicts":4,"resolved_conflicts":3,"active_conflicts":1,"total_energy":0.25`, false},
	{"KCoreUpdated", "medium", `"finalized_count":7,"pending_count":2,"current_k_value":null`, true},
	{"EconomicsUpdated", "low", `"total_supply":"1000","circulating_supply":"300","treasury_balance":"200"`, false},
	{"MessageFinalized", "high", `"message_id":"ab12","finality_type":"kcore"`, true},
}

// filter is the query of a stream: a prefix, a name, two aliases, two classes.
const filter = "events=message.*,KCoreUpdated,finality.update,economics.update&priority=high,medium"

// A feed publishes events that carry their number in seq, a field that the
// catalogue does not know.
type feed struct {
	router *router
	sent   int
	wanted map[string][]int // by class, the numbers that filter takes
}

func newFeed(r *router) *feed { return &feed{router: r, wanted: make(map[string][]int)} }

// publish publishes n events at once.
func (f *feed) publish(t *testing.T, n int) {
	t.Helper()
	var body strings.Builder
	for range n {
		kind := kinds[f.sent%len(kinds)]
		f.sent++
		fmt.Fprintf(&body, `{"type":%q,%s,"seq":%d}`+"\n", kind.name, kind.fields, f.sent)
		if kind.wanted {
			f.wanted[kind.class] = append(f.wanted[kind.class], f.sent)
		}
	}
	f.router.publish(t, body.String())
}

// awaitIn waits until a client has received as many events as it should have
// received so far, and checks that it received exactly those: within a class in
// the order of their publishing, each once, nothing that the filter excludes, and
// nothing told to be lost. Between classes a client that resumes sees another
// order than that of publishing.
func (f *feed) awaitIn(t *testing.T, received func() []record) {
	t.Helper()
	want := 0
	for _, seqs := range f.wanted {
		want += len(seqs)
	}
	var got []record
	eventually(t, fmt.Sprintf("%d of %d events arrive", want, f.sent), func() bool {
		got = received()
		return count(got, "Event") >= want
	})
	seqs := make(map[string][]int)
	for _, r := range got {
		switch r.Type {
		case "Event":
			class := classOf(r.Event.Type)
			seqs[class] = append(seqs[class], r.Event.Seq)
			if _, err := time.Parse(time.RFC3339, r.Event.Timestamp); err != nil {
				t.Errorf("the timestamp is not in the flat form: %v", err)
			}
		case "Lagged", "Error", "Unnamed":
			t.Errorf("received %s", r.raw)
		}
	}
	for _, class := range []string{"high", "medium", "low"} {
		if !slices.Equal(seqs[class], f.wanted[class]) {
			t.Errorf("%s events\nreceived: %v\n  wanted: %v", class, seqs[class], f.wanted[class])
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

func classOf(name string) string {
	for _, kind := range kinds {
		if kind.name == name {
			return kind.class
		}
	}
	return "unknown: " + name
}

// A record is a line that a client prints: a message of the WebSocket protocol,
// or one that the programs in testdata/clients make up in the same form for what
// is no message: Open, Closed, ConsoleError and so on.
type record struct {
	Type    string
	ID      string
	Event   sample
	Events  []string        // of Subscribed and Unsubscribed
	Dropped map[string]*int // of Lagged, by class; nil is not known
	Code    int             // of a WebSocket's Closed
	Final   bool            // of an EventSource's Closed: it has given up
	Text    string
	raw     string
}

// A sample is an event, with the fields that tests look at.
type sample struct {
	Type      string
	Timestamp string
	Count     int
	Seq       int
}

// records returns what a client has printed so far. The client has to be still
// running.
func (p *process) records(t *testing.T) []record {
	t.Helper()
	p.mustRun(t)
	var records []record
	for _, line := range p.stdout.lines() {
		records = append(records, parseRecord(t, line))
	}
	return records
}

func parseRecord(t *testing.T, line string) record {
	t.Helper()
	r := record{raw: line}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("not JSON: %v: %s", err, line)
	}
	return r
}

// count returns how many of the records are of one of the types.
func count(records []record, types ...string) int {
	n := 0
	for _, r := range records {
		if slices.Contains(types, r.Type) {
			n++
		}
	}
	return n
}

// opened returns how many streams a client has opened so far: a WebSocket tells
// by its first message, and the clients of SSE say so themselves.
func opened(records []record) int { return count(records, "Open", "Subscribed") }
