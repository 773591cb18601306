package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// publish serves POST /v1/events. What may refuse a batch is asked in the order
// of what it costs; the rate is last, so that only what is published counts.
func (s *Server) publish(ctx *fasthttp.RequestCtx) {
	who := s.publisher(ctx)
	if who == nil {
		return
	}
	key, err := idempotencyKey(ctx)
	if err != nil {
		s.metrics.reject(badParameter)
		refuse(ctx, fasthttp.StatusBadRequest, "%v", err)
		return
	}
	batch, err := s.parser.ParseBatch(ctx.PostBody())
	if err == nil {
		err = s.permit(who, batch)
	}
	if err != nil {
		s.refusePublish(ctx, err)
		return
	}
	if !s.withinRate(ctx, who, len(batch)) {
		return
	}
	var before bool
	if key == "" {
		err = s.router.Publish(batch)
	} else {
		before, err = s.router.PublishOnce(batch, actors.NewIdempotencyKey(who.Name, key, ctx.PostBody()))
	}
	if before || err != nil && !errors.Is(err, actors.ErrInterrupted) {
		who.Rate.Return(len(batch)) // nothing was published
	}
	if err != nil {
		s.refusePublish(ctx, err)
		return
	}
	if before {
		ctx.Response.Header.Set("Idempotency-Replayed", "true")
	} else {
		s.metrics.published(who.Name).Add(len(batch))
	}
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.SetContentType("application/json")
	// A batch that came before had the same body, and so as many events.
	fmt.Fprintf(ctx, `{"accepted":%d}`, len(batch))
}

// publisher returns who publishes, or nil: then the request is answered.
func (s *Server) publisher(ctx *fasthttp.RequestCtx) *access.Publisher {
	tokens := s.tokens.Load()
	if len(tokens.Publishers()) == 0 {
		s.metrics.reject(publishingOff)
		refuse(ctx, fasthttp.StatusForbidden, "publishing is switched off: let 'adic token new NAME' make a token, and put the lines that it prints "+
			"into the configuration file of adic serve; or choose a token and set it as publish_token under [auth] or as ADIC_AUTH_PUBLISH_TOKEN; "+
			"then send it as Authorization: Bearer TOKEN")
		return nil
	}
	scheme, given, _ := strings.Cut(string(ctx.Request.Header.Peek("Authorization")), " ")
	who, err := tokens.Publisher(given)
	switch {
	case err != nil || !strings.EqualFold(scheme, "Bearer"): // RFC 9110 §11.1
		s.metrics.reject(unauthorized)
		ctx.Response.Header.Set("WWW-Authenticate", `Bearer realm="adic"`)
		refuse(ctx, fasthttp.StatusUnauthorized, "publishing needs the token of a publisher: send it as Authorization: Bearer TOKEN")
	case s.draining.Load():
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "the router is shutting down; publish to another or again in a moment")
	default:
		return who
	}
	return nil
}

// errNotPermitted is in the error for an event that a publisher may not publish.
var errNotPermitted = errors.New("is not among the types that this publisher may publish")

// permit reports the first event of a batch whose type is not the publisher's.
func (s *Server) permit(who *access.Publisher, batch []*event.Event) error {
	for i, e := range batch {
		if !who.Types.Has(e.Type) {
			return &event.BatchError{Index: i, Err: fmt.Errorf("%s %w", s.catalogue.Type(e.Type).Name, errNotPermitted)}
		}
	}
	return nil
}

// withinRate counts n events of a publisher, unless they are too many: then the
// request is answered.
func (s *Server) withinRate(ctx *fasthttp.RequestCtx, who *access.Publisher, n int) bool {
	if most := who.Rate.Burst(); most > 0 && n > most {
		s.metrics.reject(publishRate)
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge, "%d events are more than this publisher's rate lets through at once; publish at most %d at a time", n, most)
		return false
	}
	wait := who.Rate.Take(n, time.Now())
	if wait == 0 {
		return true
	}
	s.metrics.reject(publishRate)
	refuse(ctx, fasthttp.StatusTooManyRequests, "this publisher's rate is used up; publish again when Retry-After says")
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return false
}

// maxIdempotencyKey is the length of the longest key, in bytes.
const maxIdempotencyKey = 128

// idempotencyKey returns the Idempotency-Key of a request, or "" if it has none
// (draft-ietf-httpapi-idempotency-key-header-07 §2.1). The key is any text without
// spaces: quotes, which the draft asks for, are a part of it.
func idempotencyKey(ctx *fasthttp.RequestCtx) (string, error) {
	keys := ctx.Request.Header.PeekAll("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	key := string(keys[0])
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, odd) {
		return "", fmt.Errorf("Idempotency-Key must be one text of 1 to %d visible ASCII characters, new for each batch, such as a UUID", maxIdempotencyKey)
	}
	return key, nil
}

// refusePublish answers for a batch that was not taken.
func (s *Server) refusePublish(ctx *fasthttp.RequestCtx, err error) {
	var bad *event.BatchError
	switch {
	case errors.Is(err, event.ErrTooLarge), errors.Is(err, actors.ErrBatchTooLarge):
		s.metrics.reject(eventTooLarge)
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge, "%v", err)
	case errors.As(err, &bad):
		status, why := fasthttp.StatusBadRequest, badEvent
		if errors.Is(err, errNotPermitted) {
			status, why = fasthttp.StatusForbidden, typeNotAllowed
		}
		s.metrics.reject(why)
		writeError(ctx, status, struct {
			Error string `json:"error"`
			Index int    `json:"index"`
		}{bad.Error(), bad.Index})
	case errors.Is(err, actors.ErrOverloaded):
		s.metrics.reject(overloaded)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrDraining):
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrKeyReused):
		s.metrics.reject(keyReused)
		refuse(ctx, fasthttp.StatusUnprocessableEntity, "%v", err)
	case errors.Is(err, actors.ErrInterrupted):
		s.log.Error("event error: cannot publish", "error", err)
		refuse(ctx, fasthttp.StatusInternalServerError, "%v", err)
	default:
		s.metrics.reject(badEvent)
		refuse(ctx, fasthttp.StatusBadRequest, "%v", err)
	}
}
