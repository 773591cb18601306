package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// A site is what a program serves beside the streams of its router, in the place of
// the live page.
type site struct {
	handler fasthttp.RequestHandler
	stop    context.CancelFunc // of requests, when the server ends
}

// newSite makes a site of h. Its requests have a context that ends with the server's:
// fasthttp's own is used again for the next request.
func newSite(h http.Handler) *site {
	life, stop := context.WithCancel(context.Background())
	return &site{
		handler: fasthttpadaptor.NewFastHTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(life))
		}),
		stop: stop,
	}
}

// has reports whether a path is the site's, and not one of the router's.
func (*site) has(path string) bool {
	switch path {
	case "/metrics", "/health/live", "/health/ready":
		return false
	}
	return !strings.HasPrefix(path, "/v1/")
}

func (t *site) serve(s *Server, ctx *fasthttp.RequestCtx) {
	// Which fasthttp is content with, and net/http is not.
	if _, err := url.ParseRequestURI(string(ctx.RequestURI())); err != nil {
		s.metrics.reject(malformed)
		noSniff(ctx)
		refuse(ctx, fasthttp.StatusBadRequest, "the path is not that of a URL; encode what is not a letter or digit with %%")
		return
	}
	if strings.HasPrefix(string(ctx.Path()), "/api/") && !s.mayAsk(ctx) {
		return
	}
	t.handler(ctx)
}
