package server

import (
	"encoding/base64"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
)

// isUpgrade reports whether a request asks for a WebSocket, which HTTP/1.0 cannot
// (RFC 9110 §7.8).
func isUpgrade(ctx *fasthttp.RequestCtx) bool {
	return ctx.Request.Header.IsHTTP11() && websocket.FastHTTPIsWebSocketUpgrade(ctx)
}

// websocket serves GET /v1/ws/events.
func (s *Server) websocket(ctx *fasthttp.RequestCtx) {
	cfg := s.config.Load()
	if !s.mayStream(ctx, cfg.API.EnableWebSocket, "WebSocket", "enable_websocket") || !s.checkHandshake(ctx) {
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
	if !s.websockets.take(cfg.API.MaxWebSocketConnections) {
		s.metrics.reject(websocketLimit)
		retryLater(ctx, "all %d WebSocket connections are taken (api.max_websocket_connections)", cfg.API.MaxWebSocketConnections)
		return
	}
	leave, ok := s.mayStay(ctx, p.user(), &s.websockets)
	if !ok {
		return
	}
	client := s.forwardedFor(ctx)
	deflate := cfg.Stream.Compression && offersDeflate(ctx)
	upgrader := s.upgrader
	upgrader.EnableCompression = deflate
	if deflate { // the upgrader looks at the first line of offers only
		ctx.Request.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	}
	selectProtocol(ctx)
	promise := ctx.Conn()
	s.promised.keep(promise, leave)
	err = upgrader.Upgrade(ctx, func(conn *websocket.Conn) {
		s.promised.claim(promise)
		s.handOver(conn.NetConn(), leave, func(t actors.Transport, early []byte) error {
			err := s.router.ServeWebSocket(actors.WebSocket{
				Client:  p.client(through(t, client), leave),
				IDs:     p.ids,
				Deflate: deflate,
				Early:   early,
			})
			if errors.Is(err, actors.ErrDraining) { // which began while its handshake was answered
				_, _ = t.Write(goingAway) // if there is no room for that, there is none for any word
			}
			return err
		})
	})
	if err != nil { // the upgrader has answered
		s.promised.claim(promise)
		leave()
	}
}

// goingAway is a close frame with 1001 (RFC 6455 §7.4.1), for a client that has no
// actor to close it.
var goingAway = []byte{0x88, 2, 1001 >> 8, 1001 & 0xff}

// client is the part that a WebSocket and an SSE stream share.
func (p *streamParams) client(t actors.Transport, leave func()) actors.Client {
	return actors.Client{
		Transport:    t,
		Subscription: p.subscription,
		Start:        p.start,
		Format:       p.format,
		Window:       p.window,
		Grant:        p.grant,
		Verify:       p.verify,
		OnClose:      leave,
	}
}

// handOver begins a stream on a hijacked connection. A stream that does not begin
// gives its place back.
func (s *Server) handOver(conn net.Conn, leave func(), begin func(t actors.Transport, early []byte) error) {
	s.handshakes.Add(1)
	t, early, err := s.transports.take(conn, s.transportSettings())
	if err == nil {
		if err = s.guard(func() error { return begin(t, early) }); err != nil {
			t.Close()
		}
	}
	if err != nil {
		leave()
		s.metrics.reject(handOverFailed)
		s.log.Debug("cannot begin a stream", "error", err)
	}
}

// errPanic stands for a panic that was logged.
var errPanic = errors.New("internal error")

// guard makes an error of a panic. What begins a stream runs behind the handler, where
// nobody else recovers from one: it would end the process.
func (s *Server) guard(begin func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			s.panicked("cannot begin a stream", reason)
			err = errPanic
		}
	}()
	return begin()
}

func (s *Server) transportSettings() transportSettings {
	return transportSettings{sendBuffer: s.config.Load().Stream.SendBuffer}
}

// mayStream answers requests for streams that are switched off or not to be had
// at present.
func (s *Server) mayStream(ctx *fasthttp.RequestCtx, enabled bool, name, key string) bool {
	switch {
	case !enabled:
		s.metrics.reject(switchedOff)
		refuse(ctx, fasthttp.StatusServiceUnavailable, "the %s stream is switched off (api.%s)", name, key)
	case s.draining.Load():
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "the router is shutting down; connect to another or again in a moment")
	default:
		return s.hasStream(ctx)
	}
	return false
}

