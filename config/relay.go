package config

import (
	"fmt"
	"net/url"
	"slices"
)

// Relay follows other routers or nodes, and passes their events on.
type Relay struct {
	// URL are the upstreams, the one to prefer first; none is no relay.
	URL   []string `toml:"url" form:"upstream" doc:"routers or nodes to follow, such as ws://node:9121, the one to prefer first; the others are for when it is gone"`
	Token string   `toml:"token" json:"-" form:"token" secret:"true" doc:"access token for them, where they ask for one"`
	CA    string   `toml:"ca" form:"path" doc:"file with the certificates, in PEM, that theirs are verified with, instead of the system's"`
}

// Format keeps the token out of logs, which would print the struct as it is.
func (r Relay) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{URL:%v Token:%s CA:%s}", r.URL, mask(r.Token), r.CA) // see Auth.Format
}

// checkUpstream takes the URL of a router or node, whose token is in another key. It
// does not show one that may hold a password.
func checkUpstream(s, token string) *Problem {
	const remedy = "use something like ws://node:9121 or https://router.example.org"
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return &Problem{What: "is not a URL", Remedy: remedy}
	case u.User != nil:
		return &Problem{What: "has a user in it, which would be shown in logs", Remedy: "set " + token}
	case !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme):
		return &Problem{What: quote(s) + " is not the URL of a router", Remedy: remedy}
	case checkHost(u.Hostname()) != nil:
		return &Problem{What: quote(s) + " has no host name or address", Remedy: remedy}
	case u.RawQuery != "" || u.Fragment != "":
		return &Problem{What: quote(s) + " has something behind the path", Remedy: "leave it out; all events are taken"}
	}
	return nil
}

// relayKeys are the keys that checkRelay compares.
var relayKeys = []string{"source.relay.url", "cluster.nats", "events.journal", "demo.enabled"}

// checkRelay reports what a relay cannot be together with, since its events have
// their places from its upstream.
func (c *Config) checkRelay() *Problem {
	if len(c.Relay.URL) == 0 {
		return nil
	}
	const remedy = "remove one of the two"
	switch {
	case c.Cluster.NATS != "":
		return &Problem{Key: "source.relay.url", What: "a router has its events from other routers or from NATS, and there is cluster.nats", Remedy: remedy}
	case c.Events.Journal != "":
		return &Problem{Key: "events.journal", What: "a relay gets its events from its upstream again", Remedy: "remove it, or source.relay.url"}
	case c.Demo.Enabled:
		return &Problem{Key: "demo.enabled", What: "a relay has the events of its upstream only", Remedy: "remove it, or source.relay.url"}
	}
	return nil
}
