package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

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
	noSniff(ctx) // also for what never came to a handler
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
		s.cors(ctx) // the head has been read
		s.refuseBody(ctx)
	case errors.As(err, &tooSmall):
		s.metrics.reject(headerTooLarge)
		refuse(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge,
			"request head is over %d bytes (api.max_header_size)", s.config.Load().API.MaxHeaderSize)
	case errors.As(err, &timeout) && timeout.Timeout():
		s.metrics.reject(requestTimeout)
		refuse(ctx, fasthttp.StatusRequestTimeout, "request did not arrive in time (api.header_timeout, and api.body_timeout for what is published)")
		return // it is not sending
	default:
		s.metrics.reject(malformed)
		refuse(ctx, fasthttp.StatusBadRequest, "cannot read this as an HTTP request")
	}
	s.linger(ctx)
}

func (s *Server) refuseBody(ctx *fasthttp.RequestCtx) {
	s.metrics.reject(bodyTooLarge)
	refuse(ctx, fasthttp.StatusRequestEntityTooLarge,
		"body is over %d bytes (stream.max_body_size); publish in smaller batches", s.config.Load().Stream.MaxBodySize)
}

// expect answers clients that ask before they send a body (RFC 9110 §10.1.1).
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	if ctx.Request.Header.ContentLength() <= s.http.MaxRequestBodySize {
		return fasthttp.StatusContinue
	}
	s.cors(ctx)
	s.refuseBody(ctx)
	return fasthttp.StatusRequestEntityTooLarge
}

// lingerTime is how long a client that is still sending gets to read its answer.
const lingerTime = 2 * time.Second

// linger answers a client that is still sending, and takes in what it sends until
// it has seen the answer: to close with bytes unread would reset the connection,
// and could take the answer with it (RFC 9112 §9.6). fasthttp closes the
// connection next; what it still writes goes nowhere.
func (s *Server) linger(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	conn := ctx.Conn()
	err := conn.SetDeadline(time.Now().Add(lingerTime))
	if err == nil {
		_, err = ctx.Response.WriteTo(conn)
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	if err == nil {
		_, err = io.Copy(io.Discard, conn)
	}
	if err != nil {
		s.log.Debug("http: a client went on sending what was refused", "error", err)
	}
}

// recovered answers a request whose handler panicked.
func (s *Server) recovered(ctx *fasthttp.RequestCtx) {
	reason := recover()
	if reason == nil {
		return
	}
	s.panicked("handler failed", reason, "path", string(ctx.Path()), "client", s.clientAddr(ctx))
	ctx.Response.Reset()
	s.cors(ctx)
	refuse(ctx, fasthttp.StatusInternalServerError, "internal error; it has been logged")
	ctx.SetConnectionClose()
}

// panicked counts and logs what was recovered from, with the stack of the panic.
func (s *Server) panicked(what string, reason any, args ...any) {
	s.metrics.panics.Inc()
	s.log.Error("http error: "+what, append(args, "reason", reason, "stack", string(debug.Stack()))...)
}
