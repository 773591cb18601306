package actors

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// granted is a grant of the types named for a time, 0 for ever.
func granted(t testing.TB, lasts time.Duration, names ...string) Grant {
	g := Grant{Subject: "alice", Types: only(t, names...).Types, Priorities: event.AllPriorities}
	if lasts > 0 {
		g.Expires = time.Now().Add(lasts)
	}
	return g
}

// tokens are what the tokens of a test stand for. Others are refused.
type tokens map[string]Grant

func (ts tokens) verify(token string) (Grant, error) {
	if g, ok := ts[token]; ok {
		return g, nil
	}
	return Grant{}, errors.New("the signature of the token is not valid")
}

// connectGranted connects a WebSocket with a grant.
func (r *rig) connectGranted(s Subscription, g Grant, ts tokens) *client {
	r.t.Helper()
	c := newClient(r.t, unlimited, &wsDecoder{})
	options := c.options(s, FromNow())
	options.Grant, options.Verify = &g, ts.verify
	r.serveWS(c, WebSocket{Client: options})
	return c
}

func refreshWith(token string) string { return fmt.Sprintf(`{"type":"Refresh","token":%q}`, token) }

// What a client gets and may ask for is within its grant.
func TestSubscribeWithinTheGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := r.connectGranted(everything, granted(t, 0, "Alarm", "Tally", "Trace"), nil)
		c.expect("Subscribed Alarm Tally Trace")
		r.publish("Alarm", "Breach", "Quota", "Trace")
		c.expect("Alarm 1", "Trace 4")

		infos, _, err := r.Connections(t.Context(), ByLag, 1)
		if err != nil || len(infos) != 1 || infos[0].User != "alice" || infos[0].Subscription.All {
			t.Errorf("an operator is told %+v, %v", infos, err)
		}

		c.say(`{"type":"Subscribe","events":["Alarm","Breach","stat.*"]}`)
		c.expect("Error not allowed by the token: Breach, Quota")
		c.say(`{"type":"Subscribe","events":["all"]}`)
		c.expect("Error not allowed by the token: all")
		r.publish("Alarm", "Trace")
		c.expect("Alarm 5", "Trace 6") // nothing has changed

		c.say(`{"type":"Subscribe","events":["Tally"]}`)
		c.expect("Subscribed Tally") // all that is granted is narrowed, as all is
		c.say(`{"type":"Subscribe","events":["Alarm"]}`)
		c.expect("Subscribed Alarm Tally")
		r.publish("Alarm", "Trace", "Tally")
		c.expect("Alarm 7", "Tally 9")
	})
}

func TestGrantOfPriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		g := granted(t, 0, "all")
		g.Priorities = event.PrioritySet(0).With(event.High)
		c := r.connectGranted(everything, g, nil)
		c.expect("Subscribed all")
		c.say(`{"type":"Subscribe","events":["all"]}`)
		c.expect("Subscribed all")
		r.publish("Alarm", "Tally", "Trace")
		c.expect("Alarm 1")
	})
}

// A client is warned once, 30 s before the end or halfway, and closed at it.
func TestTokenExpires(t *testing.T) {
	tests := []struct {
		lasts, warned time.Duration
		warning       string
	}{
		{10 * time.Minute, 9*time.Minute + 30*time.Second, "Error the token expires in 30 s: send Refresh"},
		{time.Minute, 30 * time.Second, "Error the token expires in 30 s: send Refresh"},
		{20 * time.Second, 10 * time.Second, "Error the token expires in 10 s: send Refresh"},
		{time.Second, 500 * time.Millisecond, "Error the token expires in 1 s: send Refresh"},
	}
	for _, test := range tests {
		t.Run(test.lasts.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(s *Settings) { s.PingInterval = time.Hour })
				c := r.connectGranted(everything, granted(t, test.lasts, "all"), nil)
				c.expect("Subscribed all")
				const step = 2 * wheelStep // within which a deadline is met
				pass(test.warned - time.Millisecond)
				c.expect()
				pass(step)
				c.expect(test.warning)
				pass(test.lasts - test.warned - step)
				c.expect()
				pass(step)
				c.expect("close 4401")
				if c.ended() {
					t.Error("the client had no time to answer the close frame")
				}
				pass(lingerTime + step)
				if !c.ended() || c.gone != 1 {
					t.Errorf("closed %v, OnClose called %d times", c.ended(), c.gone)
				}
			})
		})
	}
}

