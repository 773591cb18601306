package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

// events is the names of events of a type, from one number to another.
func events(name string, from, to int) (want []string) {
	for n := from; n <= to; n++ {
		want = append(want, fmt.Sprintf("%s %d", name, n))
	}
	return want
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// only is options for one transport.
func only(t Transport) Options { return Options{Transports: []Transport{t}} }

func TestEvents(t *testing.T) {
	for _, over := range Transports() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			n := startNode(t)
			c := follow(t, n.url(), only(over))
			c.connected(t, over)
			n.publish("TipsUpdated", 2)
			n.publish("AdmissibilityUpdated", 2)
			want(t, "what was published", c.next(t, 4), append(events("TipsUpdated", 1, 2), events("AdmissibilityUpdated", 3, 4)...))
			s := c.State()
			if s.Events != 4 || s.LastEvent.IsZero() || s.Reconnects != 0 || s.Err != nil {
				t.Errorf("%+v", s)
			}
			n.publish("TipsUpdated", 1)
			var id string
			for e := range c.Events(t.Context()) { // a second iteration goes on
				want(t, "the next one", []string{short(e)}, []string{"TipsUpdated 5"})
				id = e.ID
				break
			}
			if got := c.State().Cursor; got != id {
				t.Errorf("the cursor is %s, that of the event %s", got, id)
			}
			c.Close()
			want(t, "at the end", c.next(t, 1), []string{ErrClosed.Error()})
			if s := c.State(); s.Status != Closed {
				t.Errorf("status %s", s.Status)
			}
		})
	}
}

// What is emitted while there is no connection comes later, each once, from the very
// beginning: even before the first event.
func TestResumes(t *testing.T) {
	for _, over := range Transports() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			n := startNode(t)
			c := follow(t, n.url(), only(over))
			c.connected(t, over)
			n.gate.bar(true)
			n.publish("TipsUpdated", 3)
			eventually(t, "not connected", func() bool { return c.State().Status != Connected })
			n.gate.bar(false)
			want(t, "after the first cut", c.next(t, 3), events("TipsUpdated", 1, 3))
			for i := range 5 {
				n.publish("TipsUpdated", 4)
				n.gate.cut()
				n.publish("TipsUpdated", 4)
				first := 4 + 8*i
				want(t, "after a cut", c.next(t, 8), events("TipsUpdated", first, first+7))
			}
			if over != Polling && c.State().Reconnects < 5 {
				t.Errorf("%+v", c.State())
			}
		})
	}
}

// A transport that is switched off is done without, and taken again when it is back.
// Nothing is lost or repeated on the way.
func TestFallsBackAndReturns(t *testing.T) {
	n := startNode(t)
	c := follow(t, n.url(), Options{})
	c.connected(t, WebSocket)
	at := 0
	for _, step := range []struct {
		websocket, sse bool
		want           Transport
	}{
		{true, true, WebSocket}, {false, true, SSE}, {false, false, Polling}, {false, true, SSE}, {true, true, WebSocket},
		{false, false, Polling}, {true, true, WebSocket},
	} {
		n.Change(func(cfg *config.Config) { cfg.API.EnableWebSocket, cfg.API.EnableSSE = step.websocket, step.sse })
		if step.want != WebSocket {
			n.gate.cut()
		}
		n.publish("TipsUpdated", 3)
		c.connected(t, step.want)
		n.publish("TipsUpdated", 3)
		want(t, fmt.Sprintf("over %s", step.want), c.next(t, 6), events("TipsUpdated", at+1, at+6))
		at += 6
	}
}

func TestGaps(t *testing.T) {
	for _, over := range Transports() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			n := startNode(t, func(cfg *config.Config) { cfg.Events.LowPriorityBuffer = 3 })
			c := follow(t, n.url(), only(over))
			c.connected(t, over)
			n.publish("AdmissibilityUpdated", 1)
			c.next(t, 1)
			n.gate.bar(true)
			n.publish("AdmissibilityUpdated", 10)
			eventually(t, "all are in the ring", func() bool {
				end, err := Present(t.Context(), n.URL(), Options{})
				return err == nil && strings.HasSuffix(end, "-b")
			})
			n.gate.bar(false)
			want(t, "after too long", c.next(t, 4), append([]string{"lost 7 low events"}, events("AdmissibilityUpdated", 9, 11)...))
			// A cursor of another stream.
			o := only(over)
			o.Since = "00000000abcd-1-1-1"
			want(t, "a lost stream", follow(t, n.url(), o).next(t, 2),
				[]string{"lost an unknown number of high, an unknown number of medium, an unknown number of low events", "AdmissibilityUpdated 9"})
			o.Since = "earliest"
			want(t, "from the earliest", follow(t, n.url(), o).next(t, 3), events("AdmissibilityUpdated", 9, 11))
		})
	}
}

