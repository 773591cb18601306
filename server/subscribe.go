package server

import (
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

const (
	// subprotocol is the WebSocket subprotocol (RFC 6455 §1.9) of clients that
	// send a token in the one way that browsers have for it: they offer this one
	// and tokenPrefix with the token behind it. A server has to choose one of those
	// that are offered, and the token is not to be sent back.
	subprotocol = "adic.v1"
	tokenPrefix = "adic.token."
)

// authenticate returns what the client of a request may see, which is nil where
// anyone may subscribe. It answers requests whose token is missing or wrong
// (RFC 6750 §3).
func (s *Server) authenticate(ctx *fasthttp.RequestCtx) (g *actors.Grant, ok bool) {
	if s.config.Load().Auth.Subscribe == config.SubscribeOpen {
		return nil, true
	}
	tokens := sentTokens(ctx)
	switch len(tokens) {
	case 1:
	case 0:
		s.metrics.reject(unauthorized)
		challenge(ctx, "")
		refuse(ctx, fasthttp.StatusUnauthorized, "subscribing needs a token: send it as Authorization: Bearer TOKEN, "+
			"or offer the WebSocket subprotocols "+subprotocol+" and "+tokenPrefix+"TOKEN, or add ?token=TOKEN")
		return nil, false
	default:
		s.metrics.reject(badParameter)
		challenge(ctx, "invalid_request")
		refuse(ctx, fasthttp.StatusBadRequest, "there are different tokens in this request; send one")
		return nil, false
	}
	grant, err := s.verify(tokens[0])
	if err != nil {
		s.metrics.reject(unauthorized)
		challenge(ctx, "invalid_token")
		refuse(ctx, fasthttp.StatusUnauthorized, "%v", err)
		return nil, false
	}
	return &grant, true
}

// verify returns what the holder of a token may see. The error holds nothing of
// the token.
func (s *Server) verify(token string) (actors.Grant, error) {
	if s.config.Load().Auth.Subscribe == config.SubscribeToken {
		g, err := s.tokens.Load().Authenticate(token)
		return actors.Grant(g), err
	}
	g, err := s.jwt.Verify(token)
	return actors.Grant(g), err
}

// challenge is the header that goes with a refusal over a token. code is one of
// RFC 6750 §3.1, or empty where there was no token.
func challenge(ctx *fasthttp.RequestCtx, code string) {
	value := `Bearer realm="adic"`
	if code != "" {
		value += `, error="` + code + `"`
	}
	ctx.Response.Header.Set("WWW-Authenticate", value)
}

// sentTokens returns the tokens in a request, from all places that there are for
// one, each once.
func sentTokens(ctx *fasthttp.RequestCtx) (tokens []string) {
	add := func(token string) {
		if token != "" && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	for _, line := range ctx.Request.Header.PeekAll("Authorization") {
		if scheme, token, _ := strings.Cut(string(line), " "); strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1
			add(strings.TrimSpace(token))
		}
	}
	for protocol := range offered(ctx) {
		if token, ok := strings.CutPrefix(protocol, tokenPrefix); ok {
			add(token)
		}
	}
	for _, token := range ctx.QueryArgs().PeekMulti("token") {
		add(string(token))
	}
	return tokens
}

// offered yields the WebSocket subprotocols that the client offers. They may be on
// several lines (RFC 6455 §11.3.4).
func offered(ctx *fasthttp.RequestCtx) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range ctx.Request.Header.PeekAll("Sec-WebSocket-Protocol") {
			for protocol := range strings.SplitSeq(string(line), ",") {
				if !yield(strings.TrimSpace(protocol)) {
					return
				}
			}
		}
	}
}

// selectProtocol leaves the upgrader, which looks at the first line only, nothing
// to choose but our subprotocol.
func selectProtocol(ctx *fasthttp.RequestCtx) {
	for protocol := range offered(ctx) {
		if protocol == subprotocol {
			ctx.Request.Header.Set("Sec-WebSocket-Protocol", subprotocol)
			return
		}
	}
	ctx.Request.Header.Del("Sec-WebSocket-Protocol")
}

// confine gives a subscription the limits of g. Parameters that are absent mean all
// that g allows; it answers requests that name more.
func (s *Server) confine(ctx *fasthttp.RequestCtx, p *streamParams, g *actors.Grant) bool {
	if g == nil {
		return true
	}
	p.grant, p.verify = g, s.verify
	var beyond problems
	if more := p.subscription.Types.Minus(g.Types); present(ctx, "events") && !more.IsEmpty() {
		names := "all (leave events away to get what it allows)"
		if !p.subscription.All {
			names = strings.Join(s.catalogue.Names(more), ", ")
		}
		beyond = append(beyond, "events "+names)
	}
	if more := p.subscription.Priorities &^ g.Priorities; present(ctx, "priority") && more != 0 {
		var names []string
		for _, priority := range event.Priorities() {
			if more.Has(priority) {
				names = append(names, priority.String())
			}
		}
		beyond = append(beyond, "priority "+strings.Join(names, ", "))
	}
	if err := beyond.err(); err != nil {
		s.metrics.reject(beyondGrant)
		challenge(ctx, "insufficient_scope")
		refuse(ctx, fasthttp.StatusForbidden, "the token does not allow: %v", err)
		return false
	}
	return true
}

func present(ctx *fasthttp.RequestCtx, name string) bool {
	return len(strings.TrimSpace(string(ctx.QueryArgs().Peek(name)))) > 0
}
