package server

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// Publisher takes what is published, all of it or none: a router of its own, or the
// cluster that it is part of. Errors are those of package actors; any goroutine may
// call it.
type Publisher interface {
	// Publish returns when the events are accepted.
	Publish(batch []*event.Event) error
	// PublishOnce is Publish for a batch that may come again: before says that it
	// was accepted before.
	PublishOnce(batch []*event.Event, key actors.IdempotencyKey) (before bool, err error)
	// PublishedOnce reports whether PublishOnce is known to find that.
	PublishedOnce(key actors.IdempotencyKey) (before bool, err error)
}

// publish serves POST /v1/events.
func (s *Server) publish(ctx *fasthttp.RequestCtx) {
	who := s.publisher(ctx)
	if who == nil {
		return
	}
	key, err := idempotencyKey(ctx, who)
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
	before, err := s.emit(who, batch, key)
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

// errBeyondRate is in the error for a batch that no rate lets through.
var errBeyondRate = errors.New("more than this publisher's rate lets through at once")

// rateError says that a publisher's rate is used up, and for how long.
type rateError struct{ wait time.Duration }

func (e *rateError) Error() string {
	return "this publisher's rate is used up; publish again when Retry-After says"
}

// emit publishes a batch, as far as the publisher's rate allows. What is not
// published does not count, and what was published before needs no rate: then
// before is true.
func (s *Server) emit(who *access.Publisher, batch []*event.Event, key *actors.IdempotencyKey) (before bool, err error) {
	n := len(batch)
	if most := who.Rate.Burst(); most > 0 && n > most {
		return false, fmt.Errorf("%d events are %w; publish at most %d at a time", n, errBeyondRate, most)
	}
	if wait := who.Rate.Take(n, time.Now()); wait > 0 {
		if key != nil {
			if before, err := s.events.PublishedOnce(*key); before || err != nil {
				return before, err
			}
		}
		return false, &rateError{wait}
	}
	if key == nil {
		err = s.events.Publish(batch)
	} else {
		before, err = s.events.PublishOnce(batch, *key)
	}
	if before || err != nil && !errors.Is(err, actors.ErrInterrupted) {
		who.Rate.Return(n)
	}
	return before, err
}

// maxIdempotencyKey is the length of the longest key, in bytes.
const maxIdempotencyKey = 128

// idempotencyKey returns the Idempotency-Key of a request, or nil if it has none
// (draft-ietf-httpapi-idempotency-key-header-07 §2.1). The key is any text without
// spaces: quotes, which the draft asks for, are a part of it.
func idempotencyKey(ctx *fasthttp.RequestCtx, who *access.Publisher) (*actors.IdempotencyKey, error) {
	keys := ctx.Request.Header.PeekAll("Idempotency-Key")
	if len(keys) == 0 {
		return nil, nil
	}
	key := string(keys[0])
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(keys) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, odd) {
		return nil, fmt.Errorf("Idempotency-Key must be one text of 1 to %d visible ASCII characters, new for each batch, such as a UUID", maxIdempotencyKey)
	}
	once := actors.NewIdempotencyKey(who.Name, key, ctx.PostBody())
	return &once, nil
}

// refusePublish answers for a batch that was not taken.
func (s *Server) refusePublish(ctx *fasthttp.RequestCtx, err error) {
	var bad *event.BatchError
	var rate *rateError
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
	case errors.Is(err, actors.ErrJournal):
		s.metrics.reject(journalFull)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrNotStored):
		s.metrics.reject(notStored)
		retryLater(ctx, "%v", err)
	case errors.Is(err, actors.ErrFollows):
		s.metrics.reject(publishingOff)
		refuse(ctx, fasthttp.StatusConflict, "%v", err)
	case errors.Is(err, actors.ErrDraining):
		s.metrics.reject(shuttingDown)
		retryLater(ctx, "%v", err)
	case errors.Is(err, errBeyondRate):
		s.metrics.reject(publishRate)
		refuse(ctx, fasthttp.StatusRequestEntityTooLarge, "%v", err)
	case errors.As(err, &rate):
		s.metrics.reject(publishRate)
		refuse(ctx, fasthttp.StatusTooManyRequests, "%v", err)
		retryAfter(ctx, rate.wait)
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
