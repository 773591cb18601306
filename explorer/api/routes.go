package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxID is the most bytes of an identifier in a path.
const maxID = 4 << 10

// A route is what a path answers to.
type route struct {
	// path has the segment {…} where an identifier is.
	path string
	// answer returns what is sent as JSON. id is what is in the path's {…}. An error
	// that is no refusal is one of the store's.
	answer func(h *Handler, ctx context.Context, p *params, id string) (any, error)
	// of is what an identifier that is not found is one of.
	of string
	// page marks a path of the frontend, which has no answer of its own.
	page bool
	// volatile marks answers that nobody keeps.
	volatile bool
}

// routes are all paths there are but those of the frontend's files.
var routes = []route{
	{path: "/api/v1/messages", answer: (*Handler).messages},
	{path: "/api/v1/messages/{id}", answer: (*Handler).message, of: "message"},
	{path: "/api/v1/tips", answer: (*Handler).tips},
	{path: "/api/v1/addresses", answer: (*Handler).addresses},
	{path: "/api/v1/addresses/{address}", answer: (*Handler).address, of: "address"},
	{path: "/api/v1/validators", answer: (*Handler).validators},
	{path: "/api/v1/proposals", answer: (*Handler).proposals},
	{path: "/api/v1/proposals/{id}", answer: (*Handler).proposal, of: "proposal"},
	{path: "/api/v1/timeline/{id}", answer: (*Handler).timeline},
	{path: "/api/v1/events", answer: (*Handler).events},
	{path: "/api/v1/events/{seq}", answer: (*Handler).event, of: "event"},
	{path: "/api/v1/stats", answer: (*Handler).stats},
	{path: "/api/v1/stats/series", answer: (*Handler).statsSeries},
	{path: "/api/v1/search", answer: (*Handler).search},
	{path: "/api/v1/openapi.json", answer: (*Handler).description},
	{path: "/health", answer: (*Handler).health, volatile: true},
	{path: "/health/streaming", answer: (*Handler).streaming, volatile: true},

	{path: "/", page: true},
	{path: "/messages", page: true},
	{path: "/messages/{id}", page: true},
	{path: "/addresses", page: true},
	{path: "/addresses/{address}", page: true},
	{path: "/validators", page: true},
	{path: "/proposals", page: true},
	{path: "/proposals/{id}", page: true},
	{path: "/timeline/{id}", page: true},
	{path: "/events", page: true},
	{path: "/events/{seq}", page: true},
	{path: "/search", page: true},
}

// match returns the route of a path as it came, and the identifier in it, in which a
// slash is written %2F.
func match(escaped string) (r *route, id string, ok bool) {
	for i := range routes {
		r = &routes[i]
		before, _, named := strings.Cut(r.path, "{")
		if !named {
			if escaped == r.path {
				return r, "", true
			}
			continue
		}
		rest, below := strings.CutPrefix(escaped, before)
		if below && rest != "" && !strings.Contains(rest, "/") {
			return r, rest, true
		}
	}
	return nil, "", false
}

// identifier returns an identifier as it was before it was written into a path.
func identifier(escaped string) (string, error) {
	id, err := url.PathUnescape(escaped)
	switch {
	case err != nil || !utf8.ValidString(id):
		return "", refuse(http.StatusBadRequest, "the identifier in the path is not text in UTF-8, percent-encoded; encode it so")
	case len(id) > maxID:
		return "", refuse(http.StatusRequestURITooLong, "the identifier in the path is longer than %d bytes; begin with less of it at GET /api/v1/search?q=", maxID)
	}
	return id, nil
}
