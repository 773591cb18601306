package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server/page"
	"github.com/adic-network/router/web"
)

// Options make a Server. Reload changes what the configuration allows to change.
type Options struct {
	Config    config.Config
	Router    *actors.Router
	Catalogue *event.Catalogue
	Metrics   *metrics.Set // the set that the router was made with
	Log       *slog.Logger
	Version   string
	// Publisher takes what is published; nil is the Router.
	Publisher Publisher
	// Reasons returns more reasons why the health is degraded; nil is none. It is
	// called by any goroutine.
	Reasons func() []string
	// Instance names this process, Upstream those that it has its events from, the
	// nearest first: by them a relay finds a loop. Upstream may be nil; it is called
	// by any goroutine.
	Instance string
	Upstream func() []string
	// Site, if not nil, answers all paths but those of the router's own below /v1,
	// /metrics, /health/live and /health/ready: there is no live page then. It sets all
	// headers of its answers, and is called by many goroutines at once. What is below
	// /api is for a client to ask as often as limits.requests_per_second lets it. The context of
	// its requests ends with the server, and not when a client leaves.
	Site http.Handler
}

// Server serves one router. Its methods are safe for concurrent use.
type Server struct {
	config    atomic.Pointer[config.Config]
	tokens    atomic.Pointer[access.Tokens]
	door      atomic.Pointer[door]
	router    *actors.Router
	catalogue *event.Catalogue
	parser    *event.Parser
	set       *metrics.Set
	log       *slog.Logger
	version   string

	events   Publisher
	reasons  func() []string
	instance string
	upstream func() []string

	http       *fasthttp.Server
	admin      *fasthttp.Server
	upgrader   websocket.FastHTTPUpgrader
	listeners  listeners
	transports *transports
	tls        *certificate // nil without TLS
	metrics    *counters
	handshakes atomic.Int64 // that became streams
	types      typesPage
	page       map[string]web.Asset
	site       *site // nil without one

	websockets slots
	sse        slots
	polls      slots
	promised   promised
	admission  *admission
	trusted    atomic.Pointer[proxies]
	draining   atomic.Bool
}

const (
	idleTimeout = 60 * time.Second
	// answerTimeout is how long a client may take for an answer that is not a stream.
	answerTimeout = 60 * time.Second
	// forcedAfter is how much longer than drain_timeout a shutdown may take
	// before what is left is cut off.
	forcedAfter = 5 * time.Second
	// askTimeout is how long a shutdown waits for requests of connections that were
	// accepted just before an inherited listener was ended.
	askTimeout = time.Second
)

// New prepares a server; Serve starts it.
func New(o Options) (*Server, error) {
	var secure *certificate
	if api := o.Config.API; api.TLSCert != "" {
		var err error
		if secure, err = loadCertificate(api.TLSCert, api.TLSKey, o.Log); err != nil {
			return nil, err
		}
	}
	assets, err := web.Assets(page.Files)
	if err != nil {
		return nil, err
	}
	t, err := newTransports()
	if err != nil {
		return nil, err
	}
	s := &Server{
		router:    o.Router,
		catalogue: o.Catalogue,
		parser: &event.Parser{
			Catalogue: o.Catalogue, MaxEventSize: o.Config.Stream.MaxEventSize, Now: time.Now,
		},
		set:        o.Metrics,
		log:        o.Log,
		version:    o.Version,
		transports: t,
		tls:        secure,
		types:      newTypesPage(o.Catalogue),
		page:       assets,
		admission:  newAdmission(),
		events:     o.Publisher,
		reasons:    o.Reasons,
		instance:   o.Instance,
		upstream:   o.Upstream,
	}
	if s.upstream == nil {
		s.upstream = func() []string { return nil }
	}
	if s.events == nil {
		s.events = o.Router
	}
	if o.Site != nil {
		s.site = newSite(o.Site)
	}
	s.metrics = newCounters(s)
	if err := s.Reload(o.Config); err != nil {
		return nil, errors.Join(err, t.close())
	}
	s.upgrader = websocket.FastHTTPUpgrader{
		// The upgrader's buffers are of no use to us and garbage at once.
		ReadBufferSize: 128, WriteBufferSize: 128,
		Subprotocols: []string{subprotocol},
		CheckOrigin:  func(*fasthttp.RequestCtx) bool { return true }, // checked before
		Error:        s.handshakeError,
	}
	s.http = &fasthttp.Server{
		Handler:                      s.serve,
		ErrorHandler:                 s.badRequest,
		ExpectHandler:                s.expect,
		ReadTimeout:                  o.Config.API.HeaderTimeout,
		HeaderReceived:               s.allowBody,
		ConnState:                    s.promised.follow,
		WriteTimeout:                 answerTimeout,
		IdleTimeout:                  idleTimeout,
		MaxIdleWorkerDuration:        tidyInterval, // a rush leaves hundreds behind, with their stacks
		ReadBufferSize:               o.Config.API.MaxHeaderSize,
		MaxRequestBodySize:           o.Config.Stream.MaxBodySize,
		NoDefaultServerHeader:        true,
		DisablePreParseMultipartForm: true,
		// Without it Close does nothing on a hijacked connection, and its wrapper
		// goes to another one.
		KeepHijackedConns: true,
		// Otherwise each stream leaves a read buffer of max_header_size behind
		// for the garbage collector.
		ReduceMemoryUsage: true,
		CloseOnShutdown:   true,
		Logger:            httpLog{o.Log},
	}
	s.admin = s.newAdmin(&o.Config.API)
	return s, nil
}

// allowBody gives a request with a body the time for it that its head does not
// get.
func (s *Server) allowBody(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	if h.IsPost() {
		c.ReadTimeout = s.config.Load().API.BodyTimeout
	}
	return c
}

