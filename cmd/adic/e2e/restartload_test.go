package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// messageAdded declares the type that a crowd publishes.
const messageAdded = `{"name":"MessageAdded","alias":"message.new","priority":"high","fields":[
	{"name":"message_id","type":"string"},{"name":"depth","type":"uint"},{"name":"timestamp","type":"timestamp"}]}`

// Restarts under load, with the socket held by systemd, are waits and not errors:
// nobody is refused, streams are closed with a word and one after the other, all
// resume, and all get all that was accepted, by whichever router. That is also how a
// catalogue is replaced.
func TestRestartsUnderLoadRefuseNobody(t *testing.T) {
	const each, restarts = 40, 3
	const drain = 2 * time.Second
	catalogue := filepath.Join(t.TempDir(), "events.json")
	mustWrite(t, catalogue, `{"events":[`+messageAdded+`]}`)
	flags := []string{"--stream.drain_timeout", drain.String(), "--events.high_priority_buffer", "60000", "--events.catalogue", catalogue}
	held := holdSocket(t)
	c := newCrowd(t, held.addr)
	r := held.start(t, flags...)
	const added = `{"type":"train.departs","platform":9}`
	if status, err := c.request(http.MethodPost, "/v1/events", added); status != http.StatusBadRequest || err != nil {
		t.Errorf("a type that is not in the catalogue is answered with %d, %v", status, err)
	}
	c.follow(t, each)
	c.visit(4)
	c.publish(2)

	for n := range restarts {
		before := c.count()
		eventually(t, "events are published", func() bool { return c.count() >= before+500 })
		r.terminate()
		if r.err != nil {
			t.Errorf("a router ended with %v", r.err)
		}
		mustWrite(t, catalogue, `{"events":[`+messageAdded+`,{"name":"Departure","alias":"train.departs","priority":"low",
			"fields":[{"name":"platform","type":"uint"},{"name":"timestamp","type":"timestamp"}]}]}`)
		r = held.start(t, flags...)
		c.awaitStreams(t, n+2)
	}
	before := c.count()
	eventually(t, "events are published", func() bool { return c.count() >= before+500 })
	r.publish(t, added)
	c.hush(t)
	c.wantAll(t)
	c.leave()

	for _, what := range c.refused {
		t.Errorf("refused: %s", what)
	}
	t.Logf("%d events, %d visits, %d requests were asked to come again", len(c.accepted), c.visits, c.turned)
	if c.turned > 0 {
		t.Errorf("%d requests on new connections were answered with 503", c.turned)
	}
	retries := make(map[time.Duration]int)
	for i, f := range c.followers {
		if len(f.ends) != restarts || f.lost != restarts {
			t.Errorf("client %d was closed %d times and told %d times that the stream is another one, want %d", i, len(f.ends), f.lost, restarts)
		}
		for _, e := range f.ends {
			switch {
			case i%2 == 0 && e.code != 1001:
				t.Errorf("client %d was closed with %d", i, e.code)
			case i%2 == 1 && e.retry < time.Second:
				t.Errorf("client %d was told to come back after %v", i, e.retry)
			}
			retries[e.retry.Round(10*time.Millisecond)]++
		}
	}
	if len(retries) < each/4 {
		t.Errorf("EventSources come back at the same times: %v", retries)
	}
	for n := range restarts {
		wantSpread(t, c, n, drain)
	}
}

// wantSpread fails the test unless the n-th ends of the streams are spread over the
// drain: after 1, 2 and 3 quarters about as many are closed.
func wantSpread(t *testing.T, c *crowd, n int, drain time.Duration) {
	t.Helper()
	var times []time.Time
	for _, f := range c.followers {
		if len(f.ends) > n {
			times = append(times, f.ends[n].at)
		}
	}
	if len(times) == 0 {
		return
	}
	slices.SortFunc(times, time.Time.Compare)
	first, last := times[0], times[len(times)-1]
	middle := times[len(times)/2]
	t.Logf("%d streams were closed within %v, half of them within %v", len(times), last.Sub(first), middle.Sub(first))
	if last.Sub(first) < drain/2 || middle.Sub(first) < drain/6 {
		t.Errorf("%d streams were closed within %v, half of them within %v, want them spread over %v",
			len(times), last.Sub(first), middle.Sub(first), drain)
	}
}
