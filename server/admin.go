package server

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"

	"github.com/adic-network/router/config"
)

// adminConnections is how many connections the admin address takes at once: a few
// operators and scrapers.
const adminConnections = 64

// newAdmin makes the server of the admin address.
func (s *Server) newAdmin(api *config.API) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:               s.serveAdmin,
		ErrorHandler:          s.badRequest,
		ReadTimeout:           api.HeaderTimeout,
		WriteTimeout:          answerTimeout,
		IdleTimeout:           idleTimeout,
		ReadBufferSize:        api.MaxHeaderSize,
		Concurrency:           adminConnections,
		NoDefaultServerHeader: true,
		CloseOnShutdown:       true,
		Logger:                httpLog{s.log},
	}
}

// ServeAdmin serves operators from ln until Shutdown, and then returns nil. Who
// can connect to ln may do all that an operator may. It takes the last
// descriptors: an operator is to see why clients have to wait.
func (s *Server) ServeAdmin(ln net.Listener) error {
	l := &listener{Listener: ln, open: func() int64 { return 0 }, log: s.log}
	if !s.listeners.add(l) {
		return l.Close()
	}
	if err := s.admin.Serve(l); err != nil {
		return fmt.Errorf("cannot serve the admin address: %w", err)
	}
	return nil
}

const connectionsPath = "/admin/connections"

// serveAdmin is the handler of all requests to the admin address.
func (s *Server) serveAdmin(ctx *fasthttp.RequestCtx) {
	defer s.recovered(ctx)
	noSniff(ctx)
	method := string(ctx.Method())
	serve, methods := s.adminPage(string(ctx.Path()))
	switch {
	case serve == nil:
		s.metrics.reject(notFound)
		refuse(ctx, fasthttp.StatusNotFound, "no such path; the admin address has %s, /debug/pprof/, /metrics and /health", connectionsPath)
	case !slices.Contains(methods, method):
		s.metrics.reject(methodNotAllowed)
		allow := strings.Join(methods, ", ")
		ctx.Response.Header.Set("Allow", allow)
		refuse(ctx, fasthttp.StatusMethodNotAllowed, "%s is not for this path; it takes %s", methodName(method), allow)
	case method == fasthttp.MethodDelete && len(ctx.Request.Header.Peek("Origin")) > 0:
		// Any page that an operator looks at can reach a loopback address.
		s.metrics.reject(foreignOrigin)
		refuse(ctx, fasthttp.StatusForbidden, "browsers may not close connections")
	default:
		serve(ctx)
	}
}

// adminPage returns what answers at path, and to which methods; nil if there is
// nothing.
func (s *Server) adminPage(path string) (serve fasthttp.RequestHandler, methods []string) {
	methods = []string{fasthttp.MethodGet, fasthttp.MethodHead}
	switch path {
	case connectionsPath:
		return s.listConnections, methods
	case "/metrics", "/v1/metrics":
		return s.writeMetrics, methods
	case "/health", "/health/live", "/health/ready", "/v1/health/streaming":
		r, _ := routes(path)
		return func(ctx *fasthttp.RequestCtx) { r.get(s, ctx) }, methods
	}
	switch id, isConnection := strings.CutPrefix(path, connectionsPath+"/"); {
	case isConnection:
		return func(ctx *fasthttp.RequestCtx) { s.closeConnection(ctx, id) }, []string{fasthttp.MethodDelete}
	case strings.HasPrefix(path, "/debug/pprof/"):
		return pprofhandler.PprofHandler, append(methods, fasthttp.MethodPost) // `go tool pprof` posts to /symbol
	}
	return nil, nil
}
