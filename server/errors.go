package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// refuse answers with an error.
func refuse(ctx *fasthttp.RequestCtx, status int, format string, args ...any) {
	writeError(ctx, status, struct {
		Error string `json:"error"`
	}{fmt.Sprintf(format, args...)})
}

func writeError(ctx *fasthttp.RequestCtx, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // structs of strings and numbers: cannot happen
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(text)
}

// badRequest answers what fasthttp could not read as a request.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	var tooSmall *fasthttp.ErrSmallBuffer
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.metrics.reject(bodyTooLarge)
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge,
			"body is over %d bytes (stream.max_body_size); publish in smaller batches", s.config.Load().Stream.MaxBodySize)
	case errors.As(err, &tooSmall):
		s.metrics.reject(headerTooLarge)
		refuse(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge,
			"request head is over %d bytes (api.max_header_size)", s.config.Load().API.MaxHeaderSize)
	case errors.As(err, &timeout) && timeout.Timeout():
		s.metrics.reject(requestTimeout)
		refuse(ctx, fasthttp.StatusRequestTimeout, "request did not arrive in time (api.header_timeout)")
	default:
		s.metrics.reject(malformed)
		refuse(ctx, fasthttp.StatusBadRequest, "cannot read this as an HTTP request")
	}
	ctx.SetConnectionClose()
}

// recovered answers a request whose handler panicked.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	reason := recover()
	if reason == nil {
		return
	}
	s.metrics.panics.Inc()
	s.log.Error("http error: handler failed", "path", string(ctx.Path()), "reason", reason, "stack", string(debug.Stack()))
	ctx.Response.Reset()
	refuse(ctx, fasthttp.StatusInternalServerError, "internal error; it has been logged")
	ctx.SetConnectionClose()
}
