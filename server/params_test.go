package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// polledPage is the answer to a poll.
type polledPage struct {
	Events  []json.RawMessage
	Cursor  string
	Dropped map[string]*uint64
}

// poll polls, which has to succeed.
func (f *front) poll(t *testing.T, query string) polledPage {
	t.Helper()
	res, body := f.request(t, "GET", "/v1/events?"+query, "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET /v1/events?%s = %d %s, want 200", query, res.StatusCode, body)
	}
	var p polledPage
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if p.Events == nil || p.Cursor == "" || !strings.Contains(body, `"dropped":`) {
		t.Fatalf("%s lacks something", body)
	}
	return p
}

// types are the types of the events.
func (p polledPage) types(t *testing.T) (names []string) {
	t.Helper()
	for _, raw := range p.Events {
		var e struct{ Type string }
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Type)
	}
	return names
}

// oneOfEach are events of all classes, low ones first.
const oneOfEach = `
	{"type":"NodeStarted","node_id":"n1","version":"1.0"}
	{"type":"EconomicsUpdated","total_supply":"3","circulating_supply":"2","treasury_balance":"1"}
	{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":null}
	{"type":"QuorumSelected","epoch":7,"committee_size":9,"domain":"d","axes_covered":3}
	{"type":"MessageAdded","message_id":"m1","depth":4}
	{"type":"MessageFinalized","message_id":"m1","finality_type":"KCore"}
	{"type":"VRFRandomnessFinalized","epoch":7,"randomness_hash":"ab","contributor_count":5}`

func TestFilters(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, oneOfEach)
	f.settle(t)
	const (
		high   = "MessageAdded MessageFinalized VRFRandomnessFinalized"
		medium = "KCoreUpdated QuorumSelected"
		low    = "NodeStarted EconomicsUpdated"
		all    = high + " " + medium + " " + low
	)
	tests := []struct{ query, want string }{
		{"", all},
		{"events=all", all},
		{"events=&priority=&format=&heartbeat=&ids=&limit=&wait=", all},
		{"events=MessageAdded", "MessageAdded"},
		{"events=message.new", "MessageAdded"},
		{"events=MessageAdded,finality.update,KCoreUpdated", "MessageAdded MessageFinalized KCoreUpdated"},
		{"events=MessageAdded,message.new,MessageAdded", "MessageAdded"},
		{"events=" + url.QueryEscape("MessageAdded, kcore.update"), "MessageAdded KCoreUpdated"},
		{"events=vrf.*", "VRFRandomnessFinalized"},
		{"events=vrf.*,quorum.*", "VRFRandomnessFinalized QuorumSelected"},
		{"events=governance.treasury.*", ""},
		{"events=MessageAdded,all", all},
		{"priority=all", all},
		{"priority=high", high},
		{"priority=medium", medium},
		{"priority=low", low},
		{"priority=low,high", high + " " + low},
		{"priority=low,all", all},
		{"events=MessageAdded,KCoreUpdated&priority=medium", "KCoreUpdated"},
		{"events=MessageAdded&priority=low", ""},
		{"heartbeat=false&ids=false&token=any&utm_source=elsewhere", all},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			got := f.poll(t, "since=earliest&"+tt.query).types(t)
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// What is wrong with a query is the same for all three ways to get events.
func TestBadParameters(t *testing.T) {
	tests := []struct {
		name, query string
		parts       []string // of the error
	}{
		{"a type that does not exist", "events=Nope", []string{`"Nope"`, "/v1/events/types"}},
		{"several", "events=Nope,MessageAdded,Nada,x.y", []string{`"Nope"`, `"Nada"`, `"x.y"`}},
		{"the wrong case", "events=messageAdded", []string{`"messageAdded"`, `did you mean "MessageAdded"`}},
		{"a misspelt alias", "events=finality.updat", []string{`"finality.updat"`, `did you mean "finality.update"`}},
		{"a prefix without its star", "events=vrf", []string{`"vrf"`}},
		{"a prefix of nothing", "events=nope.*", []string{`"nope.*"`}},
		{"a prefix that ends in mid-word", "events=governance.prop.*", []string{`"governance.prop.*"`}},
		{"all beside an unknown type", "events=all,Nope", []string{`"Nope"`}},
		{"a priority that does not exist", "priority=urgent", []string{`"urgent"`, "high, medium and low"}},
		{"several priorities", "priority=urgent,high,Low", []string{`"urgent"`, `"Low"`}},
		{"a format that does not exist", "format=xml", []string{`"xml"`, "flat", "tagged"}},
		{"a malformed cursor", "since=yesterday", []string{"since", `"yesterday"`, "cursor"}},
		{"a cursor cut short", "since=0123456789ab-1-2", []string{"since"}},
		{"earliest in the wrong case", "since=Earliest", []string{"since", `"Earliest"`}},
		{"a heartbeat that is no switch", "heartbeat=yes", []string{"heartbeat", "true", "false"}},
		{"ids that is no switch", "ids=1", []string{"ids", "true", "false"}},
		{"a window that is no time", "batch_delay=20", []string{"batch_delay", "20ms"}},
		{"a window below zero", "batch_delay=-20ms", []string{"batch_delay", "20ms"}},
		{"a window over the bound", "batch_delay=101ms", []string{"batch_delay", "100ms"}},
		{"everything at once", "events=Nope&priority=urgent&format=xml&since=never&heartbeat=no&ids=no",
			[]string{`"Nope"`, `"urgent"`, `"xml"`, `"never"`, "heartbeat", "ids"}},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"/v1/sse/events", "/v1/events", "/v1/ws/events", "/"} {
				var headers []string
				if path == "/v1/ws/events" || path == "/" {
					headers = upgradeHeaders
				}
				res, body := f.request(t, "GET", path+"?"+tt.query, "", headers...)
				wantError(t, res, body, http.StatusBadRequest, tt.parts...)
			}
		})
	}
	if got, want := f.metric(t, `adic_rejections_total{reason="bad_parameter"}`), len(tests)*4; got != strconv.Itoa(want) {
		t.Errorf("counted %s, want %d", got, want)
	}
	if n, m := f.metric(t, "adic_websocket_connections"), f.metric(t, "adic_sse_connections"); n != "0" || m != "0" {
		t.Errorf("%s WebSocket and %s SSE connections, want none", n, m)
	}
}

