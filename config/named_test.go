package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Hashes of tokens. Nobody holds a token of these.
var (
	hashA = "sha256:" + strings.Repeat("a", 64)
	hashB = "sha256:" + strings.Repeat("b", 64)
)

func TestNamedTables(t *testing.T) {
	publisher := func(hash string) Publisher { return Publisher{Token: hash, Events: []string{"all"}} }
	tests := []struct {
		name, file string
		want       Auth
	}{
		{"defaults", "[auth.publisher.node1]\ntoken = '" + hashA + "'",
			Auth{Publisher: map[string]Publisher{"node1": publisher(hashA)}}},
		{"all keys, among those of the section", "[auth]\npublish_token = 'x'\n[auth.publisher.node-1]\nrate = 50\nevents = ['MessageAdded', 'vrf.*']\ntoken = '" + hashA + "'",
			Auth{PublishToken: "x", Publisher: map[string]Publisher{"node-1": {hashA, []string{"MessageAdded", "vrf.*"}, 50}}}},
		{"several, with their head", "[auth.publisher]\n[auth.publisher.b]\ntoken = '" + hashB + "'\n[auth.publisher.a]\ntoken = '" + hashA + "'",
			Auth{Publisher: map[string]Publisher{"a": publisher(hashA), "b": publisher(hashB)}}},
		{"subscriber", "[auth.subscriber.explorer]\ntoken = '" + hashA + "'\npriority = ['high', 'low']",
			Auth{Subscriber: map[string]Subscriber{"explorer": {hashA, []string{"all"}, []string{"high", "low"}}}}},
		{"one token for both", "[auth.publisher.a]\ntoken = '" + hashA + "'\n[auth.subscriber.a]\ntoken = '" + hashA + "'",
			Auth{Publisher: map[string]Publisher{"a": publisher(hashA)}, Subscriber: map[string]Subscriber{"a": {hashA, []string{"all"}, []string{"all"}}}}},
		{"as values", "auth = { publisher = { a = { token = '" + hashA + "' } } }",
			Auth{Publisher: map[string]Publisher{"a": publisher(hashA)}}},
		{"as dotted keys", "[auth]\npublisher.a.token = '" + hashA + "'\npublisher.a.rate = 1",
			Auth{Publisher: map[string]Publisher{"a": {hashA, []string{"all"}, 1}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := Default()
			want.Auth.PublishToken = test.want.PublishToken
			want.Auth.Publisher, want.Auth.Subscriber = test.want.Publisher, test.want.Subscriber
			loaded, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(loaded.Config, want) {
				t.Errorf("got  %+v\nwant %+v", loaded.Config.Auth.Publisher, want.Auth.Publisher)
			}
		})
	}
}

func TestNamedTableOrigins(t *testing.T) {
	loaded, err := load(Sources{File: "adic.toml"}, []byte("[auth.publisher.a]\nrate = 5\ntoken = '"+hashA+"'"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"rate": "file adic.toml:2", "token": "file adic.toml:3", "events": "default"} {
		if got, ok := loaded.Origin["auth.publisher.a."+key]; !ok || got.String() != want {
			t.Errorf("%s comes from %v, want %s", key, got, want)
		}
	}
}

func TestBadNamedTables(t *testing.T) {
	const s = "s46371" // stands where a token may stand, and must not be shown
	tests := []struct {
		name, file string
		want       []string
	}{
		{"misspelt key", "[auth.publisher.node1]\ntoken = '" + hashA + "'\nrat = 5", []string{
			"3: auth.publisher.node1.rat: unknown key (did you mean auth.publisher.node1.rate?)"}},
		{"key unlike any other", "[auth.subscriber.a]\nx = '" + s + "'\ntoken = '" + hashA + "'", []string{
			"2: auth.subscriber.a.x: unknown key ([auth.subscriber.a] has token, events, priority)"}},
		{"misspelt tables", "[auth.publishers.a]\ntoken = '" + s + "'", []string{
			"1: auth.publishers: unknown key (did you mean [auth.publisher.NAME]?)"}},
		{"no token", "\n[auth.publisher.a]\nrate = 5", []string{
			"2: auth.publisher.a.token: there is no token (write the hash that 'adic token new' prints beside the token, or 'adic token hash' of a token)"}},
		{"the token itself", "[auth.publisher.a]\ntoken = '" + s + "'", []string{
			"2: auth.publisher.a.token: its value is not sha256: and 64 hexadecimal digits in lower case (write the hash that 'adic token new' prints beside the token, or 'adic token hash' of a token)"}},
		{"a number for a token", "[auth.publisher.a]\ntoken = 46371", []string{
			"2: auth.publisher.a.token: its value is not a string (put it in quotes)"}},
		{"no name", "[auth.publisher]\ntoken = '" + s + "'", []string{
			"2: auth.publisher.token: is not a table (write [auth.publisher.NAME], with a name of your choice, and token, events, rate in the lines below)"}},
		{"not tables", "[auth]\npublisher = '" + s + "'", []string{
			"2: auth.publisher: is not a table (write [auth.publisher.NAME], with a name of your choice, and token, events, rate in the lines below)"}},
		{"list of tables", "[[auth.publisher]]\nname = 'a'\n[[auth.publisher]]\nname = 'b'", []string{
			"1: auth.publisher: is not a table (write [auth.publisher.NAME], with a name of your choice, and token, events, rate in the lines below)"}},
		{"bad names, each told once", "[auth.publisher.'a b']\ntoken = '" + s + "'\nrate = 1\n[auth.publisher.'']\n[auth.publisher." + strings.Repeat("a", 65) + "]", []string{
			`1: auth.publisher."a b": no name for a table (use 1 to 64 letters, digits, dashes and underscores)`,
			`4: auth.publisher."": no name for a table (use 1 to 64 letters, digits, dashes and underscores)`,
			"5: auth.publisher." + strings.Repeat("a", 65) + ": no name for a table (use 1 to 64 letters, digits, dashes and underscores)"}},
		{"one token for two", "[auth.publisher.b]\ntoken = '" + hashA + "'\n[auth.publisher.a]\ntoken = '" + hashA + "'", []string{
			"2: auth.publisher.b.token: is the token of auth.publisher.a as well (give each a token of its own: adic token new)"}},
		{"rate out of range", "[auth.publisher.a]\nrate = -1\ntoken = '" + hashA + "'", []string{
			"2: auth.publisher.a.rate: -1 is out of range (use 0 to 10000000 events a second)"}},
		{"no types", "[auth.publisher.a]\nevents = []\ntoken = '" + hashA + "'", []string{
			"2: auth.publisher.a.events: names nothing (leave it out for all)"}},
		{"types in one text", "[auth.publisher.a]\nevents = ['a,b']\ntoken = '" + hashA + "'", []string{
			`2: auth.publisher.a.events: "a,b" is not the name of an event type (use names, aliases, prefixes such as vrf.*, or all)`}},
		{"unknown priority", "[auth.subscriber.a]\npriority = ['urgent']\ntoken = '" + hashA + "'", []string{
			`2: auth.subscriber.a.priority: "urgent" is not a priority (use all, high, medium or low)`}},
		{"table for a key, told once", "[auth.publisher.a]\ntoken = '" + hashA + "'\n[auth.publisher.a.rate]\nx = 1\ny = 2", []string{
			"3: auth.publisher.a.rate: a table is not an integer (use 0 to 10000000 events a second)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			for _, line := range test.want {
				want = append(want, "adic.toml:"+line)
			}
			_, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			wantProblems(t, err, want)
			if err != nil && strings.Contains(err.Error(), "46371") {
				t.Errorf("what may be a token is shown: %v", err)
			}
		})
	}
}

func TestNamedTablesAreOfTheFileOnly(t *testing.T) {
	_, err := load(Sources{
		Environ: []string{"ADIC_AUTH_PUBLISHER_NODE1_TOKEN=" + hashA},
		Flags:   map[string]string{"auth.subscriber.node1.token": hashA},
	}, nil)
	wantProblems(t, err, []string{
		"environment ADIC_AUTH_PUBLISHER_NODE1_TOKEN: unknown variable (set it in the configuration file, under [auth.publisher.NAME])",
		"flag --auth.subscriber.node1.token: unknown flag (set it in the configuration file, under [auth.subscriber.NAME])",
	})
}

func TestValidateNamedTables(t *testing.T) {
	c := Default()
	c.Auth.Publisher = map[string]Publisher{
		"a b": {Token: hashA, Events: []string{"all"}},
		"c":   {Token: "sha256:c", Events: []string{"all"}},
	}
	err := c.Validate()
	for _, want := range []string{`auth.publisher."a b": no name`, "auth.publisher.c.token: its value is not"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDiffOfNamedTables(t *testing.T) {
	old, next := Default(), Default()
	old.Auth.Publisher = map[string]Publisher{
		"gone": {Token: hashB, Events: []string{"all"}}, "kept": {Token: hashA, Events: []string{"all"}, Rate: 5}}
	next.Auth.Publisher = map[string]Publisher{"kept": {Token: hashA, Events: []string{"all"}, Rate: 6}}
	want := fmt.Sprint([]Change{
		{"auth.publisher.gone.token", hashB, "", true},
		{"auth.publisher.gone.events", "all", "", true},
		{"auth.publisher.kept.rate", "5", "6", true},
	})
	if got := fmt.Sprint(Diff(&old, &next)); got != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if now := Reloaded(old, next); !reflect.DeepEqual(now, next) {
		t.Errorf("after a reload: %v", now.Auth.Publisher)
	}
}

// drawNamed draws the named tables of a valid configuration.
func drawNamed(t *rapid.T, c *Config, label string) {
	for _, n := range allNamed() {
		for i, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9_-]{1,8}`), 0, 3, rapid.ID).Draw(t, label+" "+n.name) {
			n.add(c, name)
			for _, k := range n.keys(name) {
				switch k.form {
				case "token_hash":
					k.set(c, fmt.Sprintf("sha256:%064x", i))
				case "event", "priority":
					texts := map[string][]string{"event": {"all", "vrf.*", "MessageAdded"}, "priority": {"all", "high", "low"}}[k.form]
					k.set(c, rapid.SliceOfN(rapid.SampledFrom(texts), 1, 3).Draw(t, label+" "+k.Name))
				default:
					k.set(c, drawValue(t, &k, label+" "+k.Name))
				}
			}
		}
	}
}
