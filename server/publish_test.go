package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
)

// flatAdded and taggedAdded are the documented forms of one event.
const (
	flatAdded   = `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`
	taggedAdded = `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`
)

func TestPublishedBatches(t *testing.T) {
	tests := []struct {
		name, body string
		accepted   int
	}{
		{"one event", flatAdded, 1},
		{"one event with white space around it", " \r\n\t" + flatAdded + "\n", 1},
		{"the tagged form", taggedAdded, 1},
		{"an alias for a type", strings.Replace(flatAdded, "MessageAdded", "message.new", 1), 1},
		{"Unix seconds in the flat form", strings.Replace(flatAdded, `"2024-01-15T10:30:00Z"`, "1705314600", 1), 1},
		{"RFC 3339 in the tagged form", strings.Replace(taggedAdded, "1705314600", `"2024-01-15T10:30:00Z"`, 1), 1},
		{"an array", "[" + flatAdded + "," + taggedAdded + "]", 2},
		{"an array over lines", "[\n  " + flatAdded + ",\n  " + flatAdded + "\n]\n", 2},
		{"NDJSON", flatAdded + "\n" + taggedAdded + "\n" + flatAdded + "\n", 3},
		{"NDJSON without a final newline", flatAdded + "\n" + flatAdded, 2},
		{"NDJSON with CRLF", flatAdded + "\r\n" + flatAdded + "\r\n", 2},
		{"NDJSON with blank lines", "\n\n" + flatAdded + "\n\n\n" + flatAdded + "\n\n", 2},
		{"events on one line", flatAdded + " " + flatAdded + "\t" + flatAdded, 3},
		{"an empty array", "[]", 0},
		{"an empty array with white space", " [ ]\n", 0},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		// The form is told by the content alone.
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
			t.Run(tt.name+"/"+contentType, func(t *testing.T) {
				before := f.poll(t, "").Cursor
				headers := []string{bearer}
				if contentType != "" {
					headers = append(headers, "Content-Type: "+contentType)
				}
				res, body := f.request(t, "POST", "/v1/events", tt.body, headers...)
				if want := fmt.Sprintf(`{"accepted":%d}`, tt.accepted); res.StatusCode != http.StatusAccepted || body != want {
					t.Fatalf("answer = %d %s, want 202 %s", res.StatusCode, body, want)
				}
				wantHeaders(t, res, "Content-Type: application/json")
				f.wantPolled(t, before, flatAdded, tt.accepted)
				f.wantPolled(t, before+"&format=tagged", taggedAdded, tt.accepted)
			})
		}
	}
}

// wantPolled waits for n events after a cursor, each of them as given.
func (f *front) wantPolled(t *testing.T, since, want string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d events are there", n), func() bool { return len(f.poll(t, "since="+since).Events) >= n })
	got := f.poll(t, "since="+since).Events
	if len(got) != n {
		t.Fatalf("%d events, want %d", len(got), n)
	}
	for _, e := range got {
		if string(e) != want {
			t.Errorf("event = %s\nwant    %s", e, want)
		}
	}
}

// Nothing of an event is changed but what has to be.
func TestPublishKeepsWhatItPassesOn(t *testing.T) {
	const published = `{"zeta":{"b":1.0,"a":[1e400, 123456789012345678901234567890]},"diversity_score":0.10,"axes":[],` +
		`"type":"DiversityUpdated","total_tips":18446744073709551615,"timestamp":"2024-01-15T10:30:00.123456789Z","note":"caf\u00e9 <&>"}`
	f := startFront(t, overTCP)
	f.publish(t, published)
	eventually(t, "the event is there", func() bool { return len(f.poll(t, "since=earliest").Events) == 1 })
	got := string(f.poll(t, "since=earliest").Events[0])
	at := 0
	for _, part := range []string{`"type":"DiversityUpdated"`, `"zeta":{"b":1.0,"a":[1e400`, `123456789012345678901234567890]}`, `"diversity_score":0.10`,
		`"total_tips":18446744073709551615`, `"timestamp":"2024-01-15T10:30:00.123456789Z"`, `"note":"caf`} {
		i := strings.Index(got[at:], part)
		if i < 0 {
			t.Fatalf("%s does not hold %s, or not in this place", got, part)
		}
		at += i
	}
	if !json.Valid([]byte(got)) {
		t.Errorf("%s is no JSON", got)
	}
}

