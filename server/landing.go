package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"

	"github.com/valyala/fasthttp"
)

//go:embed landing.html
var landingPage []byte

// pagePolicy is what the pages may do (CSP Level 3): nothing but what stands in
// them. Styles are named by their hash, so that none that gets in is obeyed.
func pagePolicy(page []byte) string {
	policy := "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src"
	for rest := page; ; {
		_, style, ok := bytes.Cut(rest, []byte("<style>"))
		if !ok {
			return policy
		}
		style, rest, _ = bytes.Cut(style, []byte("</style>"))
		sum := sha256.Sum256(style)
		policy += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
}

// landing serves GET /: what there is, for whoever comes by with a browser.
func (s *Server) landing(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", s.policy)
	h.Set("X-Frame-Options", "DENY") // frame-ancestors for older browsers
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.SetBody(landingPage)
}
