package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawCluster makes what was drawn for a cluster agree.
func drawCluster(t *rapid.T, c *Cluster, label string) {
	c.User = "" // needs a password, which is not printed
	if c.TLSCert == "" || c.TLSKey == "" {
		c.TLSCert, c.TLSKey = "", ""
	}
	switch rapid.IntRange(0, 3).Draw(t, label+" credentials") {
	case 0:
		c.CredsFile, c.NKeyFile, c.Token = "", "", ""
	case 1:
		c.NKeyFile, c.Token = "", ""
	case 2:
		c.CredsFile, c.Token = "", ""
	case 3:
		c.CredsFile, c.NKeyFile = "", ""
	}
	c.Password, c.Token = "", "" // secrets are not printed
	if c.NATS != EmbeddedNATS {
		c.StoreDir, c.Listen, c.RoutesListen, c.Routes = "", "", "", nil
		return
	}
	c.CredsFile, c.NKeyFile = "", ""
	c.StoreDir, c.Listen, c.RoutesListen = "nats", "127.0.0.1:4222", "localhost:6222"
}

func TestNATSServers(t *testing.T) {
	good := []string{"", "embedded", "nats://a", "nats://a:4222,nats://b:4222", "tls://nats.example.org, tls://[::1]:4222", "wss://nats.example.org:443/"}
	bad := []string{"a:4222", "nats", "Embedded", "http://a", "nats://", "nats://a,", "nats://a:x", "nats://a/b", "nats://a?tls=1", "nats://user@a", "nats://a b"}
	for _, s := range good {
		if p := checkNATS(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range bad {
		if checkNATS(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
	if p := checkNATS("nats://me:secret@a"); strings.Contains(fmt.Sprint(p), "secret") {
		t.Errorf("a password is shown: %v", p)
	}
}

func TestValidateCluster(t *testing.T) {
	embedded := func(c *Config) { c.Cluster.NATS, c.Cluster.StoreDir = EmbeddedNATS, "nats" }
	tests := []struct {
		name   string
		change func(c *Config)
		want   string // "" if it is right
	}{
		{"elsewhere", func(c *Config) { c.Cluster.NATS, c.Cluster.CredsFile = "nats://a", "a.creds" }, ""},
		{"embedded alone", embedded, ""},
		{"embedded, one of three", func(c *Config) {
			embedded(c)
			c.Cluster.Replicas, c.Cluster.RoutesListen, c.Cluster.Routes = 3, "0.0.0.0:6222", []string{"10.0.0.2:6222"}
			c.Cluster.User, c.Cluster.Password = "adic", "secret"
		}, ""},
		{"no prefix", func(c *Config) { c.Cluster.StreamPrefix = "" }, "cluster.stream_prefix: is empty (leave it out for adic)"},
		{"prefix that is no name", func(c *Config) { c.Cluster.StreamPrefix = "adic.test" },
			`cluster.stream_prefix: "adic.test" is not a name for NATS (use up to 32 letters, digits, dashes and underscores)`},
		{"with a journal", func(c *Config) { embedded(c); c.Events.Journal = "journal" },
			"events.journal: a router of a cluster has its events in JetStream (remove it, or cluster.nats)"},
		{"two credentials", func(c *Config) { c.Cluster.NATS, c.Cluster.CredsFile, c.Cluster.Token = "nats://a", "a.creds", "t" },
			"cluster.token: NATS takes one kind of credentials, and there is also cluster.creds_file (keep one of cluster.creds_file or cluster.token)"},
		{"user without a password", func(c *Config) { c.Cluster.User = "me" }, "cluster.user: is set without cluster.password (set both or none)"},
		{"directory without a server", func(c *Config) { c.Cluster.NATS, c.Cluster.StoreDir = "nats://a", "nats" },
			`cluster.store_dir: is of an embedded NATS server, and there is none (remove it, or set cluster.nats to "embedded")`},
		{"embedded without a directory", func(c *Config) { c.Cluster.NATS = EmbeddedNATS },
			"cluster.store_dir: an embedded NATS server needs a directory for its events (set it to one that belongs to this router alone)"},
		{"embedded with a token", func(c *Config) { embedded(c); c.Cluster.Token = "t" },
			"cluster.token: an embedded NATS server knows one user only (set cluster.user and cluster.password instead)"},
		{"routes without an address", func(c *Config) { embedded(c); c.Cluster.Routes = []string{"10.0.0.2:6222"} },
			"cluster.routes: is set without cluster.routes_listen (set both or none)"},
		{"replicas of a server that is alone", func(c *Config) { embedded(c); c.Cluster.Replicas = 3 },
			"cluster.replicas: a NATS server that is alone cannot keep more than one replica (set it to 1, or cluster.routes_listen and cluster.routes)"},
		{"open to everybody", func(c *Config) { embedded(c); c.Cluster.Listen = "0.0.0.0:4222" },
			"cluster.listen: other machines could reach the embedded NATS server, and it asks nobody who they are (set cluster.user and cluster.password, the same on each machine)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Default()
			test.change(&c)
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			wantProblems(t, c.Validate(), want)
		})
	}
}

func TestClusterHidesSecrets(t *testing.T) {
	c := Cluster{NATS: "nats://a", User: "me", Password: "hush", Token: "hush"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), string(encoded)} {
		if strings.Contains(shown, "hush") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}
