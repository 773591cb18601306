package server

import (
	"strings"

	"github.com/valyala/fasthttp"
)

// route is what a path answers to, by method. HEAD goes with GET.
type route struct {
	get, post func(s *Server, ctx *fasthttp.RequestCtx)
	// guarded paths are for same-origin and allowed browser origins only.
	guarded bool
	// limited answers requests that come too often, and reports whether it did not.
	limited func(s *Server, ctx *fasthttp.RequestCtx) (ok bool)
	// metrics are not for everyone where api.enable_metrics is off.
	metrics bool
}

// routes are all paths there are.
func routes(path string) (r route, ok bool) {
	switch path {
	case "/":
		r = route{get: (*Server).landing}
	case "/v1/ws/events":
		r = route{get: (*Server).websocket, guarded: true, limited: (*Server).mayBegin}
	case "/v1/sse/events":
		r = route{get: (*Server).sseStream, guarded: true, limited: (*Server).mayBegin}
	case "/v1/events":
		r = route{get: (*Server).poll, post: (*Server).publish, guarded: true, limited: (*Server).mayAsk}
	case "/v1/events/types":
		r = route{get: (*Server).eventTypes}
	case "/health":
		r = route{get: (*Server).health}
	case "/health/live":
		r = route{get: (*Server).live}
	case "/health/ready":
		r = route{get: (*Server).ready}
	case "/v1/health/streaming":
		r = route{get: (*Server).streamingHealth}
	case "/metrics", "/v1/metrics":
		r = route{get: (*Server).writeMetrics, metrics: true}
	default:
		return r, false
	}
	return r, true
}

// allow is the value of an Allow header.
func (r route) allow() string {
	methods := []string{"GET", "HEAD"}
	if r.post != nil {
		methods = append(methods, "POST")
	}
	return strings.Join(append(methods, "OPTIONS"), ", ")
}

// serve is the handler of all requests.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	defer s.recovered(ctx)
	noSniff(ctx)
	if s.draining.Load() {
		ctx.SetConnectionClose() // the next request is for another process
	}
	allowed := s.cors(ctx)
	r, ok := routes(string(ctx.Path()))
	if !ok || r.metrics && !s.config.Load().API.EnableMetrics {
		s.metrics.reject(notFound)
		refuse(ctx, fasthttp.StatusNotFound, "no such path; GET / lists those there are")
		return
	}
	if r.get != nil && string(ctx.Path()) == "/" && isUpgrade(ctx) {
		r = route{get: (*Server).websocket, guarded: true, limited: (*Server).mayBegin} // `artillery quick` drops the path
	}
	method := string(ctx.Method())
	if method == fasthttp.MethodOptions {
		s.preflight(ctx, r, allowed)
		return
	}
	if r.guarded && !allowed {
		s.metrics.reject(foreignOrigin)
		refuse(ctx, fasthttp.StatusForbidden, "this origin is not allowed; api.cors_origins lists those that are")
		return
	}
	if r.limited != nil && !r.limited(s, ctx) {
		return
	}
	switch {
	case method == fasthttp.MethodGet || method == fasthttp.MethodHead:
		r.get(s, ctx)
	case method == fasthttp.MethodPost && r.post != nil:
		r.post(s, ctx)
	default:
		s.metrics.reject(methodNotAllowed)
		ctx.Response.Header.Set("Allow", r.allow())
		refuse(ctx, fasthttp.StatusMethodNotAllowed, "%s is not for this path; it takes %s", methodName(method), r.allow())
	}
}

// noSniff is on every answer: an answer is what its Content-Type says, and no page
// or script that happens to be in it (Fetch §3.6).
func noSniff(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
}

// methodName is what of a method may be repeated to its sender.
func methodName(method string) string {
	switch method {
	case "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE":
		return method
	}
	return "this method"
}
