package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// added are n events of one type, with depths from first on.
func added(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"MessageAdded","message_id":"m","depth":%d}`+"\n", first+i)
	}
	return b.String()
}

// depths are those of events that added made.
func (p polledPage) depths(t *testing.T) (numbers []int) {
	t.Helper()
	for _, raw := range p.Events {
		var e struct{ Depth int }
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, e.Depth)
	}
	return numbers
}

// settle waits until everything accepted is in the rings.
func (f *front) settle(t *testing.T) {
	t.Helper()
	eventually(t, "nothing is pending", func() bool {
		s := f.router.Status()
		return s.Pending[0]+s.Pending[1]+s.Pending[2] == 0
	})
}

func upTo(first, n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, first+i)
	}
	return numbers
}

var cursorText = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`) // RFC 3986 §2.3: unreserved

func TestPollWithoutACursorIsThePresentEnd(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, added(1, 3))
	f.settle(t)
	p := f.poll(t, "")
	if len(p.Events) != 0 || p.Dropped != nil || !cursorText.MatchString(p.Cursor) {
		t.Fatalf("got %+v, want no event, no loss and a cursor", p)
	}
	if again := f.poll(t, "since="+p.Cursor); len(again.Events) != 0 || again.Cursor != p.Cursor {
		t.Errorf("from the end: %d events and cursor %s, want none and %s", len(again.Events), again.Cursor, p.Cursor)
	}
	f.publish(t, added(4, 2))
	f.settle(t)
	if got := f.poll(t, "since="+p.Cursor).depths(t); !slices.Equal(got, []int{4, 5}) {
		t.Errorf("after two more: %v, want them", got)
	}
}

func TestPollAnswer(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, flatAdded)
	f.settle(t)
	id := f.poll(t, "since=earliest").Cursor
	tests := []struct{ query, want string }{
		{"", `{"events":[` + flatAdded + `],"cursor":"` + id + `","dropped":null}`},
		{"&format=tagged", `{"events":[` + taggedAdded + `],"cursor":"` + id + `","dropped":null}`},
		{"&ids=true", `{"events":[{"id":"` + id + `","event":` + flatAdded + `}],"cursor":"` + id + `","dropped":null}`},
		{"&ids=true&format=tagged", `{"events":[{"id":"` + id + `","event":` + taggedAdded + `}],"cursor":"` + id + `","dropped":null}`},
		{"&events=TipsUpdated", `{"events":[],"cursor":"` + id + `","dropped":null}`},
	}
	for _, tt := range tests {
		if _, got := f.request(t, "GET", "/v1/events?since=earliest"+tt.query, ""); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.query, got, tt.want)
		}
	}
}

func TestPollPages(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, added(1, 950))
	f.settle(t)
	if n := len(f.poll(t, "since=earliest").Events); n != 100 {
		t.Errorf("%d events without a limit, want 100", n)
	}
	if n := len(f.poll(t, "since=earliest&limit=1000").Events); n != 950 {
		t.Errorf("%d events with the highest limit, want all 950", n)
	}
	var got []int
	for since, pages := "earliest", 0; len(got) < 950; pages++ {
		p := f.poll(t, "limit=300&since="+since)
		if len(p.Events) == 0 || pages > 3 {
			t.Fatalf("%d events after %d pages, want 950 after 4", len(got), pages)
		}
		got = append(got, p.depths(t)...)
		since = p.Cursor
	}
	if !slices.Equal(got, upTo(1, 950)) {
		t.Error("the pages do not hold every event once and in order")
	}
}

// The cursor of every single event is where the rest begins.
func TestPollGoesOnAfterEveryEvent(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, oneOfEach)
	f.settle(t)
	whole := f.poll(t, "since=earliest")
	_, body := f.request(t, "GET", "/v1/events?since=earliest&ids=true", "")
	var with struct {
		Events []struct {
			ID    string
			Event json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(body), &with); err != nil {
		t.Fatal(err)
	}
	if len(with.Events) != len(whole.Events) {
		t.Fatalf("%d events with ids, %d without", len(with.Events), len(whole.Events))
	}
	same := func(a, b json.RawMessage) bool { return string(a) == string(b) }
	for i, e := range with.Events {
		if !cursorText.MatchString(e.ID) {
			t.Errorf("%q is no cursor", e.ID)
		}
		rest := f.poll(t, "since="+e.ID)
		if !slices.EqualFunc(rest.Events, whole.Events[i+1:], same) || rest.Cursor != whole.Cursor || rest.Dropped != nil {
			t.Errorf("after event %d: %s, want %s", i, rest.Events, whole.Events[i+1:])
		}
		one := f.poll(t, "limit=1&since="+e.ID)
		if last := i+1 == len(with.Events); !last && one.Cursor != with.Events[i+1].ID {
			t.Errorf("after event %d: cursor %s, want that of the next, %s", i, one.Cursor, with.Events[i+1].ID)
		}
	}
}

func nodeStarted(n int) string {
	return strings.Repeat(`{"type":"NodeStarted","node_id":"n","version":"1"}`+"\n", n)
}

