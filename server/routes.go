package server

import (
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/config"
)

// route is what a path answers to, by method. HEAD goes with GET.
type route struct {
	path, what string // what is in docs/protocol.md
	get        func(s *Server, ctx *fasthttp.RequestCtx)
	post       func(s *Server, ctx *fasthttp.RequestCtx)
	postWhat   string
	// guarded paths are for same-origin and allowed browser origins only.
	guarded bool
	// limited answers requests that come too often, and reports whether it did not.
	limited func(s *Server, ctx *fasthttp.RequestCtx) (ok bool)
	// metrics are not for everyone where api.enable_metrics is off.
	metrics bool
	// page is there unless api.live_page is off.
	page bool
}

// served are all paths there are, but for the files of the live page.
var served = []route{
	{path: "/v1/ws/events", what: "WebSocket stream", get: (*Server).websocket, guarded: true, limited: (*Server).mayBegin},
	{path: "/v1/sse/events", what: "Server-Sent Events stream", get: (*Server).sseStream, guarded: true, limited: (*Server).mayBegin},
	{path: "/v1/events", what: "the same events by polling, `wait=SECONDS` for long-polling", get: (*Server).poll,
		post: (*Server).publish, postWhat: "publish", guarded: true, limited: (*Server).mayAsk},
	{path: "/v1/events/types", what: "the event types of this router, as JSON", get: (*Server).eventTypes},
	{path: "/v1/health/streaming", what: "health of the streams", get: (*Server).streamingHealth},
	{path: "/health", what: "health of the process", get: (*Server).health},
	{path: "/health/live", what: "whether it runs", get: (*Server).live},
	{path: "/health/ready", what: "whether it takes new clients; 503 while it drains", get: (*Server).ready},
	{path: "/metrics", what: "metrics for Prometheus", get: (*Server).writeMetrics, metrics: true},
	{path: "/v1/metrics", what: "the same", get: (*Server).writeMetrics, metrics: true},
	{path: "/", what: "the live page, for people (`api.live_page`); a WebSocket upgrade is served as `/v1/ws/events`", get: (*Server).livePage, page: true},
}

// routes finds a path among all there are.
func routes(path string) (r route, ok bool) {
	for i := range served {
		if served[i].path == path {
			return served[i], true
		}
	}
	if strings.HasPrefix(path, assetPath) {
		return route{get: (*Server).livePage, page: true}, true
	}
	return r, false
}

// off reports whether the configuration has taken the path away.
func (r route) off(api *config.API) bool {
	return r.metrics && !api.EnableMetrics || r.page && !api.LivePage
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
	if s.draining.Load() {
		ctx.SetConnectionClose() // the next request is for another process
	}
	path := string(ctx.Path())
	if path == "/" && isUpgrade(ctx) {
		path = "/v1/ws/events" // `artillery quick` drops the path
	}
	if s.site != nil && s.site.has(path) {
		s.site.serve(s, ctx)
		return
	}
	noSniff(ctx)
	allowed := s.cors(ctx)
	r, ok := routes(path)
	if !ok || r.off(&s.config.Load().API) {
		s.notFound(ctx)
		return
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

// notFound answers requests for what is not there, or was switched off.
func (s *Server) notFound(ctx *fasthttp.RequestCtx) {
	s.metrics.reject(notFound)
	hint := "GET / lists those there are"
	if !s.config.Load().API.LivePage {
		hint = "the page that lists those there are is switched off (api.live_page)"
	}
	refuse(ctx, fasthttp.StatusNotFound, "no such path; %s", hint)
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