func TestSubscribe(t *testing.T) {
	for _, over := range Transports() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			n := startNode(t)
			c := follow(t, n.url(), only(over))
			c.connected(t, over)
			do := func(change func(context.Context, ...string) error, names ...string) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := change(ctx, names...); err != nil {
					t.Fatal(err)
				}
				c.connected(t, over)
			}
			one := func() {
				n.publish("TipsUpdated", 1)
				n.publish("KCoreUpdated", 1)
				n.publish("AdmissibilityUpdated", 1)
			}
			do(c.Subscribe, "kcore.update") // narrows
			one()
			want(t, "narrowed", c.next(t, 1), []string{"KCoreUpdated 2"})
			do(c.Subscribe, "TipsUpdated")
			n.gate.cut() // the set outlives the connection
			one()
			want(t, "added", c.next(t, 2), []string{"TipsUpdated 4", "KCoreUpdated 5"})
			do(c.Unsubscribe, "kcore.*")
			one()
			want(t, "taken away", c.next(t, 1), []string{"TipsUpdated 7"})
			do(c.Subscribe, "all")
			do(c.Unsubscribe, "TipsUpdated")
			one()
			want(t, "all but one", c.next(t, 2), []string{"KCoreUpdated 11", "AdmissibilityUpdated 12"})
			if err := c.Unsubscribe(t.Context(), "all"); err != nil {
				t.Fatal(err)
			}
			one()
			n.gate.cut()
			one()
			do(c.Subscribe, "AdmissibilityUpdated")
			one()
			want(t, "after nothing", c.next(t, 1), []string{"AdmissibilityUpdated 21"})
			if err := c.Subscribe(t.Context(), "Nonsense"); err == nil {
				t.Error("an unknown name was taken")
			} else {
				t.Log(err)
			}
		})
	}
}

// Trying again does not help: the iteration ends with what the router says.
func TestFinalErrors(t *testing.T) {
	n := startNode(t, func(cfg *config.Config) {
		cfg.Auth.Subscribe = "token"
		cfg.Auth.Subscriber = map[string]config.Subscriber{"me": {Token: access.HashToken("let-me-in-0123456789")}}
	})
	for name, test := range map[string]struct {
		o    Options
		code int
	}{
		"no token":        {Options{}, 401},
		"a wrong token":   {Options{Token: StaticToken("wrong")}, 401},
		"an unknown type": {Options{Events: []string{"Nonsense"}, Token: StaticToken("let-me-in-0123456789")}, 400},
	} {
		for _, over := range append(Transports(), "") {
			t.Run(name+" "+string(over), func(t *testing.T) {
				o := test.o
				if over != "" {
					o.Transports = []Transport{over}
				}
				_, err := Dial(t.Context(), n.url(), o)
				var refusal *StatusError
				if !errors.As(err, &refusal) || refusal.Code != test.code || refusal.Message == "" {
					t.Errorf("Dial: %v", err)
				}
				o.Since = "earliest" // goes straight to the stream
				for _, err := range follow(t, n.url(), o).Events(t.Context()) {
					if !errors.As(err, &refusal) || refusal.Code != test.code {
						t.Errorf("Events: %v", err)
					}
				}
			})
		}
	}
	c, err := Dial(t.Context(), n.url(), Options{Token: StaticToken("let-me-in-0123456789")})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestBadOptions(t *testing.T) {
	for name, test := range map[string]struct {
		url string
		o   Options
	}{
		"no scheme":       {"localhost:9121", Options{}},
		"another scheme":  {"ftp://localhost", Options{}},
		"no host":         {"http://", Options{}},
		"a query":         {"http://localhost?token=x", Options{}},
		"no URL":          {"http://local host", Options{}},
		"transport":       {"http://localhost", Options{Transports: []Transport{"pigeon"}}},
		"negative buffer": {"http://localhost", Options{Buffer: -1}},
		"cursor":          {"http://localhost", Options{Since: "yesterday"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(test.url, test.o)
			if err == nil {
				c.Close()
				t.Fatal("taken")
			}
			t.Log(err)
		})
	}
}

// A router that is not there yet is waited for by Open, and an error to Dial.
func TestRouterAway(t *testing.T) {
	n := startNode(t)
	n.gate.bar(true)
	if _, err := Dial(t.Context(), n.url(), Options{}); err == nil {
		t.Error("Dial has reached nobody")
	}
	c := follow(t, n.url(), Options{})
	eventually(t, "an attempt has failed", func() bool { return c.State().Err != nil })
	if s := c.State(); s.Status == Connected {
		t.Errorf("%+v", s)
	}
	n.gate.bar(false)
	c.connected(t, WebSocket)
	n.publish("TipsUpdated", 1)
	want(t, "then", c.next(t, 1), events("TipsUpdated", 1, 1))
}

// The consumer is slow: what becomes of the events is for the policy.
func TestPolicies(t *testing.T) {
	for name, test := range map[string]struct {
		policy Policy
		want   []string
	}{
		"block": {Block, append(append(events("TipsUpdated", 1, 3), events("AdmissibilityUpdated", 4, 6)...), events("KCoreUpdated", 7, 9)...)},
		"drop":  {DropOldest, append(append([]string{"lost 2 medium, 3 low events here, because they were not taken fast enough"}, events("TipsUpdated", 1, 3)...), "KCoreUpdated 9")},
		"fail":  {Fail, append(events("TipsUpdated", 1, 3), "AdmissibilityUpdated 4", ErrTooSlow.Error())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t)
			c := follow(t, n.url(), Options{Buffer: 4, WhenFull: test.policy, Transports: []Transport{WebSocket}})
			c.connected(t, WebSocket)
			for i, name := range []string{"TipsUpdated", "AdmissibilityUpdated", "KCoreUpdated"} {
				n.publish(name, 3)
				if test.policy != Block { // or the router might send high ones first
					eventually(t, "they have come", func() bool {
						s := c.State()
						return s.Events == uint64(3*i+3) || s.Status == Closed
					})
				}
			}
			if test.policy == Fail {
				eventually(t, "it has ended", func() bool { return c.State().Status == Closed })
			}
			got := c.next(t, len(test.want))
			if test.policy == Block { // then the router chooses what to send first
				slices.Sort(got)
				slices.Sort(test.want)
			}
			want(t, name, got, test.want)
		})
	}
}
