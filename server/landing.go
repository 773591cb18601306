package server

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

//go:embed landing.html
var landingPage []byte

// landing serves GET /: what there is, for whoever comes by with a browser.
func (s *Server) landing(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.SetBody(landingPage)
}