func TestSSEEndsWithTheToken(t *testing.T) {
	for name, size := range map[string]int{"reading": unlimited, "not reading": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := newClient(t, size, &sseDecoder{})
				g := granted(t, time.Minute, "all")
				options := c.options(everything, FromNow())
				options.Grant = &g
				if err := r.ServeSSE(SSE{Client: options, Head: []byte(sseHead)}); err != nil {
					t.Fatal(err)
				}
				r.publish("10 Alarm")
				pass(59 * time.Second)
				if c.ended() {
					t.Fatal("the stream has ended before the token")
				}
				pass(time.Second + lingerTime + 2*wheelStep)
				if !c.ended() || c.gone != 1 {
					t.Error("the stream has not ended with the token")
				}
				if size == unlimited {
					got := short(c.pull())
					if last := got[len(got)-1]; last != "comment the token has expired" {
						t.Errorf("the last word is %q", last)
					}
				}
			})
		})
	}
}

func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.PingInterval = time.Hour })
		other := granted(t, time.Hour, "all")
		other.Subject = "mallory"
		high := granted(t, 0, "Alarm", "Tally")
		high.Priorities = event.PrioritySet(0).With(event.High)
		ts := tokens{
			"longer": granted(t, 2*time.Minute, "all"), "other": other, "shorter": granted(t, 70*time.Second, "all"),
			"less": granted(t, time.Hour, "Alarm", "Tally"), "high": high,
		}
		c := r.connectGranted(everything, granted(t, time.Minute, "all"), ts)
		c.expect("Subscribed all")
		for _, bad := range []struct{ text, want string }{
			{refreshWith("forged"), "Error the signature of the token is not valid; the one before is still in force"},
			{refreshWith("other"), "Error the token is of another subject; the one before is still in force"},
			{`{"type":"Refresh"}`, `Error Refresh needs "token", a new token`},
			{`{"type":"Refresh","token":7}`, `Error expected a JSON object such as {"type":"Subscribe","events":["TipsUpdated"]}`},
		} {
			c.say(bad.text)
			c.expect(bad.want)
		}
		pass(30*time.Second + 2*wheelStep)
		c.expect("Error the token expires in 30 s: send Refresh")
		c.say(refreshWith("longer"))
		c.expect("Refreshed 2000-01-01T00:02:00Z")
		pass(30 * time.Second) // to the end of the first token
		c.expect()
		c.say(refreshWith("shorter"))
		c.expect("Refreshed 2000-01-01T00:01:10Z")
		pass(5 * time.Second)
		c.expect("Error the token expires in 5 s: send Refresh")

		c.say(refreshWith("less"))
		c.expect("Refreshed 2000-01-01T01:00:00Z", "Unsubscribed Alarm Tally")
		r.publish("Alarm", "Breach", "Tally")
		c.expect("Alarm 1", "Tally 3")
		c.say(refreshWith("high"))
		c.expect("Refreshed", "Unsubscribed Alarm")
		r.publish("Alarm", "Tally")
		c.expect("Alarm 4")
		pass(2 * time.Hour) // no end
		c.expect("ping", "ping")
		c.say(`{"type":"Subscribe","events":["Breach"]}`)
		c.expect("Error not allowed by the token: Breach")
	})
}

// A poll sees what its grant allows, and waits no longer than that lasts.
func TestPollWithinTheGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		g := granted(t, 5*time.Second, "Alarm", "Tally")
		r.publish("Alarm", "Breach")
		poll := Poll{Subscription: everything, Start: FromEarliest(), Limit: 10, Grant: &g}
		if answer := r.Poll(t.Context(), poll); len(answer.Events) != 1 || answer.Events[0].Name() != "Alarm" {
			t.Errorf("got %v", answer.Events)
		}
		poll.Start, poll.Wait = FromNow(), time.Minute
		began := time.Now()
		if r.Poll(t.Context(), poll); time.Since(began) != 5*time.Second {
			t.Errorf("the poll waited for %v", time.Since(began))
		}
	})
}

// What waits for a client is not sent any more once it may not see it.
func TestRefreshTakesAwayWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.PingInterval = time.Hour })
		c := newClient(t, 300, &wsDecoder{})
		g := granted(t, 0, "all")
		options := c.options(everything, FromNow())
		options.Grant, options.Verify = &g, tokens{"less": granted(t, 0, "Alarm")}.verify
		r.serveWS(c, WebSocket{Client: options})
		r.publish("5 Trace", "Alarm", "5 Breach")
		c.say(refreshWith("less"))
		refreshed := false
		for _, m := range c.pull() {
			text := m.String()
			if refreshed && text != "Unsubscribed Alarm" && text != "Alarm 6" {
				t.Errorf("%s came after Refreshed", text)
			}
			refreshed = refreshed || text == "Refreshed"
		}
		if !refreshed {
			t.Error("no Refreshed")
		}
	})
}

func TestRefreshWhereAnyoneMaySubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRig(t).connect(everything, FromNow())
		c.say(refreshWith("any"))
		c.expect("Error there is no token to refresh: anyone may subscribe here")
	})
}
