package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

func TestIdempotencyKey(t *testing.T) {
	f := startFront(t, overTCP, publishers(map[string]config.Publisher{"other": {}}))
	const other = "Authorization: Bearer other"
	batch := flatAdded + "\n" + flatAdded
	tests := []struct {
		name, body, token string
		keys              []string
		status            int
		replayed          string
	}{
		{"the first time", batch, bearer, []string{"k"}, 202, ""},
		{"again", batch, bearer, []string{"k"}, 202, "true"},
		{"and again", batch, bearer, []string{"k"}, 202, "true"},
		{"another body", flatAdded, bearer, []string{"k"}, 422, ""},
		{"another body that is wrong", "hello", bearer, []string{"k"}, 400, ""},
		{"another publisher", flatAdded, other, []string{"k"}, 202, ""},
		{"no key", batch, bearer, nil, 202, ""},
		{"a refused batch", `{"type":"Nope"}`, bearer, []string{"l"}, 400, ""},
		{"its key, put right", batch, bearer, []string{"l"}, 202, ""},
		{"quotes are a part of it", batch, bearer, []string{`"l"`}, 202, ""},
		{"the longest", batch, bearer, []string{strings.Repeat("~", 128)}, 202, ""},
		{"one too long", batch, bearer, []string{strings.Repeat("~", 129)}, 400, ""},
		{"empty", batch, bearer, []string{""}, 400, ""},
		{"with a space", batch, bearer, []string{"a b"}, 400, ""},
		{"not ASCII", batch, bearer, []string{"schlüssel"}, 400, ""},
		{"two", batch, bearer, []string{"m", "m"}, 400, ""},
		{"without a token", batch, "Accept: */*", []string{"k"}, 401, ""},
	}
	emitted := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{tt.token}
			for _, key := range tt.keys {
				headers = append(headers, "Idempotency-Key: "+key)
			}
			res, body := f.request(t, "POST", "/v1/events", tt.body, headers...)
			if tt.status != http.StatusAccepted {
				wantError(t, res, body, tt.status)
				wantHeaders(t, res, "Idempotency-Replayed: ")
				return
			}
			n := strings.Count(tt.body, "type")
			if want := fmt.Sprintf(`{"accepted":%d}`, n); res.StatusCode != tt.status || body != want {
				t.Fatalf("answer = %d %s, want 202 %s", res.StatusCode, body, want)
			}
			wantHeaders(t, res, "Idempotency-Replayed: "+tt.replayed)
			if tt.replayed == "" {
				emitted += n
			}
		})
	}
	if got := f.metric(t, "adic_events_emitted_total"); got != fmt.Sprint(emitted) {
		t.Errorf("%s events were emitted, want %d", got, emitted)
	}
	if got := f.metric(t, "adic_publish_replays_total"); got != "2" {
		t.Errorf("%s replays are counted, want 2", got)
	}
	if got := f.rejections(t, "idempotency_key_reused"); got != 1 {
		t.Errorf("%d reused keys are counted, want 1", got)
	}
}

// Who sends no key pays nothing for those who do.
func TestNoIdempotencyKeyCostsNothing(t *testing.T) {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.Set("Authorization", "Bearer x")
	ctx.Request.SetBodyString(flatAdded)
	who := &access.Publisher{Name: "node1"}
	if n := testing.AllocsPerRun(100, func() {
		if key, err := idempotencyKey(&ctx, who); key != nil || err != nil {
			t.Errorf("got %v, %v", key, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// While the router drains, a repeated batch is put off like any other: its key is
// not lost, and neither is it answered wrong.
func TestReplayToAnotherRouter(t *testing.T) {
	f := startFront(t, overTCP)
	f.draining.Store(true)
	res, body := f.request(t, "POST", "/v1/events", flatAdded, bearer, "Idempotency-Key: k")
	wantError(t, res, body, http.StatusServiceUnavailable)
	f.draining.Store(false)
	res, body = f.request(t, "POST", "/v1/events", flatAdded, bearer, "Idempotency-Key: k")
	if wantHeaders(t, res, "Idempotency-Replayed: "); res.StatusCode != http.StatusAccepted {
		t.Errorf("answered with %d %s", res.StatusCode, body)
	}
}

// Publishers send each batch over several connections at once, and some hang up
// before they read the answer. All that read one read the same, and every batch is
// emitted exactly once.
func TestRetriesAreEmittedOnce(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.Events.HighPriorityBuffer = 10_000 })
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		type attempt struct {
			batch  int
			hangUp bool
		}
		attempts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) attempt {
			return attempt{rapid.IntRange(0, 3).Draw(t, "batch"), rapid.Bool().Draw(t, "hang up")}
		}), 1, 16).Draw(rt, "attempts")
		since := f.poll(t, "").Cursor
		id := func(batch int) string { return fmt.Sprintf("%d-%d", round, batch) }
		event := func(batch int) string { return strings.Replace(flatAdded, "ab12", id(batch), 1) }
		send := func(a attempt) {
			c := f.dial(t)
			defer c.Close()
			c.send(fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: router\r\n%s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
				bearer, id(a.batch), len(event(a.batch)), event(a.batch)))
			if a.hangUp {
				if err := c.tcp.SetLinger(0); err != nil {
					t.Error(err)
				}
				return
			}
			if res, body := c.response(); res.StatusCode != http.StatusAccepted || body != `{"accepted":1}` {
				t.Errorf("answered with %d %s", res.StatusCode, body)
			}
		}
		var all sync.WaitGroup
		for _, a := range attempts {
			all.Go(func() { send(a) })
		}
		all.Wait()
		want := map[string]bool{}
		for _, a := range attempts { // who hung up asks again
			send(attempt{batch: a.batch})
			want[event(a.batch)] = true
		}
		eventually(t, "all batches are there", func() bool { return len(f.poll(t, "since="+since).Events) >= len(want) })
		got := f.poll(t, "since="+since).Events
		if len(got) != len(want) {
			t.Errorf("%d events were emitted of %d batches", len(got), len(want))
		}
		for _, e := range got {
			if !want[string(e)] {
				t.Errorf("%s was not published", e)
			}
		}
	})
}
