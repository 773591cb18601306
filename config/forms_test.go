package config

import (
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	good := []string{"0.0.0.0", "127.0.0.1", "::", "::1", "fe80::1%eth0", "localhost", "Router-1.example.org", "adic_router", "1.example", strings.Repeat("a", 63)}
	bad := []string{"", " ", "a b", "127.0.0.1:9121", "localhost:9121", "[::1]", "256.0.0.1", "127.0.0", "7", "-a", "a-", "a..b", "a.", "http://a", "münchen", "a/b", strings.Repeat("a", 64), strings.Repeat("a.", 126) + "bb"}
	for _, s := range good {
		if p := checkHost(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range bad {
		if checkHost(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestAddresses(t *testing.T) {
	good := []string{"", "127.0.0.1:9123", "localhost:0", "[::1]:9123", "0.0.0.0:65535", "router.internal:9123"}
	bad := []string{"9123", ":9123", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "::1:9123", "http://a:1", "a b:1"}
	for _, s := range good {
		if p := checkAddress(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range bad {
		if checkAddress(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestOrigins(t *testing.T) {
	good := []string{
		"*", "https://example.org", "http://localhost:3000", "https://*.example.org", "https://*.example.org:8443",
		"http://127.0.0.1:8080", "http://[::1]:8080", "https://[2001:db8::1]", "https://xn--mnchen-3ya.de",
		"*.example.org", "*.example.org:8443", "http://example.org:443", "https://example.org:80", "capacitor://localhost", "chrome-extension://abcdefgh",
	}
	for _, s := range good {
		if p := checkOrigin(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}

	bad := []struct{ origin, right string }{
		{"https://example.org/", "https://example.org"},
		{"https://example.org/app?x#y", "https://example.org"},
		{"https://EXAMPLE.org", "https://example.org"},
		{"HTTPS://example.org", "https://example.org"},
		{"https://example.org:443", "https://example.org"},
		{"http://example.org:80", "http://example.org"},
		{"https://example.org:", "https://example.org"},
		{"https://example.org:08443", "https://example.org:8443"},
		{"https://example.org:0443", "https://example.org"},
		{"https://user@example.org", "https://example.org"},
		{"http://[2001:DB8:0::1]", "http://[2001:db8::1]"},
		{"http://[::1]:80/x", "http://[::1]"},
		{"example.org", "https://example.org"},
		{"*.EXAMPLE.org", "https://*.example.org"},
		{"*.example.org:443", "https://*.example.org"},
		{"*.example.org/", "https://*.example.org"},
		{"*.", ""},
		{"*.*.org", ""},
		{"example.org:8443", "https://example.org:8443"},
		{"localhost:3000", "https://localhost:3000"},
		{"", ""},
		{"null", ""},
		{"file://", ""},
		{"file:///home", ""},
		{"https://", ""},
		{"https://*", ""},
		{"https://a.*.org", ""},
		{"https://*a.org", ""},
		{"https://*.*.org", ""},
		{"**", ""},
		{"https://münchen.de", ""},
		{"https://1.2.3", ""},
		{"https://[::1", ""},
		{"https://[fe80::1%25eth0]", ""},
		{"https://example.org:0x50", ""},
		{"https://example.org:70000", ""},
		{"https://example.org https://example.net", ""},
		{"https://a\n.org", ""},
		{"://example.org", ""},
	}
	for _, test := range bad {
		p := checkOrigin(test.origin)
		if p == nil {
			t.Errorf("%q was taken", test.origin)
			continue
		}
		want := `write "` + test.right + `"`
		if test.right == "" {
			want = `write "https://example.org", "https://*.example.org" for every host below it, or "*" for all`
		}
		if p.Remedy != want {
			t.Errorf("%q: the remedy is to %s, want to %s", test.origin, p.Remedy, want)
		}
		if test.right != "" && checkOrigin(test.right) != nil {
			t.Errorf("%q: the remedy is refused: %s", test.origin, test.right)
		}
	}
}

func TestTokens(t *testing.T) {
	for _, s := range []string{"", "x", "7f3e-_.~+/=", strings.Repeat("x", 1024)} {
		if p := checkToken(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range []string{" ", "a b", "a\n", "a\x00", "a\x7f", "ä", hidden, strings.Repeat("x", 1025)} {
		if checkToken(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, s := range []string{"", "types.json", "/etc/adic types/ü.json", `C:\types.json`, `"`} {
		if p := checkPath(s); p != nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	for _, s := range []string{"a\nb", "\x00", "\xff", "a\u0085b"} {
		if checkPath(s) == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestNetworks(t *testing.T) {
	good := map[string]string{
		"127.0.0.1":        "127.0.0.1/32",
		"127.0.0.1/32":     "127.0.0.1/32",
		"10.0.0.0/8":       "10.0.0.0/8",
		"0.0.0.0/0":        "0.0.0.0/0",
		"::1":              "::1/128",
		"2001:db8::/32":    "2001:db8::/32",
		"::ffff:127.0.0.1": "127.0.0.1/32",
	}
	for s, want := range good {
		api := API{TrustedProxies: []string{s}}
		networks, err := api.TrustedNetworks()
		if err != nil || len(networks) != 1 || networks[0].String() != want {
			t.Errorf("%q: %v, %v; want %s", s, networks, err, want)
		}
	}
	for _, s := range []string{"", "x", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.1/8", "::1/64", "fe80::1%eth0", "fe80::%eth0/10", "::ffff:10.0.0.0/104", "::ffff:0.0.0.0/96", "127.0.0.1:80", "*"} {
		api := API{TrustedProxies: []string{"::1", s}}
		if _, err := api.TrustedNetworks(); err == nil || !strings.HasPrefix(err.Error(), "api.trusted_proxies: ") {
			t.Errorf("%q: %v, want an error at the key", s, err)
		}
	}
	if _, p := parseNetwork("10.0.0.1/8"); !strings.Contains(p.Remedy, `"10.0.0.0/8"`) {
		t.Errorf("the remedy is to %s", p.Remedy)
	}
}
