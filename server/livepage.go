package server

import (
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/server/page"
	"github.com/adic-network/router/web"
)

// assetPath is where the files of the live page are.
const assetPath = "/assets/"

// livePage serves GET / and what that page is made of.
func (s *Server) livePage(ctx *fasthttp.RequestCtx) {
	name, ok := strings.CutPrefix(string(ctx.Path()), assetPath)
	if !ok {
		name = page.Index
	}
	asset, ok := s.page[name]
	if !ok {
		s.notFound(ctx)
		return
	}
	h := &ctx.Response.Header
	if name == page.Index {
		h.Set("Content-Security-Policy", web.Policy)
		h.Set("X-Frame-Options", "DENY") // frame-ancestors for older browsers
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	body, tag := asset.Body, asset.ETag
	if ctx.Request.Header.HasAcceptEncoding("gzip") {
		body, tag = asset.Gzip, asset.GzipETag
		h.Set("Content-Encoding", "gzip")
	}
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	// A file of another version may not meet this page: ask, and be told 304.
	h.Set("Cache-Control", "no-cache")
	ctx.SetContentType(asset.Type)
	// A proxy that compresses by itself makes the validator a weak one.
	if strings.TrimPrefix(string(ctx.Request.Header.Peek("If-None-Match")), "W/") == tag {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	ctx.SetBody(body)
}
