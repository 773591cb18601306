package config

import (
	"net/url"
	"slices"
	"strings"
)

// AllowsOrigin reports whether a list as api.cors_origins holds an origin that a browser
// sent: exactly, as "*", or below "scheme://*.domain", which is https without a scheme:
// what comes without encryption, anybody on the way can have written. What it allows is
// made of the characters of a scheme, a host and a port, so that it may be sent back.
func AllowsOrigin(list []string, origin string) bool {
	if !isOrigin(origin) {
		return false
	}
	return slices.ContainsFunc(list, func(allowed string) bool {
		if allowed == origin || allowed == "*" {
			return true
		}
		if strings.HasPrefix(allowed, "*.") {
			allowed = "https://" + allowed
		}
		scheme, domain, wild := strings.Cut(allowed, "://*.")
		host, same := strings.CutPrefix(origin, scheme+"://")
		below, is := strings.CutSuffix(host, "."+domain)
		return wild && same && is && below != ""
	})
}

// isOrigin reports whether origin has only what a scheme, a host and a port are made
// of: "*." stands for hosts, and nothing else is to hide there. "null" is no origin.
func isOrigin(origin string) bool {
	const longest = 300 // a host has at most 253 bytes (RFC 1035 §2.3.4)
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(":/.-_[]+", r)
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && len(origin) <= longest && !strings.Contains(host, "/") && !strings.ContainsFunc(origin, odd)
}

// SameOrigin reports whether a page of origin was served from host, which is what the
// Host header says. The scheme does not count: a proxy in front may end TLS.
func SameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return port != "" && strings.EqualFold(strings.TrimSuffix(u.Host, port), strings.TrimSuffix(host, port))
}