func TestRefusedBatches(t *testing.T) {
	const none = -1
	tests := []struct {
		name, body string
		index      int
		parts      []string
	}{
		{"nothing", "", none, []string{"no event"}},
		{"white space", " \r\n\n", none, []string{"no event"}},
		{"an unknown type", strings.Replace(flatAdded, "MessageAdded", "MessageAdde", 1), 0, []string{"event 0", `"MessageAdde"`, `"MessageAdded"`}},
		{"no type", `{"message_id":"a","depth":1}`, 0, []string{"event 0", "type"}},
		{"a missing field", `{"type":"MessageAdded","depth":1}`, 0, []string{"event 0", "message_id"}},
		{"a field of the wrong type", `{"type":"MessageAdded","message_id":7,"depth":1}`, 0, []string{"event 0", "message_id", "string"}},
		{"a negative count", `{"type":"MessageAdded","message_id":"a","depth":-1}`, 0, []string{"event 0", "depth"}},
		{"an unknown finality", `{"type":"MessageFinalized","message_id":"a","finality_type":"magic"}`, 0, []string{"event 0", "finality_type"}},
		{"a timestamp that is none", strings.Replace(flatAdded, "2024-01-15T10:30:00Z", "yesterday", 1), 0, []string{"event 0", "timestamp"}},
		{"half an event", flatAdded[:40], 0, []string{"event 0"}},
		{"no JSON", "hello", 0, []string{"event 0"}},
		{"events with nothing between them", flatAdded + flatAdded, 1, []string{"event 1", "white space"}},
		{"a string", `"MessageAdded"`, 0, []string{"event 0", "object"}},
		{"null", "null", 0, []string{"event 0", "object"}},
		{"text that is not UTF-8", strings.Replace(flatAdded, "ab12", "a\xff", 1), 0, []string{"event 0", "UTF-8"}},
		{"a bad line among good ones", flatAdded + "\n" + flatAdded + "\n" + taggedAdded + "\n{\"type\":\"Nope\"}\n" + flatAdded, 3, []string{"event 3", `"Nope"`}},
		{"a bad element among good ones", "[" + flatAdded + ",42," + flatAdded + "]", 1, []string{"event 1", "object"}},
		{"an array in an array", "[[" + flatAdded + "]]", 0, []string{"event 0"}},
		{"an array that does not end", "[" + flatAdded + ",", 1, []string{"event 1"}},
		{"something behind an array", "[" + flatAdded + "] " + flatAdded, 1, []string{"event 1"}},
		{"arrays on lines", "[" + flatAdded + "]\n[" + flatAdded + "]", 1, []string{"event 1"}},
	}
	f := startFront(t, overTCP)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := f.request(t, "POST", "/v1/events", tt.body, bearer)
			wantError(t, res, body, http.StatusBadRequest, tt.parts...)
			var answer struct{ Index *int }
			if err := json.Unmarshal([]byte(body), &answer); err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.index == none && answer.Index != nil:
				t.Errorf("index = %d, want none", *answer.Index)
			case tt.index != none && (answer.Index == nil || *answer.Index != tt.index):
				t.Errorf("%s does not have index %d", body, tt.index)
			}
		})
	}
	// A batch is refused whole.
	if got := f.metric(t, "adic_events_emitted_total"); got != "0" {
		t.Errorf("%s events were emitted, want none", got)
	}
	if got := f.metric(t, `adic_rejections_total{reason="bad_event"}`); got != strconv.Itoa(len(tests)) {
		t.Errorf("counted %s, want %d", got, len(tests))
	}
}

func TestPublishCredentials(t *testing.T) {
	f := startFront(t, overTCP)
	tests := []struct {
		name, header string
		status       int
	}{
		{"none", "Accept: */*", 401},
		{"another token", "Authorization: Bearer not-it", 401},
		{"the beginning of the token", "Authorization: Bearer " + publishToken[:4], 401},
		{"more than the token", bearer + "x", 401},
		{"an empty token", "Authorization: Bearer ", 401},
		{"the token alone", "Authorization: " + publishToken, 401},
		{"another scheme", "Authorization: Basic " + publishToken, 401},
		{"the token", bearer, 202},
		{"the scheme in lower case", "Authorization: bearer " + publishToken, 202}, // RFC 9110 §11.1
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := f.request(t, "POST", "/v1/events", flatAdded, tt.header)
			if tt.status == http.StatusAccepted {
				if res.StatusCode != tt.status {
					t.Errorf("status = %d %s, want 202", res.StatusCode, body)
				}
				return
			}
			wantError(t, res, body, tt.status, "Authorization: Bearer")
			wantHeaders(t, res, `WWW-Authenticate: Bearer realm="adic"`)
		})
	}
	if got := f.metric(t, `adic_rejections_total{reason="unauthorized"}`); got != "7" {
		t.Errorf("counted %s, want 7", got)
	}
	f.reload(t, func(c *config.Config) { c.Auth.PublishToken = "another" })
	if res, _ := f.request(t, "POST", "/v1/events", flatAdded, bearer); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after a reload the old token is answered with %d, want 401", res.StatusCode)
	}
	if res, _ := f.request(t, "POST", "/v1/events", flatAdded, "Authorization: Bearer another"); res.StatusCode != http.StatusAccepted {
		t.Errorf("after a reload the new token is answered with %d, want 202", res.StatusCode)
	}
}

// Without a token nobody may publish, and the answer tells how that is changed.
func TestPublishingIsOffWithoutAToken(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.Auth.PublishToken = "" })
	for _, header := range []string{"Accept: */*", "Authorization: Bearer ", bearer} {
		res, body := f.request(t, "POST", "/v1/events", flatAdded, header)
		wantError(t, res, body, http.StatusForbidden, "publish_token", "[auth]", "ADIC_AUTH_PUBLISH_TOKEN")
	}
	if got := f.metric(t, `adic_rejections_total{reason="publishing_off"}`); got != "3" {
		t.Errorf("counted %s, want 3", got)
	}
}
