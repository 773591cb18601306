package server

import (
	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/config"
)

// cors answers the CORS part of any request, and reports whether its origin may
// use streams and publish: same origin, no origin (not a browser), or one that
// is configured.
func (s *Server) cors(ctx *fasthttp.RequestCtx) bool {
	ctx.Response.Header.Set("Vary", "Origin")
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" || config.SameOrigin(origin, string(ctx.Host())) {
		return true
	}
	if !config.AllowsOrigin(s.config.Load().API.CORSOrigins, origin) {
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
