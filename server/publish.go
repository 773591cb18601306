package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// publish serves POST /v1/events.
func (s *Server) publish(ctx *fasthttp.RequestCtx) {
	if !s.mayPublish(ctx) {
		return
	}
	batch, err := s.parser.ParseBatch(ctx.PostBody())
	if err == nil {
		err = s.router.Publish(batch)
	}
	if err != nil {
		s.refusePublish(ctx, err)
		return
	}
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.SetContentType("application/json")
	fmt.Fprintf(ctx, `{"accepted":%d}`, len(batch))
}

// mayPublish checks the publish token.
func (s *Server) mayPublish(ctx *fasthttp.RequestCtx) bool {
	token := s.config.Load().Auth.PublishToken
	scheme, given, _ := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	bearer := strings.EqualFold(scheme, "Bearer") // RFC 9110 §11.1
	switch {
	case token == "":
		s.metrics.reject(publishingOff)
		refuse(ctx, fasthttp.StatusForbidden, "publishing is switched off: choose a token, set it as publish_token "+
			"under [auth] in the configuration file or as ADIC_AUTH_PUBLISH_TOKEN in the environment of adic serve, and send it as Authorization: Bearer TOKEN")
	case !bearer || !sameSecret(given, token):
		s.metrics.reject(unauthorized)
		ctx.Response.Header.Set("WWW-Authenticate", `Bearer realm="adic"`)
		refuse(ctx, fasthttp.StatusUnauthorized, "publishing needs the publish token: send it as Authorization: Bearer TOKEN")
	case s.draining.Load():
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "the router is shutting down; publish to another or again in a moment")
	default:
		return true
	}
	return false
}

// sameSecret compares in a time that tells nothing, lengths included.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// refusePublish answers for a batch that was not taken.
func (s *Server) refusePublish(ctx *fasthttp.RequestCtx, err error) {
	var bad *event.BatchError
	switch {
	case errors.Is(err, event.ErrTooLarge), errors.Is(err, actors.ErrBatchTooLarge):
		s.metrics.reject(eventTooLarge)
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge, "%v", err)
	case errors.As(err, &bad):
		s.metrics.reject(badEvent)
		writeError(ctx, fasthttp.StatusBadRequest, struct {
			Error string `json:"error"`
			Index int    `json:"index"`
		}{bad.Error(), bad.Index})
	case errors.Is(err, actors.ErrOverloaded):
		s.metrics.reject(overloaded)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrDraining):
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrInterrupted):
		s.log.Error("event error: cannot publish", "error", err)
		refuse(ctx, fasthttp.StatusInternalServerError, "%v", err)
	default:
		s.metrics.reject(badEvent)
		refuse(ctx, fasthttp.StatusBadRequest, "%v", err)
	}
}