func TestWindows(t *testing.T) {
	stream := config.Default().Stream
	stream.BatchDelay, stream.MaxBatchDelay = 20*time.Millisecond, 50*time.Millisecond
	for value, want := range map[string]time.Duration{
		"": stream.BatchDelay, "0": 0, "0s": 0, "5ms": 5 * time.Millisecond, "0.05s": stream.MaxBatchDelay,
	} {
		window, err := parseWindow(value, stream)
		if err != nil || window != want {
			t.Errorf("batch_delay=%s: %v, %v; want %v", value, window, err, want)
		}
		p := streamParams{window: window}
		if got := p.client(nil, nil).Window; got != want {
			t.Errorf("batch_delay=%s: the connection has %v, want %v", value, got, want)
		}
	}
}

func TestBadPollParameters(t *testing.T) {
	tests := []struct {
		query string
		parts []string
	}{
		{"limit=0", []string{"limit", "1 to 1000"}},
		{"limit=1001", []string{"limit", "1 to 1000"}},
		{"limit=-5", []string{"limit"}},
		{"limit=ten", []string{"limit"}},
		{"limit=1.5", []string{"limit"}},
		{"limit=99999999999999999999", []string{"limit"}},
		{"wait=61", []string{"wait", "0 to 60"}},
		{"wait=-1", []string{"wait"}},
		{"wait=5s", []string{"wait"}},
		{"limit=0&wait=61&events=Nope&since=never", []string{"limit", "wait", `"Nope"`, `"never"`}},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			res, body := f.request(t, "GET", "/v1/events?"+tt.query, "")
			wantError(t, res, body, http.StatusBadRequest, tt.parts...)
		})
	}
}

// A client that sends much nonsense is not sent much back.
func TestLongParametersAreNotRepeatedWhole(t *testing.T) {
	f := startFront(t, overTCP)
	long := strings.Repeat("a", 8000)
	for _, name := range []string{"events", "priority", "format", "since", "heartbeat", "ids", "batch_delay", "limit", "wait"} {
		res, body := f.request(t, "GET", "/v1/events?"+name+"="+long, "")
		wantError(t, res, body, http.StatusBadRequest)
		if len(body) > 1000 {
			t.Errorf("%s: the error is %d bytes long, want less than 1000", name, len(body))
		}
	}
}