// hasStream answers requests for events that come before there are any to be had.
func (s *Server) hasStream(ctx *fasthttp.RequestCtx) bool {
	if s.router.Begun() {
		return true
	}
	s.metrics.reject(noStream)
	retryLater(ctx, "the router has not found the events that it passes on; /v1/health/streaming says why")
	return false
}

func retryLater(ctx *fasthttp.RequestCtx, format string, args ...any) {
	refuse(ctx, fasthttp.StatusServiceUnavailable, format, args...)
	ctx.Response.Header.Set("Retry-After", "1")
}

// checkHandshake answers what is no proper WebSocket handshake (RFC 6455 §4.2).
// The upgrader checks part of it with less telling answers.
func (s *Server) checkHandshake(ctx *fasthttp.RequestCtx) bool {
	h := &ctx.Request.Header
	switch {
	case !isUpgrade(ctx):
		requireUpgrade(ctx, "this is the WebSocket stream; connect with a WebSocket client, or use /v1/sse/events or /v1/events")
	case !ctx.IsGet():
		ctx.Response.Header.Set("Allow", "GET")
		refuse(ctx, fasthttp.StatusMethodNotAllowed, "a WebSocket handshake is a GET")
	case h.ConnectionClose():
		refuse(ctx, fasthttp.StatusBadRequest, "Connection holds close: the connection cannot become a WebSocket")
	case string(h.Peek("Sec-WebSocket-Version")) != "13":
		requireUpgrade(ctx, "only version 13 of the WebSocket protocol is spoken here")
	case !validKey(h.Peek("Sec-WebSocket-Key")):
		refuse(ctx, fasthttp.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64")
	default:
		return true
	}
	s.metrics.reject(badHandshake)
	return false
}

// requireUpgrade answers 426, with what RFC 9110 §7.8 and RFC 6455 §4.4 want with it.
func requireUpgrade(ctx *fasthttp.RequestCtx, text string) {
	h := &ctx.Response.Header
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h.Set("Sec-WebSocket-Version", "13")
	refuse(ctx, fasthttp.StatusUpgradeRequired, "%s", text)
}

func validKey(key []byte) bool {
	var nonce [18]byte
	n, err := base64.StdEncoding.Decode(nonce[:], key[:min(len(key), 24)])
	return len(key) == 24 && err == nil && n == 16
}

// handshakeError is the upgrader's way to refuse what checkHandshake let pass.
func (s *Server) handshakeError(ctx *fasthttp.RequestCtx, status int, reason error) {
	s.metrics.reject(badHandshake)
	refuse(ctx, status, "%v", reason)
}

// offersDeflate reports whether the client offers permessage-deflate in a way
// that the upgrader's answer is right for.
func offersDeflate(ctx *fasthttp.RequestCtx) bool {
	for _, line := range ctx.Request.Header.PeekAll("Sec-WebSocket-Extensions") {
		for offer := range strings.SplitSeq(string(line), ",") {
			params := strings.Split(offer, ";")
			if strings.TrimSpace(params[0]) == "permessage-deflate" && acceptable(params[1:]) {
				return true
			}
		}
	}
	return false
}

// acceptable reports whether an offer of permessage-deflate is to be accepted
// (RFC 7692 §7.1). One that demands a smaller window is not, because the answer
// does not grant it (§7.1.2.1); nor is one with a parameter that is unknown, wrong
// or there twice.
func acceptable(params []string) bool {
	for i, param := range params {
		params[i] = strings.TrimSpace(param)
		name, value, valued := strings.Cut(params[i], "=")
		for _, before := range params[:i] {
			if other, _, _ := strings.Cut(before, "="); other == name {
				return false
			}
		}
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if valued {
				return false
			}
		case "client_max_window_bits":
			if bits, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 8); valued && (err != nil || bits < 8 || bits > 15) {
				return false
			}
		default:
			return false
		}
	}
	return true
}
