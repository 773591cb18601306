package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

const flatTips = `{"type":"TipsUpdated","tips":[],"count":0}`

// publishers makes a change of the configuration that adds named publishers, each
// of whom has its name as the token.
func publishers(table map[string]config.Publisher) func(*config.Config) {
	return func(c *config.Config) {
		c.Auth.Publisher = map[string]config.Publisher{}
		for name, p := range table {
			p.Token = access.HashToken(name)
			if p.Events == nil {
				p.Events = []string{"all"}
			}
			c.Auth.Publisher[name] = p
		}
	}
}

func TestPublishers(t *testing.T) {
	f := startFront(t, overTCP, publishers(map[string]config.Publisher{
		"everything": {},
		"messages":   {Events: []string{"MessageAdded"}},
	}))
	tests := []struct {
		name, token, body string
		status            int
		index             int
	}{
		{"the plain token", publishToken, flatAdded, 202, 0},
		{"of every type", "everything", flatAdded + " " + flatTips, 202, 0},
		{"of its type", "messages", flatAdded, 202, 0},
		{"of another type", "messages", strings.Replace(taggedAdded, "MessageAdded", "MessageFinalized", 1), 400, 0}, // which lacks fields
		{"of no type", "messages", "[]", 202, 0},
		{"one of several of another type", "messages", flatAdded + "\n" + flatAdded + "\n" + flatTips + "\n" + flatAdded, 403, 2},
		{"nobody", "nobody", flatAdded, 401, 0},
		{"a hash", access.HashToken("messages"), flatAdded, 401, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := f.metric(t, "adic_events_emitted_total")
			res, body := f.request(t, "POST", "/v1/events", tt.body, "Authorization: Bearer "+tt.token)
			if res.StatusCode != tt.status {
				t.Fatalf("answered with %d %s, want %d", res.StatusCode, body, tt.status)
			}
			if tt.status != http.StatusAccepted && f.metric(t, "adic_events_emitted_total") != before {
				t.Error("events of a refused batch were emitted")
			}
			if tt.status != http.StatusForbidden {
				return
			}
			wantError(t, res, body, tt.status, "event "+strconv.Itoa(tt.index), "TipsUpdated")
			var answer struct{ Index *int }
			if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Index == nil || *answer.Index != tt.index {
				t.Errorf("the index is not %d: %s", tt.index, body)
			}
		})
	}
	for name, want := range map[string]string{
		`adic_publisher_events_total{publisher="auth.publish_token"}`: "1",
		`adic_publisher_events_total{publisher="everything"}`:         "2",
		`adic_publisher_events_total{publisher="messages"}`:           "1",
		`adic_rejections_total{reason="type_not_allowed"}`:            "1",
		`adic_rejections_total{reason="unauthorized"}`:                "2",
	} {
		if got := f.metric(t, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// Named publishers are enough; a reload replaces them, and one that is wrong
// changes nothing.
func TestReloadOfPublishers(t *testing.T) {
	f := startFront(t, overTCP, publishers(map[string]config.Publisher{"first": {}}), func(c *config.Config) { c.Auth.PublishToken = "" })
	status := func(token string) int {
		res, _ := f.request(t, "POST", "/v1/events", flatAdded, "Authorization: Bearer "+token)
		return res.StatusCode
	}
	if first, plain := status("first"), status(publishToken); first != 202 || plain != 401 {
		t.Errorf("answered with %d and %d", first, plain)
	}
	f.reload(t, publishers(map[string]config.Publisher{"second": {}}))
	bad := *f.Server.config.Load()
	publishers(map[string]config.Publisher{"third": {Events: []string{"Nope"}}})(&bad)
	if err := f.Reload(bad); err == nil || !strings.Contains(err.Error(), `auth.publisher.third.events: unknown event type "Nope"`) {
		t.Errorf("a reload with an unknown type: %v", err)
	}
	if first, second, third := status("first"), status("second"), status("third"); first != 401 || second != 202 || third != 401 {
		t.Errorf("answered with %d, %d and %d after the reload", first, second, third)
	}
}

func TestPublisherRate(t *testing.T) {
	f := startFront(t, overTCP, publishers(map[string]config.Publisher{"slow": {Rate: 5}, "fast": {}}))
	post := func(token string, events int, headers ...string) (*http.Response, string) {
		return f.request(t, "POST", "/v1/events", strings.Repeat(flatAdded+"\n", events), append(headers, "Authorization: Bearer "+token)...)
	}
	want := func(res *http.Response, body string, status int) {
		t.Helper()
		if res.StatusCode != status {
			t.Fatalf("answered with %d %s, want %d", res.StatusCode, body, status)
		}
	}
	res, body := post("slow", 11)
	wantError(t, res, body, http.StatusRequestEntityTooLarge, "at most 10")

	// What is not published does not count.
	for range 3 {
		res, body = f.request(t, "POST", "/v1/events", `{"type":"Nope"}`, "Authorization: Bearer slow")
		want(res, body, 400)
	}
	for range 10 {
		res, body = post("slow", 1, "Idempotency-Key: j")
		want(res, body, 202)
		res, body = f.request(t, "POST", "/v1/events", flatTips, "Authorization: Bearer slow", "Idempotency-Key: j")
		want(res, body, 422)
	}
	for range 3 { // and for what was published before there is no rate
		res, body = post("slow", 9, "Idempotency-Key: k")
		want(res, body, 202)
	}
	res, body = post("slow", 8, "Idempotency-Key: k")
	want(res, body, 422)

	emitted := 1 + 9
	for attempt := 0; ; attempt++ { // a slow machine may let some pass
		if res, body = post("slow", 10, "Idempotency-Key: l"+strconv.Itoa(attempt)); res.StatusCode != http.StatusAccepted {
			break
		}
		if emitted += 10; attempt == 100 {
			t.Fatal("the rate limits nothing")
		}
	}
	wantError(t, res, body, http.StatusTooManyRequests, "Retry-After")
	if wait, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 2 {
		t.Errorf("Retry-After is %q, want the whole seconds until 10 events may pass", res.Header.Get("Retry-After"))
	}
	if got := f.metric(t, "adic_events_emitted_total"); got != strconv.Itoa(emitted) {
		t.Errorf("%s events were emitted, want %d", got, emitted)
	}
	res, body = post("fast", 500)
	want(res, body, 202)
	if got := f.rejections(t, "publish_rate"); got != 2 {
		t.Errorf("%d rejections are counted, want 2", got)
	}
	eventually(t, "the rate lets the publisher go on", func() bool {
		res, _ := post("slow", 1)
		return res.StatusCode == http.StatusAccepted
	})
}
