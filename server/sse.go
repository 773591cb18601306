package server

import (
	"net"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// sseStream serves GET /v1/sse/events.
func (s *Server) sseStream(ctx *fasthttp.RequestCtx) {
	cfg := s.config.Load()
	if !s.mayStream(ctx, cfg.API.EnableSSE, "SSE", "enable_sse") {
		return
	}
	grant, ok := s.authenticate(ctx)
	if !ok {
		return
	}
	p, err := s.parseParams(ctx.QueryArgs())
	if err != nil {
		s.refuseParams(ctx, err)
		return
	}
	if !s.confine(ctx, &p, grant) {
		return
	}
	if id := ctx.Request.Header.Peek("Last-Event-ID"); len(id) > 0 {
		p.start = resume(string(id))
	}
	if ctx.IsHead() {
		ctx.SetContentType("text/event-stream")
		ctx.Response.Header.Set("Cache-Control", "no-cache")
		return
	}
	if !s.sse.take(cfg.API.MaxSSEConnections) {
		s.metrics.reject(sseLimit)
		retryLater(ctx, "all %d SSE connections are taken (api.max_sse_connections)", cfg.API.MaxSSEConnections)
		return
	}
	leave, ok := s.mayStay(ctx, p.user(), &s.sse)
	if !ok {
		return
	}
	client := s.forwardedFor(ctx)
	head := sseHead(ctx)
	ctx.HijackSetNoResponse(true) // the actor writes it, as all else
	promise := ctx.Conn()
	s.promised.keep(promise, leave)
	ctx.Hijack(func(conn net.Conn) {
		s.promised.claim(promise)
		s.handOver(conn, leave, func(t actors.Transport, _ []byte) error {
			return s.router.ServeSSE(actors.SSE{Client: p.client(through(t, client), leave), Head: head, Heartbeat: p.heartbeat})
		})
	})
}

// resume is where the stream of a browser that comes back begins. It would give
// up for good on an error, so an id that is none of ours gets all there is.
func resume(id string) actors.Start {
	c, err := event.ParseCursor(id)
	if err != nil {
		return actors.FromUnknown()
	}
	return actors.FromCursor(c)
}

// sseHead is the head of the response. The body ends with the connection.
func sseHead(ctx *fasthttp.RequestCtx) []byte {
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\n" +
		"Content-Type: text/event-stream\r\n" +
		"Cache-Control: no-cache\r\n" +
		"X-Accel-Buffering: no\r\n" +
		"Connection: close\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Vary: Origin\r\n")
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} {
		if v := ctx.Response.Header.Peek(name); len(v) > 0 {
			b.WriteString(name + ": " + string(v) + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}
