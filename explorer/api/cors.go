package api

import (
	"net/http"

	"github.com/adic-network/router/config"
)

// cors writes what every answer says of origins, and reports whether a page of the
// origin of the request may read it. What is served is for everybody, so that others
// are answered as well: their browsers keep it from them.
func (h *Handler) cors(w http.ResponseWriter, r *http.Request) bool {
	head := w.Header()
	head.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || config.SameOrigin(origin, r.Host) {
		return true
	}
	if !config.AllowsOrigin(h.origins(), origin) {
		return false
	}
	head.Set("Access-Control-Allow-Origin", origin)
	head.Set("Access-Control-Expose-Headers", "ETag, Retry-After")
	return true
}

// preflight answers OPTIONS, of browsers that ask first and of others.
func (h *Handler) preflight(a *answer, shared bool) {
	head := a.w.Header()
	head.Set("Allow", allow)
	if !shared {
		a.refuse(http.StatusForbidden, "this origin is not allowed; explorer.cors_origins (CORS_ORIGINS) lists those that are")
		return
	}
	if a.r.Header.Get("Origin") != "" {
		head.Set("Access-Control-Allow-Methods", allow)
		head.Set("Access-Control-Allow-Headers", "Accept, If-None-Match")
		head.Set("Access-Control-Max-Age", "600")
	}
	a.status = http.StatusNoContent
	a.w.WriteHeader(a.status)
}
