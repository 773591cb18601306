package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// curl follows the stream, and resumes from the id of its last whole event with
// the header that a browser would send.
func TestCurlFollowsAndResumes(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	f := newFeed(r)

	first := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", sseURL(r.addr))
	received := func() []record { return parseSSE(t, first.stdout.lines()) }
	eventually(t, "the stream is open", func() bool { return opened(received()) == 1 })
	f.publish(t, 50)
	f.awaitIn(t, received)
	f.publish(t, 50)
	first.terminate() // somewhere in these
	before := received()
	last := before[len(before)-1]

	f.publish(t, 50)
	second := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer",
		"--header", "Last-Event-ID: "+last.ID, sseURL(r.addr)+"&since=earliest") // the header wins
	received = func() []record { return slices.Concat(before, parseSSE(t, second.stdout.lines())) }
	eventually(t, "the stream is open again", func() bool { return opened(received()) == 2 })
	f.publish(t, 50)
	f.awaitIn(t, received)
}

// parseSSE parses what curl has printed so far, as far as the events are whole.
// The reconnection time, which comes once at the start, says that the stream is
// open.
func parseSSE(t *testing.T, lines []string) []record {
	t.Helper()
	var records []record
	var id, name, data string
	for _, line := range lines {
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && data != "":
			r := parseRecord(t, data)
			if name != "Lagged" {
				if r.Type != name {
					t.Errorf("event %q carries %s", name, data)
				}
				r = parseRecord(t, fmt.Sprintf(`{"type":"Event","id":%q,"event":%s}`, id, data))
			}
			records = append(records, r)
			name, data = "", ""
		case line == "", strings.HasPrefix(line, ":"):
		case field == "retry":
			records = append(records, record{Type: "Open"})
		case field == "id":
			id = value
		case field == "event":
			name = value
		case field == "data":
			data = value
		default:
			t.Errorf("not a line of an event: %q", line)
		}
	}
	return records
}

// A page is an answer to polling.
type page struct {
	Events []sample
	Cursor string
}

func parsePage(t *testing.T, text string) page {
	t.Helper()
	var p page
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("not a page: %v: %s", err, text)
	}
	return p
}

// curl publishes, polls what there is page by page, and long-polls for what is
// still to come.
func TestCurlPublishesAndPolls(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	curl := func(args ...string) string {
		out, err := run(t, "", tool(t, "curl"), append([]string{"--silent", "--show-error", "--fail"}, args...)...)
		if err != nil {
			t.Fatalf("curl failed: %v: %s", err, out)
		}
		return out
	}
	poll := func(query string) page {
		return parsePage(t, curl(r.http()+"/v1/events?"+query))
	}
	const body = `[{"type":"MessageAdded","message_id":"a","depth":1},{"type":"tips.update","tips":[],"count":2}]`
	publish := []string{"--header", "Authorization: Bearer " + publishToken, "--data", body, r.http() + "/v1/events"}

	cursor := poll("").Cursor
	for range 5 {
		if got := curl(publish...); strings.TrimSpace(got) != `{"accepted":2}` {
			t.Errorf("publishing was answered with %s", got)
		}
	}
	var tips int
	eventually(t, "five events are polled, two a page", func() bool {
		p := poll("events=TipsUpdated&limit=2&since=" + cursor)
		if len(p.Events) > 2 {
			t.Errorf("%d events in a page of 2", len(p.Events))
		}
		tips += len(p.Events)
		cursor = p.Cursor
		return tips >= 5
	})

	long := start(t, tool(t, "curl"), "--silent", r.http()+"/v1/events?events=TipsUpdated&wait=60&since="+cursor)
	curl(publish...)
	eventually(t, "long-polling is answered", long.ended)
	if p := parsePage(t, long.stdout.String()); len(p.Events) != 1 || p.Events[0].Count != 2 {
		t.Errorf("long-polling was answered with %+v, want one event", p)
	}
}

// What the router refuses reaches the user of curl as JSON that says what to do.
func TestCurlIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := startRouter(t)
	for name, test := range map[string]struct {
		args   []string
		status int
		names  string
	}{
		"unknown type":   {[]string{r.http() + "/v1/sse/events?events=TipsUpdate"}, http.StatusBadRequest, "TipsUpdate"},
		"no token":       {[]string{"--data", "[]", r.http() + "/v1/events"}, http.StatusUnauthorized, "token"},
		"no upgrade":     {[]string{r.http() + "/v1/ws/events"}, http.StatusUpgradeRequired, "WebSocket"},
		"unknown path":   {[]string{r.http() + "/v1/event"}, http.StatusNotFound, "path"},
		"a wrong method": {[]string{"--request", "DELETE", r.http() + "/v1/events"}, http.StatusMethodNotAllowed, "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, "", tool(t, "curl"), append([]string{"--silent", "--show-error", "--write-out", "\n%{http_code}"}, test.args...)...)
			if err != nil {
				t.Fatalf("curl failed: %v: %s", err, out)
			}
			body, status, _ := strings.Cut(strings.TrimSpace(out), "\n")
			var answer struct{ Error string }
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatalf("the answer is no JSON: %s", body)
			}
			if status != fmt.Sprint(test.status) || !strings.Contains(answer.Error, test.names) {
				t.Errorf("answered with %s %q, want %d naming %q", status, answer.Error, test.status, test.names)
			}
		})
	}
}
