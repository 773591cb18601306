package access

import (
	"errors"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

var all = []string{"all"}

func mustTokens(t *testing.T, auth config.Auth, before *Tokens) *Tokens {
	t.Helper()
	tokens, err := NewTokens(auth, event.Default(), before)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func types(t *testing.T, names ...string) event.TypeSet {
	t.Helper()
	set, _, err := event.Default().ParseTypes(names)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestPublisher(t *testing.T) {
	a, b, s := NewToken(), NewToken(), NewToken()
	tokens := mustTokens(t, config.Auth{
		PublishToken: "plain",
		Publisher: map[string]config.Publisher{
			"a": {Token: HashToken(a), Events: all},
			"b": {Token: HashToken(b), Events: []string{"MessageAdded", "vrf.*"}, Rate: 10},
		},
		Subscriber: map[string]config.Subscriber{"s": {Token: HashToken(s), Events: all, Priority: all}},
	}, nil)
	tests := []struct {
		name, token, publisher string
		types                  event.TypeSet
		burst                  int
	}{
		{"first table", a, "a", types(t, "all"), 0},
		{"last table", b, "b", types(t, "MessageAdded", "vrf.*"), 20},
		{"the plain one", "plain", "auth.publish_token", types(t, "all"), 0},
		{"a subscriber's", s, "", event.TypeSet{}, 0},
		{"nobody's", NewToken(), "", event.TypeSet{}, 0},
		{"none", "", "", event.TypeSet{}, 0},
		{"a hash is no token", HashToken(a), "", event.TypeSet{}, 0},
		{"more than the token", a + "A", "", event.TypeSet{}, 0},
		{"less than the token", a[:len(a)-1], "", event.TypeSet{}, 0},
		{"another case", strings.ToUpper(a), "", event.TypeSet{}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := tokens.Publisher(test.token)
			if test.publisher == "" {
				wantDenied(t, err, test.token)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != test.publisher || p.Types != test.types || p.Rate.Burst() != test.burst {
				t.Errorf("it is %s for %d types with a burst of %d, want %s for %d with %d",
					p.Name, p.Types.Len(), p.Rate.Burst(), test.publisher, test.types.Len(), test.burst)
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	s, p := NewToken(), NewToken()
	tokens := mustTokens(t, config.Auth{
		PublishToken: "plain",
		Publisher:    map[string]config.Publisher{"p": {Token: HashToken(p), Events: all}},
		Subscriber: map[string]config.Subscriber{
			"explorer": {Token: HashToken(s), Events: []string{"MessageAdded"}, Priority: []string{"high", "low"}}},
	}, nil)
	got, err := tokens.Authenticate(s)
	want := Grant{Subject: "explorer", Types: types(t, "MessageAdded"), Priorities: event.PrioritySet(0).With(event.High).With(event.Low)}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, token := range []string{p, "plain", NewToken(), ""} {
		_, err := tokens.Authenticate(token)
		wantDenied(t, err, token)
	}
}

// wantDenied expects an error that does not show the token.
func wantDenied(t *testing.T, err error, token string) {
	t.Helper()
	if !errors.Is(err, ErrDenied) {
		t.Errorf("got %v, want it denied", err)
	} else if token != "" && strings.Contains(err.Error(), token) {
		t.Errorf("the error shows the token: %v", err)
	}
}

func TestBadTables(t *testing.T) {
	token := NewToken()
	tests := []struct {
		name string
		auth config.Auth
		want string
	}{
		{"unknown type", config.Auth{Publisher: map[string]config.Publisher{"a": {Token: HashToken(token), Events: []string{"MesageAdded"}}}},
			`auth.publisher.a.events: unknown event type "MesageAdded" (did you mean "MessageAdded"?)`},
		{"unknown type of a subscriber", config.Auth{Subscriber: map[string]config.Subscriber{"a": {Token: HashToken(token), Events: []string{"x.*"}, Priority: all}}},
			`auth.subscriber.a.events: unknown event type "x.*"`},
		{"plain token of a table", config.Auth{PublishToken: token, Publisher: map[string]config.Publisher{"a": {Token: HashToken(token), Events: all}}},
			"auth.publish_token: is the token of a table"},
		{"the hash of nothing", config.Auth{Publisher: map[string]config.Publisher{"a": {Token: HashToken(""), Events: all}}},
			"auth.publisher.a.token: this is the hash of no token"},
		{"no hash", config.Auth{Publisher: map[string]config.Publisher{"a": {Token: token, Events: all}}},
			"auth.publisher.a.token: no hash"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewTokens(test.auth, event.Default(), nil)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A reload forgives nobody what they have published, unless their rate changes.
func TestRatesGoOn(t *testing.T) {
	auth := func(kept, changed int) config.Auth {
		return config.Auth{Publisher: map[string]config.Publisher{
			"kept":    {Token: HashToken("a"), Events: all, Rate: kept},
			"changed": {Token: HashToken("b"), Events: all, Rate: changed}}}
	}
	before := mustTokens(t, auth(5, 5), nil)
	after := mustTokens(t, auth(5, 6), before)
	for token, same := range map[string]bool{"a": true, "b": false} {
		was, err := before.Publisher(token)
		if err != nil {
			t.Fatal(err)
		}
		is, err := after.Publisher(token)
		if err != nil {
			t.Fatal(err)
		}
		if (was.Rate == is.Rate) != same {
			t.Errorf("%s: the rate is the same one: %t", is.Name, !same)
		}
	}
}
