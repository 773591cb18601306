package server

import (
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/access"
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

// authenticator says what the holder of a subscriber's token may see. The error
// wraps [access.ErrDenied] and holds nothing of the token. It is safe for
// concurrent use.
type authenticator interface {
	Authenticate(token string) (access.Grant, error)
}

// newAuthenticator returns the one that auth.subscribe asks for, or nil where
// anyone may subscribe. It reads the files of keys.
func newAuthenticator(auth config.Auth, tokens *access.Tokens, catalogue *event.Catalogue, log *slog.Logger) (authenticator, error) {
	switch auth.Subscribe {
	case config.SubscribeToken:
		return tokens, nil
	case config.SubscribeJWT:
		j, err := access.NewJWT(auth, catalogue, log)
		if err != nil { // a nil *JWT would be an authenticator
			return nil, err
		}
		return j, nil
	}
	return nil, nil
}

// door is who decides over new streams, until the next reload.
type door struct{ authenticator }

// authenticate returns what the client of a request may see, which is nil where
// anyone may subscribe. It answers requests whose token is missing or wrong
// (RFC 6750 §3).
func (s *Server) authenticate(ctx *fasthttp.RequestCtx) (g *actors.Grant, ok bool) {
	who := s.door.Load().authenticator
	if who == nil {
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
	grant, err := who.Authenticate(tokens[0])
	if err != nil {
		s.metrics.reject(unauthorized)
		challenge(ctx, "invalid_token")
		refuse(ctx, fasthttp.StatusUnauthorized, "%v", err)
		return nil, false
	}
	return (*actors.Grant)(&grant), true
}

// verify is authenticate for the token of a Refresh, by what is configured then.
func (s *Server) verify(token string) (actors.Grant, error) {
	who := s.door.Load().authenticator
	if who == nil { // since a reload
		return actors.Grant{}, errors.New("anyone may subscribe now: connect again, without a token")
	}
	g, err := who.Authenticate(token)
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
		beyond.note(errors.New("events " + names))
	}
	if more := p.subscription.Priorities &^ g.Priorities; present(ctx, "priority") && more != 0 {
		var names []string
		for _, priority := range event.Priorities() {
			if more.Has(priority) {
				names = append(names, priority.String())
			}
		}
		beyond.note(errors.New("priority " + strings.Join(names, ", ")))
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
