package access_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Times are those of a fake clock, so the borders are exact.
func TestClaims(t *testing.T) {
	all := access.Grant{Types: event.Default().All(), Priorities: event.AllPriorities}
	with := func(change func(g *access.Grant)) access.Grant {
		g := all
		change(&g)
		return g
	}
	types := func(names ...string) event.TypeSet {
		set, _, err := event.Default().ParseTypes(names)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	tests := []struct {
		name, payload string // %d is now
		want          access.Grant
		err           string
	}{
		{name: "none", payload: `{}`, want: all},
		{name: "all", payload: `{"events":["all"],"priority":"all"}`, want: all},
		{name: "subject", payload: `{"sub":"alice"}`, want: with(func(g *access.Grant) { g.Subject = "alice" })},
		{name: "subject is a number", payload: `{"sub":7}`, err: "the sub claim is not a string"},
		{name: "names, aliases and prefixes", payload: `{"events":["TipsUpdated","vrf.*"]}`,
			want: with(func(g *access.Grant) { g.Types = types("TipsUpdated", "vrf.*") })},
		{name: "names with commas", payload: `{"events":"TipsUpdated, vrf.*"}`,
			want: with(func(g *access.Grant) { g.Types = types("TipsUpdated", "vrf.*") })},
		{name: "no events", payload: `{"events":[]}`, want: with(func(g *access.Grant) { g.Types = event.TypeSet{} })},
		{name: "empty event", payload: `{"events":""}`, err: "the events claim names what is no event type, alias or prefix here"},
		{name: "unknown event", payload: `{"events":["TipsUpdate"]}`, err: "the events claim names what is no event type, alias or prefix here"},
		{name: "null events", payload: `{"events":null}`, err: "the events claim is not an array of strings"},
		{name: "events is an object", payload: `{"events":{"all":true}}`, err: "the events claim is not an array of strings"},
		{name: "event is a number", payload: `{"events":["all",1]}`, err: "element 1 of the events claim is not a string"},
		{name: "another case", payload: `{"EVENTS":[],"Events":[]}`, want: all},
		{name: "priorities", payload: `{"priority":["high","low"]}`, want: with(func(g *access.Grant) { g.Priorities = event.PrioritySet(0).With(event.High).With(event.Low) })},
		{name: "priorities with commas", payload: `{"priority":"high,medium"}`, want: with(func(g *access.Grant) { g.Priorities = event.PrioritySet(0).With(event.High).With(event.Medium) })},
		{name: "no priorities", payload: `{"priority":[]}`, want: with(func(g *access.Grant) { g.Priorities = 0 })},
		{name: "empty priority", payload: `{"priority":""}`, err: "the priority claim holds an empty name"},
		{name: "unknown priority", payload: `{"priority":["urgent"]}`, err: "the priority claim names what is neither high, medium, low nor all"},

		{name: "ends", payload: `{"exp":%d+1}`, want: with(func(g *access.Grant) { g.Expires = in(31) })},
		{name: "ended within the leeway", payload: `{"exp":%d-29}`, want: with(func(g *access.Grant) { g.Expires = in(1) })},
		{name: "ended at the leeway", payload: `{"exp":%d-30}`, err: "the token has expired"},
		{name: "ended long ago", payload: `{"exp":1}`, err: "the token has expired"},
		{name: "ended in 1970", payload: `{"exp":0}`, err: "the exp claim is not a time in seconds since 1970"},
		{name: "ends in no year", payload: `{"exp":1e15}`, err: "the exp claim is not a time in seconds since 1970"},
		{name: "end is null", payload: `{"exp":null}`, err: "the claims of the token are malformed"},
		{name: "end is text", payload: `{"exp":"2999-01-01T00:00:00Z"}`, err: "the claims of the token are malformed"},
		{name: "begins within the leeway", payload: `{"nbf":%d+30}`, want: all},
		{name: "begins beyond the leeway", payload: `{"nbf":%d+31}`, err: "the token is not valid yet"},
		{name: "begins before 1970", payload: `{"nbf":-1}`, err: "the nbf claim is not a time in seconds since 1970"},
		{name: "audience where there is none", payload: `{"aud":"router"}`,
			err: "the token is for an audience, and this router has no name as one (auth.jwt_audience)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newJWT(t, config.Auth{JWTSecret: secret, JWTLeeway: 30 * time.Second})
				g, err := v.Authenticate(hs256(`{"alg":"HS256"}`, at(test.payload)))
				wantGrant(t, g, err, test.want, test.err)
			})
		})
	}
}

