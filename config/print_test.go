package config

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawConfig draws a valid configuration.
func drawConfig(t *rapid.T, label string) Config {
	c := Default()
	for _, k := range newTable() {
		k.set(&c, drawValue(t, &k, label+" "+k.Name))
	}
	drawNamed(t, &c, label)
	// What the rules of order ask for.
	c.Events.PendingEvents = max(c.Events.PendingEvents, c.Events.HighPriorityBuffer, c.Events.MediumPriorityBuffer, c.Events.LowPriorityBuffer)
	c.Stream.MaxBodySize = max(c.Stream.MaxBodySize, c.Stream.MaxEventSize)
	c.Events.PendingBytes = max(c.Events.PendingBytes, c.Stream.MaxBodySize)
	c.Stream.MaxBatchDelay = max(c.Stream.MaxBatchDelay, c.Stream.BatchDelay)
	if c.API.TLSCert == "" || c.API.TLSKey == "" {
		c.API.TLSCert, c.API.TLSKey = "", ""
	}
	if c.Auth.Subscribe == SubscribeToken && len(c.Auth.Subscriber) == 0 {
		c.Auth.Subscribe = SubscribeOpen
	}
	if c.Auth.Subscribe == SubscribeJWT { // a file, as the secret is not printed
		c.Auth.JWTSecret, c.Auth.JWTKeyFile, c.Auth.JWTJWKSFile = "", "key.pem", ""
	}
	drawCluster(t, &c.Cluster, label)
	if len(c.Relay.URL) > 0 {
		c.Cluster, c.Events.Journal, c.Demo.Enabled = Default().Cluster, "", false
	}
	if c.Cluster.NATS != "" {
		c.Events.Journal = ""
	}
	return c
}

func drawValue(t *rapid.T, k *Key, label string) any {
	switch k.Type {
	case TypeInteger, TypeSize:
		return rapid.OneOf(rapid.IntRange(k.lo.(int), k.hi.(int)), rapid.Just(max(k.lo.(int), k.hi.(int)&^1023))).Draw(t, label)
	case TypeNumber:
		return rapid.Float64Range(k.lo.(float64), k.hi.(float64)).Draw(t, label)
	case TypeDuration:
		return time.Duration(rapid.Int64Range(int64(k.lo.(time.Duration)), int64(k.hi.(time.Duration))).Draw(t, label))
	case TypeBoolean:
		return rapid.Bool().Draw(t, label)
	case TypeList:
		elements := map[string][]string{
			"origin":   {"*", "*.example.org", "https://example.org", "https://*.example.org:8443", "http://[::1]:3000"},
			"address":  {"10.0.0.2:6222", "[::1]:6222"},
			"upstream": {"ws://node:9121", "https://router.example.org/adic"},
			"network":  {"127.0.0.1", "10.0.0.0/8", "2001:db8::/32"},
		}
		list := rapid.SliceOf(rapid.SampledFrom(elements[k.form])).Draw(t, label)
		if len(list) == 0 {
			return []string(nil) // as it is read
		}
		return list
	}
	switch {
	case k.oneOf != nil:
		return rapid.SampledFrom(k.oneOf).Draw(t, label)
	case k.form == "path" || k.form == "claim":
		return rapid.String().Filter(func(s string) bool { return checkPath(s) == nil }).Draw(t, label)
	case k.form == "host":
		return rapid.SampledFrom([]string{"0.0.0.0", "::", "fe80::1%eth0", "router.example.org"}).Draw(t, label)
	case k.form == "address":
		return rapid.SampledFrom([]string{"", "127.0.0.1:9123", "[fe80::1%eth0]:0", "router.example.org:9123"}).Draw(t, label)
	case k.form == "jwtsecret":
		return rapid.StringMatching(`([!-~]{32,40})?`).Draw(t, label)
	case k.form == "name":
		return rapid.StringMatching(`[A-Za-z0-9_-]{1,32}`).Draw(t, label)
	case k.form == "node":
		return rapid.SampledFrom([]string{"ws://node:9121", "https://router.example.org/adic"}).Draw(t, label)
	case k.form == "database":
		return rapid.SampledFrom([]string{"explorer.db", "/var/lib/adic/explorer.db", "postgres://adic@db:5432/explorer?sslmode=disable"}).Draw(t, label)
	case k.form == "nats":
		return rapid.SampledFrom([]string{"", "embedded", "nats://a:4222,tls://[::1]"}).Draw(t, label)
	case k.form == "token":
		return rapid.StringMatching(`[!-~]{0,40}`).Filter(func(s string) bool { return s != hidden }).Draw(t, label)
	}
	t.Fatalf("no text is known for %s", k.Name)
	return nil
}

// What is printed loads as what it was printed from, but for secrets, and is
// printed again as the same but for the origins.
func TestPrintedConfigurationLoads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, "config")
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		want := c
		want.Auth.PublishToken, want.Auth.JWTSecret, want.Relay.Token = "", "", ""
		want.Explorer.NodeToken, want.Explorer.DatabasePassword = "", ""
		if got := reload(t, &Loaded{Config: c}); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// The text of every key is the same in all layers.
func TestLayersTakeTheSameTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawConfig(t, "config")
		want.Auth.Publisher, want.Auth.Subscriber = nil, nil // of the file only
		if want.Auth.Subscribe == SubscribeToken {           // of tables, which are in files only
			want.Auth.Subscribe = SubscribeOpen
		}
		texts := map[string]string{}
		for _, k := range newTable() {
			texts[k.Name] = k.format(k.get(&want))
		}
		for name, s := range map[string]Sources{"environment": {Environ: environ(texts)}, "flags": {Flags: texts}} {
			loaded, err := load(s, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !reflect.DeepEqual(loaded.Config, want) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", name, loaded.Config, want)
			}
		}
	})
}

// reload prints a configuration and loads what was printed.
func reload(t interface {
	Helper()
	Fatalf(string, ...any)
}, l *Loaded) Config {
	t.Helper()
	var b bytes.Buffer
	if n, err := l.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo returned %d, %v after %d bytes", n, err, b.Len())
	}
	again, err := load(Sources{File: "printed.toml"}, b.Bytes())
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, &b)
	}
	return again.Config
}

// An origin stays on its line, so that nothing in a name becomes a setting.
func TestPrintedOriginsAreComments(t *testing.T) {
	for _, name := range []string{"a\nport = 1\n", "a\r", "\xff", "ü #.toml"} {
		l, err := load(Sources{File: name}, []byte("[api]\nhost = '::1'"))
		if err != nil {
			t.Fatal(err)
		}
		if got := reload(t, l); !reflect.DeepEqual(got, l.Config) {
			t.Errorf("%q: got %+v", name, got)
		}
	}
}

func TestPrintedSecretIsAComment(t *testing.T) {
	l := &Loaded{Config: Default()}
	l.Config.Auth.PublishToken = "46371"
	var b strings.Builder
	if _, err := l.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "46371") || !strings.Contains(s, "\n# publish_token = \"***\" # default\n") {
		t.Errorf("printed:\n%s", s)
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestPrintReportsAFailedWrite(t *testing.T) {
	l := &Loaded{Config: Default()}
	if n, err := l.WriteTo(fullDisk{}); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("got %d, %v", n, err)
	}
}
