package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// poisoned are events at the limits of what an event may be, and beyond. Each is
// either delivered as it is or refused with a reason.
var poisoned = []struct {
	name, fields string // beside those that the type needs
	status       int
	reason       string // a part of the answer
}{
	{"nothing odd", ``, 202, ""},
	{"a number of many digits", `,"n":` + strings.Repeat("9", 10_000), 202, ""},
	{"a number out of every range", `,"n":-1e999999999`, 202, ""},
	{"characters outside of the BMP", `,"s":"🜏` + "\u2028\ufeff\u202e" + `"`, 202, ""},
	{"escaped control characters", `,"s":"\u0000\u001f\r\n\r\ndata: x"`, 202, ""},
	{"half of a surrogate pair", `,"s":"\ud800"`, 400, "surrogate"},
	{"a name that is odd", `,"":{"__proto__":[null]}`, 202, ""},
	{"very many names", `,` + strings.TrimSuffix(strings.Repeat(`"k":0,`, 10_000), ","), 202, ""},
	{"deep nesting", `,"d":` + strings.Repeat("[", 100) + strings.Repeat("]", 100), 400, "nested deeper than 64"},
	{"very deep nesting", `,"d":` + strings.Repeat(`{"d":[`, 20_000) + strings.Repeat("]}", 20_000), 400, "event 0"},
	{"the largest size", `,"p":"` + strings.Repeat("x", 128<<10-poisonFrame) + `"`, 202, ""},
	{"more than the largest size", `,"p":"` + strings.Repeat("x", 128<<10-poisonFrame+1) + `"`, 413, "131072"},
	{"a raw control character", ",\"s\":\"\x00\"", 400, "event 0"},
	{"invalid UTF-8", ",\"s\":\"\xff\xfe\"", 400, "event 0"},
	{"an overlong encoding", ",\"s\":\"\xc0\x80\"", 400, "event 0"},
	{"no end", `,"s":"`, 400, "event 0"},
}

// poisonFrame is how long an event with an empty p is.
const poisonFrame = len(`{"type":"MessageAdded","message_id":"ab12","depth":42,"seq":0000,"timestamp":"2024-01-15T10:30:00Z","p":""}`)

// Whatever an event holds, the router takes it or says why not, goes on, and its
// clients get each event that was taken, as well as one that comes after it.
func TestPoisonedEvents(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--stream.compression")
	s := openSocket(t, r, "")
	curl := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", r.http()+"/v1/sse/events")
	eventually(t, "the event stream is open", func() bool { return r.metrics(t)["adic_sse_connections"] == 1 })
	accepted := 0
	seq := 1000
	publish := func(fields string) (status int, answer string) {
		t.Helper()
		seq++
		status, _, answer = r.status(t, http.MethodPost, "/v1/events", fmt.Sprintf(
			`{"type":"MessageAdded","message_id":"ab12","depth":42,"seq":%04d,"timestamp":"2024-01-15T10:30:00Z"%s}`, seq, fields),
			"Authorization: Bearer "+publishToken)
		if status == http.StatusAccepted {
			accepted++
		}
		return status, answer
	}
	for _, event := range poisoned {
		status, answer := publish(event.fields)
		if status != event.status {
			t.Errorf("%s: answered with %d: %s", event.name, status, answer)
		}
		if !strings.Contains(answer, event.reason) || status != 202 && !strings.Contains(answer, `"error"`) {
			t.Errorf("%s: answered with %s", event.name, answer)
		}
		if status == http.StatusAccepted { // numbers keep every digit, strings their escapes
			at := accepted
			eventually(t, event.name+" arrives", func() bool { return len(s.received()) > at })
			if text := s.received()[at]; !strings.Contains(text, event.fields) {
				t.Errorf("%s: arrived as %.300s", event.name, text)
			}
		}
		if status, answer := publish(""); status != http.StatusAccepted {
			t.Errorf("after %s: answered with %d: %s", event.name, status, answer)
		}
		eventually(t, "both streams go on after "+event.name, func() bool {
			return len(s.received()) == 1+accepted && strings.Count(curl.stdout.String(), "\nevent: MessageAdded\n") == accepted
		})
	}
	for i, text := range s.received()[1:] {
		if got := parseRecord(t, text); got.Type != "Event" || got.Event.Type != "MessageAdded" {
			t.Errorf("message %d is %.200s", i, text)
		}
	}
	for _, record := range parseSSE(t, curl.stdout.lines()) { // each is JSON in one line
		if record.Type != "Event" && record.Type != "Open" {
			t.Errorf("received %.200s", record.raw)
		}
	}
	m := r.metrics(t)
	for _, actor := range []string{"emitter", "queue", "connection"} {
		if n := m[fmt.Sprintf("adic_actor_restarts_total{actor=%q}", actor)]; n != 0 {
			t.Errorf("%s failed %g times", actor, n)
		}
	}
	if n := m["adic_http_panics_total"]; n != 0 {
		t.Errorf("%g requests failed", n)
	}
}