// What is no longer retained is reported, exactly, and for the filter asked for.
func TestPollReportsLoss(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.Events.MediumPriorityBuffer, c.Events.LowPriorityBuffer = 10, 3 })
	start := f.poll(t, "").Cursor
	f.publish(t, added(1, 2))
	f.publish(t, nodeStarted(5))
	f.publish(t, `{"type":"EconomicsUpdated","total_supply":"3","circulating_supply":"2","treasury_balance":"1"}`)
	f.settle(t)
	tests := []struct {
		query   string
		events  int
		dropped string
	}{
		{"since=" + start, 5, `{"high":0,"medium":0,"low":3}`},
		{"events=EconomicsUpdated&since=" + start, 1, "null"}, // nothing of it was lost
		{"events=NodeStarted&since=" + start, 2, `{"high":0,"medium":0,"low":3}`},
		{"priority=high,medium&since=" + start, 2, "null"},
		{"since=earliest", 5, "null"},
		{"limit=1&since=" + start, 1, `{"high":0,"medium":0,"low":3}`},
	}
	for _, tt := range tests {
		_, body := f.request(t, "GET", "/v1/events?"+tt.query, "")
		var p struct {
			Events  []json.RawMessage
			Dropped json.RawMessage
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if len(p.Events) != tt.events || string(p.Dropped) != tt.dropped {
			t.Errorf("%s: %d events and %s dropped, want %d and %s", tt.query, len(p.Events), p.Dropped, tt.events, tt.dropped)
		}
	}
	if got := f.metric(t, `adic_events_dropped_total{priority="low"}`); got == "0" {
		t.Error("the operator is not told of the losses")
	}
}

// A cursor that is well-formed but not ours gets all there is, after a loss that
// nobody can count.
func TestPollFromAForeignCursor(t *testing.T) {
	f := startFront(t, overTCP)
	f.publish(t, added(1, 3))
	f.settle(t)
	end := f.poll(t, "").Cursor
	epoch, _, _ := strings.Cut(end, "-")
	for name, cursor := range map[string]string{
		"another stream":             "000000000001-2-0-0",
		"a position not yet reached": epoch + "-ff-0-0",
	} {
		p := f.poll(t, "since="+cursor)
		if got := p.depths(t); !slices.Equal(got, upTo(1, 3)) {
			t.Errorf("%s: events %v, want all three", name, got)
		}
		if len(p.Dropped) != 3 || p.Dropped["high"] != nil || p.Dropped["medium"] != nil || p.Dropped["low"] != nil {
			t.Errorf("%s: dropped %v, want null for each class", name, p.Dropped)
		}
		if p.Cursor != end {
			t.Errorf("%s: cursor %s, want %s", name, p.Cursor, end)
		}
	}
}

// longPoll polls in the background.
func (f *front) longPoll(t *testing.T, query string) <-chan polledPage {
	t.Helper()
	c := f.dial(t)
	c.send("GET /v1/events?" + query + " HTTP/1.1\r\nHost: router\r\n\r\n")
	answer := make(chan polledPage, 1)
	go func() {
		defer close(answer)
		res, body := c.response()
		var p polledPage
		if err := json.Unmarshal([]byte(body), &p); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("long poll: %d %s", res.StatusCode, body)
		}
		answer <- p
	}()
	return answer
}

func (f *front) waitForLongPolls(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d polls wait", n), func() bool { return f.metric(t, "adic_long_polls") == strconv.Itoa(n) })
}

func TestLongPoll(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	t.Run("is answered when there is an event", func(t *testing.T) {
		answer := f.longPoll(t, "wait=60&events=MessageAdded")
		f.waitForLongPolls(t, 1)
		f.publish(t, nodeStarted(1)) // not for it
		f.publish(t, added(7, 1))
		if got := (<-answer).depths(t); !slices.Equal(got, []int{7}) {
			t.Errorf("events %v, want the one that came", got)
		}
	})
	t.Run("is answered at once when there was one already", func(t *testing.T) {
		if got := (<-f.longPoll(t, "wait=60&since=earliest&events=MessageAdded")).depths(t); !slices.Equal(got, []int{7}) {
			t.Errorf("events %v, want the one that is there", got)
		}
	})
	t.Run("is answered when its time is over", func(t *testing.T) {
		p := <-f.longPoll(t, "wait=1")
		if len(p.Events) != 0 || p.Cursor != f.poll(t, "").Cursor {
			t.Errorf("got %+v, want no events and the end", p)
		}
	})
	f.waitForLongPolls(t, 0)
}

// Nothing falls between one long poll and the next.
func TestLongPollsMissNothing(t *testing.T) {
	t.Parallel()
	f := startFront(t, overTCP)
	const total = 300
	since := f.poll(t, "").Cursor
	published := make(chan struct{})
	publisher := f.dial(t)
	go func() {
		defer close(published)
		for i := range total {
			if res, body := publisher.request(f, "POST", "/v1/events", added(i, 1), bearer); res.StatusCode != http.StatusAccepted {
				t.Errorf("publishing was answered with %d %s", res.StatusCode, body)
			}
		}
	}()
	c := f.dial(t)
	var got []int
	for len(got) < total {
		_, body := c.request(f, "GET", "/v1/events?wait=10&since="+since, "")
		var p polledPage
		if err := json.Unmarshal([]byte(body), &p); err != nil || len(p.Events) == 0 {
			t.Fatalf("%s: %v; want an event", body, err)
		}
		got = append(got, p.depths(t)...)
		since = p.Cursor
	}
	<-published
	if !slices.Equal(got, upTo(0, total)) {
		t.Errorf("got %v, want every event once and in order", got)
	}
}

func TestLongPollLimit(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.API.MaxSSEConnections = 2 })
	first, second := f.longPoll(t, "wait=60"), f.longPoll(t, "wait=60")
	f.waitForLongPolls(t, 2)
	res, body := f.request(t, "GET", "/v1/events?wait=60", "")
	wantError(t, res, body, http.StatusServiceUnavailable, "all 2 long polls", "without wait")
	wantHeaders(t, res, "Retry-After: 1")
	if n := f.rejections(t, "poll_limit"); n != 1 {
		t.Errorf("counted %d, want 1", n)
	}
	f.poll(t, "since=earliest") // is not limited
	f.publish(t, added(1, 1))
	<-first
	<-second
	f.waitForLongPolls(t, 0)
}
