package api

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/adic-network/router/explorer/store"
)

// allow are the methods of every path.
const allow = "GET, HEAD, OPTIONS"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	path := r.URL.EscapedPath()
	to, id, ok := match(path)
	if ok && to.page && h.assets == nil {
		to, ok = nil, false
	}
	a := &answer{w: w, r: r}
	defer func() { h.metrics.note(to, a.status, time.Since(begin)) }()
	defer h.recovered(a)

	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	shared := h.cors(w, r)
	asset, isAsset := h.asset(path)
	switch {
	case !ok && !isAsset:
		h.notFound(a, path)
	case r.Method == http.MethodOptions:
		h.preflight(a, shared)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", allow)
		a.refuse(http.StatusMethodNotAllowed, "this path takes "+allow+" only")
	case isAsset:
		a.sendAsset(asset)
	case to.page:
		h.page(a, path, http.StatusOK)
	default:
		h.data(a, to, id)
	}
}

// data answers a route that has JSON.
func (h *Handler) data(a *answer, to *route, escaped string) {
	id, err := identifier(escaped)
	if err != nil {
		h.fail(a, to, id, err)
		return
	}
	// A client that left ends the query, as far as the server can tell.
	ctx, cancel := context.WithTimeout(a.r.Context(), h.queries)
	defer cancel()
	// The text of a request belongs to the server, which may use its memory again; a
	// query that is given up may still be read by then.
	v, err := to.answer(h, ctx, parseParams(strings.Clone(a.r.URL.RawQuery)), strings.Clone(id))
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			err = cause // whatever the database makes of it
		}
		h.fail(a, to, id, err)
		return
	}
	a.w.Header().Set("Cache-Control", "no-cache") // it may be kept, but has to be asked for
	if to.volatile {
		a.w.Header().Set("Cache-Control", "no-store")
	}
	status := http.StatusOK
	if s, ok := v.(statuser); ok {
		status = s.httpStatus()
	}
	if err := a.sendJSON(status, v); err != nil {
		h.fail(a, to, id, err)
	}
}

// A statuser is an answer whose status is not always 200.
type statuser interface{ httpStatus() int }

// fail answers with an error. What is not for the client goes into the log.
func (h *Handler) fail(a *answer, to *route, id string, err error) {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		a.refuse(refused.status, refused.text)
	case errors.Is(err, store.ErrNotFound):
		a.refuse(http.StatusNotFound, "no "+to.of+" "+quote(id)+" is known; GET /api/v1/search?q= finds those that begin with a text")
	case errors.Is(err, context.Canceled):
		a.unavailable("the client left, or the explorer is shutting down; try again")
	case errors.Is(err, context.DeadlineExceeded):
		h.log.Warn("a query took too long", "route", to.path, "limit", h.queries, "error", err)
		a.unavailable("the database took longer than " + h.queries.String() + "; ask for less, with a shorter span or fewer types, or try again")
	case errors.Is(err, store.ErrUnavailable):
		h.log.Warn("the database is not available", "route", to.path, "error", err)
		a.unavailable("the database is not available at the moment; try again")
	default:
		h.log.Error("cannot answer a request", "route", to.path, "error", err)
		a.refuse(http.StatusInternalServerError, "internal error; the log of the explorer has the cause")
	}
}

// notFound answers requests for what is not there: with a page for who looks at one.
func (h *Handler) notFound(a *answer, path string) {
	if h.assets != nil && path != "/api" && !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, assetPath) {
		a.w.Header().Add("Vary", "Accept")
		reads := a.r.Method == http.MethodGet || a.r.Method == http.MethodHead
		if reads && strings.Contains(a.r.Header.Get("Accept"), "text/html") {
			h.page(a, path, http.StatusNotFound)
			return
		}
	}
	a.refuse(http.StatusNotFound, "no such path; GET /api/v1/openapi.json describes those there are, and a slash in an identifier is written %2F")
}

// recovered answers a request whose handler panicked.
func (h *Handler) recovered(a *answer) {
	failure := recover()
	if failure == nil {
		return
	}
	if failure == http.ErrAbortHandler { // compared as net/http does
		panic(failure)
	}
	h.metrics.panics.Inc()
	h.log.Error("internal error in a request", "path", strings.Clone(a.r.URL.Path), "error", failure, "stack", string(debug.Stack()))
	a.refuse(http.StatusInternalServerError, "internal error; the log of the explorer has the cause")
}