// Serve accepts connections from ln until Shutdown, and then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	return s.accept(&listener{Listener: ln, open: s.connections, log: s.log})
}

// ServeInherited is Serve for a listener that the service manager holds as well and
// gives to the next process. Shutdown ends it first, and not last.
func (s *Server) ServeInherited(ln net.Listener) error {
	return s.accept(&listener{Listener: ln, inherited: true, open: s.connections, log: s.log})
}

func (s *Server) accept(l *listener) error {
	if !s.listeners.add(l) {
		return l.Close()
	}
	defer newTidy(s.moves).close()
	if err := s.http.Serve(s.secured(l)); err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	return nil
}

// Alive fails if connections are not accepted from a listener any more.
func (s *Server) Alive(timeout time.Duration) error {
	if !s.listeners.alive(timeout) {
		return fmt.Errorf("no connection could be accepted for %v", timeout)
	}
	return nil
}

// secured is ln, with TLS where that is configured.
func (s *Server) secured(ln net.Listener) net.Listener {
	if s.tls == nil {
		return ln
	}
	return &tlsListener{ln, s.tls.config()}
}

// connections is how many there are, of all kinds.
func (s *Server) connections() int64 {
	return int64(s.http.GetOpenConnectionsCount()) + s.websockets.taken.Load() + s.sse.taken.Load()
}

// moves is how many streams have begun and how many have ended, in sum.
func (s *Server) moves() int64 {
	began := s.handshakes.Load()
	return began + began - s.websockets.taken.Load() - s.sse.taken.Load()
}

// Reload puts in force what config allows to change while running, and a new
// certificate. An error says what is wrong with c, which then changes nothing.
func (s *Server) Reload(c config.Config) error {
	tokens, err := access.NewTokens(c.Auth, s.catalogue, s.tokens.Load())
	if err != nil {
		return err
	}
	who, err := newAuthenticator(c.Auth, tokens, s.catalogue, s.log)
	if err != nil {
		return err
	}
	trusted, err := c.API.TrustedNetworks()
	if err != nil {
		return err
	}
	for _, p := range tokens.Publishers() {
		s.metrics.published(p.Name) // so that it is there before the first event
	}
	s.tokens.Store(tokens)
	s.door.Store(&door{who})
	s.trusted.Store((*proxies)(&trusted))
	s.config.Store(&c)
	if s.tls != nil {
		s.tls.reload()
	}
	return nil
}

// Shutdown drains: it refuses what is new, with the listener still open so that
// load balancers see why; has the router deliver what was accepted and close its
// connections over drain_timeout; and then ends the listener. A listener that was
// inherited is ended first instead: who comes then is for the next process. What
// has not ended some seconds after drain_timeout, or when ctx is done, is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.handBack(ctx); err != nil {
		return err
	}
	s.draining.Store(true)
	spread := s.config.Load().Stream.DrainTimeout
	bounded, cancel := context.WithTimeout(ctx, spread+forcedAfter)
	defer cancel()
	switch err := s.router.Drain(bounded, spread); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, context.DeadlineExceeded):
		s.log.Warn("some clients had not read everything when the time to drain was over", "connections", s.router.Status().Connections)
	default:
		s.log.Error("event error: cannot drain", "error", err)
	}
	s.router.HangUp()
	if err := s.listeners.close(); err != nil {
		return fmt.Errorf("cannot close the listener: %w", err)
	}
	closing, cancel := context.WithTimeout(ctx, forcedAfter)
	defer cancel()
	for _, h := range []*fasthttp.Server{s.http, s.admin} {
		switch err := h.ShutdownWithContext(closing); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			// Whoever has connected and not asked for anything yet is waited for in
			// vain, and is no reason to fail.
			s.log.Warn("some requests had not ended when the time to drain was over", "connections", h.GetOpenConnectionsCount())
		case err != nil:
			return fmt.Errorf("cannot end the requests under way: %w", err)
		}
	}
	if s.site != nil {
		s.site.stop()
	}
	return s.transports.close()
}

// handBack ends the listeners that were inherited, and lets those in that were
// accepted before: they have not asked yet, and an EventSource that is refused now
// never comes back.
func (s *Server) handBack(ctx context.Context) error {
	inherited, err := s.listeners.handBack()
	if err != nil {
		return fmt.Errorf("cannot close the inherited listener: %w", err)
	}
	if !inherited {
		return nil
	}
	for end := time.Now().Add(askTimeout); ctx.Err() == nil && time.Now().Before(end); time.Sleep(alivePoll) {
		if s.http.GetOpenConnectionsCount() < 0 { // it takes one off for Serve, which has returned
			break
		}
	}
	return nil
}

// LongestShutdown is how long Shutdown may take.
func (s *Server) LongestShutdown() time.Duration {
	return s.config.Load().Stream.DrainTimeout + askTimeout + 2*forcedAfter
}

// httpLog is where fasthttp's own messages go: they are about single requests
// that went wrong on the client's side.
type httpLog struct{ log *slog.Logger }

// Printf implements fasthttp.Logger. Errors over what was read quote it, and it may
// hold a token (SecureErrorLogMessage leaves out half of that): of errors only
// those of the network and of TLS are said.
func (l httpLog) Printf(format string, args ...any) {
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = unquoted(err)
		}
	}
	l.log.Debug("http: a request failed", "error", fmt.Sprintf(format, args...))
}

// unquoted is what of err holds nothing that a client sent.
func unquoted(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(*net.OpError); ok || strings.HasPrefix(err.Error(), "tls: ") {
			return err.Error()
		}
	}
	return "cannot read this as an HTTP request"
}