// in is a time on the clock of synctest.
func in(seconds int) time.Time {
	return time.Date(2000, 1, 1, 0, 0, seconds, 0, time.UTC)
}

// at replaces "%d+N" and "%d-N", where %d is now.
func at(payload string) string {
	name, rest, ok := strings.Cut(payload, "%d")
	if !ok {
		return payload
	}
	var offset int64
	must(fmt.Sscanf(rest, "%d", &offset))
	return fmt.Sprintf("%s%d}", name, time.Now().Unix()+offset)
}

func wantGrant(t *testing.T, g access.Grant, err error, want access.Grant, problem string) {
	t.Helper()
	if problem != "" {
		if !errors.Is(err, access.ErrDenied) || err.Error() != problem {
			t.Errorf("got %+v, %v, want %s", g, err, problem)
		}
		return
	}
	if !g.Expires.Equal(want.Expires) {
		t.Errorf("expires at %v, want %v", g.Expires, want.Expires)
	}
	g.Expires, want.Expires = time.Time{}, time.Time{}
	if err != nil || g != want {
		t.Errorf("got %+v, %v, want %+v", g, err, want)
	}
}

func TestAudienceAndIssuer(t *testing.T) {
	const missing = "the token lacks a claim that is required (aud or iss)"
	tests := []struct{ name, payload, err string }{
		{"both", `{"aud":"router","iss":"bank"}`, ""},
		{"one of several audiences", `{"aud":["other","router"],"iss":"bank"}`, ""},
		{"another audience", `{"aud":["other"],"iss":"bank"}`, "the token is for another audience"},
		{"a part of the audience", `{"aud":"route","iss":"bank"}`, "the token is for another audience"},
		{"no audience", `{"iss":"bank"}`, missing},
		{"audience is a number", `{"aud":7,"iss":"bank"}`, missing},
		{"another issuer", `{"aud":"router","iss":"Bank"}`, "the token is of another issuer"},
		{"no issuer", `{"aud":"router"}`, missing},
	}
	v := newJWT(t, config.Auth{JWTSecret: secret, JWTAudience: "router", JWTIssuer: "bank"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := v.Authenticate(hs256(`{"alg":"HS256"}`, test.payload))
			if got := fmt.Sprint(err); test.err != "" && got != test.err || test.err == "" && err != nil {
				t.Errorf("got %v, want %s", got, test.err)
			}
		})
	}
}

// Whatever the claims are, a token is taken or refused with a text of ours, and
// what it grants is within what there is.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"exp":99999999999,"nbf":1,"sub":"a","events":["all"],"priority":["high"]}`, `{"exp":1e308}`, `{"exp":-0}`,
		`{"events":"vrf.*,TipsUpdated","priority":"high,low"}`, `{"events":[[]],"priority":{}}`, `{"aud":[],"iss":""}`, `{"sub":null}`, `{"priority":[""]}`, `[`, ``,
	} {
		f.Add(seed)
	}
	v := newJWT(f, config.Auth{JWTSecret: secret, JWTLeeway: time.Second})
	f.Fuzz(func(t *testing.T, payload string) {
		g, err := v.Authenticate(hs256(`{"alg":"HS256"}`, payload))
		if err != nil {
			if !errors.Is(err, access.ErrDenied) || g != (access.Grant{}) {
				t.Errorf("got %+v, %v", g, err)
			}
			return
		}
		if !g.Types.Minus(event.Default().All()).IsEmpty() || g.Priorities&^event.AllPriorities != 0 {
			t.Errorf("grants what there is not: %+v", g)
		}
		if !g.Expires.IsZero() && !g.Expires.After(time.Now()) {
			t.Errorf("taken, and expired at %v", g.Expires)
		}
	})
}
