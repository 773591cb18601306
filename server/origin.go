package server

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// cors answers the CORS part of any request, and reports whether its origin may
// use streams and publish: same origin, no origin (not a browser), or one that
// is configured.
func (s *Server) cors(ctx *fasthttp.RequestCtx) bool {
	ctx.Response.Header.Set("Vary", "Origin")
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" || sameOrigin(origin, string(ctx.Host())) {
		return true
	}
	if !wellFormed(origin) || !originAllowed(origin, s.config.Load().API.CORSOrigins) {
		return false
	}
	ctx.Response.Header.Set("Access-Control-Allow-Origin", origin)
	ctx.Response.Header.Set("Access-Control-Expose-Headers", "Retry-After, ETag, Idempotency-Replayed")
	return true
}

// preflight answers OPTIONS, of browsers that ask first and of others.
func (s *Server) preflight(ctx *fasthttp.RequestCtx, r route, allowed bool) {
	h := &ctx.Response.Header
	h.Set("Allow", r.allow())
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	if len(ctx.Request.Header.Peek("Origin")) == 0 {
		return
	}
	if !allowed {
		s.metrics.reject(foreignOrigin)
		refuse(ctx, fasthttp.StatusForbidden, "this origin is not allowed; api.cors_origins lists those that are")
		return
	}
	h.Set("Access-Control-Allow-Methods", r.allow())
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, Idempotency-Key")
	h.Set("Access-Control-Max-Age", "600")
}

// sameOrigin reports whether a page of origin was served from host. The scheme
// does not count: a proxy in front may end TLS.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return port != "" && strings.EqualFold(strings.TrimSuffix(u.Host, port), strings.TrimSuffix(host, port))
}

// wellFormed reports whether origin has only what a scheme, a host and a port are made
// of. It is sent back, and "*." stands for hosts: nothing else is to hide there.
func wellFormed(origin string) bool {
	const longest = 300 // a host has at most 253 bytes (RFC 1035 §2.3.4)
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(":/.-_[]+", r)
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && len(origin) <= longest && !strings.Contains(host, "/") && !strings.ContainsFunc(origin, odd)
}

// originAllowed reports whether a list as api.cors_origins holds origin: exactly,
// as "*", or below "scheme://*.domain", which is https without a scheme: what comes
// without encryption, anybody on the way can have written.
func originAllowed(origin string, list []string) bool {
	for _, o := range list {
		if o == origin || o == "*" && origin != "null" {
			return true
		}
		if strings.HasPrefix(o, "*.") {
			o = "https://" + o
		}
		scheme, domain, wild := strings.Cut(o, "://*.")
		if !wild {
			continue
		}
		host, ok := strings.CutPrefix(origin, scheme+"://")
		if below, is := strings.CutSuffix(host, "."+domain); ok && is && below != "" {
			return true
		}
	}
	return false
}
