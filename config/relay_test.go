package config

import (
	"strings"
	"testing"
)

func TestRelay(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"one", "[source.relay]\nurl = [\"ws://node:9121\"]\n", ""},
		{"dotted", "source.relay.url = [\"ws://node:9121\", \"https://other.example.org/adic\"]\nsource.relay.token = \"hush-hush-0123456789\"\n", ""},
		{"no list", "[source.relay]\nurl = \"ws://node:9121\"\n", "source.relay.url"},
		{"another scheme", "[source.relay]\nurl = [\"nats://node\"]\n", "is not the URL of a router"},
		{"no host", "[source.relay]\nurl = [\"ws://\"]\n", "has no host name"},
		{"a user", "[source.relay]\nurl = [\"ws://me:secret@node\"]\n", "has a user in it"},
		{"a query", "[source.relay]\nurl = [\"ws://node?x=y\"]\n", "behind the path"},
		{"misspelt", "[source.relay]\nurls = [\"ws://node\"]\n", "did you mean source.relay.url?"},
		{"another source", "[source.relais]\nurl = [\"ws://node\"]\n", "unknown section"},
		{"with a journal", "[source.relay]\nurl = [\"ws://node\"]\n[events]\njournal = \"x\"\n", "events.journal: a relay gets its events from its upstream"},
		{"with the demo", "[source.relay]\nurl = [\"ws://node\"]\n[demo]\nenabled = true\n", "demo.enabled: a relay has the events of its upstream only"},
		{"with NATS", "[source.relay]\nurl = [\"ws://node\"]\n[cluster]\nnats = \"nats://a\"\n", "and there is cluster.nats"},
	} {
		t.Run(test.name, func(t *testing.T) {
			loaded, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want == "" && len(loaded.Config.Relay.URL) == 0:
				t.Error("nothing is set")
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			case test.want != "" && strings.Contains(err.Error(), "secret"):
				t.Errorf("shows the password: %v", err)
			}
		})
	}
}
