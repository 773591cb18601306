package server

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/event"
)

// typesPage is the catalogue as it is served: made once.
type typesPage struct {
	body []byte
	etag string
}

func newTypesPage(c *event.Catalogue) typesPage {
	body := c.JSON()
	sum := sha256.Sum256(body)
	return typesPage{body, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// eventTypes serves GET /v1/events/types.
func (s *Server) eventTypes(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("ETag", s.types.etag)
	ctx.Response.Header.Set("Cache-Control", "no-cache") // ask, and be told 304
	if string(ctx.Request.Header.Peek("If-None-Match")) == s.types.etag {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(s.types.body)
}
