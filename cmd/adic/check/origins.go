package check

import (
	"context"
	"net/http"
)

// stranger is the origin of a page that nobody has let in (RFC 6761 §6.4).
const stranger = "https://stranger.invalid"

// origins makes requests as pages of other origins do.
func (in *inspection) origins(ctx context.Context) Result {
	const remedy = "list the origin in api.cors_origins, as browsers send it: scheme, host, port if it is not the usual one; the proxy must pass Origin on and add no such header itself"
	if in.Origin != "" {
		a, err := in.get(ctx, pollPath, nil, http.Header{"Origin": {in.Origin}})
		if err != nil {
			return failed("see the log of the proxy", "%v", err)
		}
		allowed := a.header.Values("Access-Control-Allow-Origin")
		switch {
		case a.status == http.StatusForbidden:
			return failed(remedy, "a page of %s is refused: %s", in.Origin, a.says())
		case len(allowed) > 1:
			return failed("only one of router and proxy may add it: leave it to the router", "Access-Control-Allow-Origin comes %d times", len(allowed))
		case len(allowed) == 0 || allowed[0] != "*" && allowed[0] != in.Origin:
			return failed(remedy, "a page of %s may not read the answer", in.Origin)
		}
		pre, err := in.ask(ctx, http.MethodOptions, in.Router, pollPath, nil, http.Header{"Origin": {in.Origin}, "Access-Control-Request-Method": {"POST"}})
		if err != nil || pre.status >= http.StatusBadRequest || pre.header.Get("Access-Control-Allow-Origin") == "" {
			return failed("have the proxy pass OPTIONS on to the router", "the preflight of a page of %s is not answered", in.Origin)
		}
	}
	a, err := in.get(ctx, pollPath, nil, http.Header{"Origin": {stranger}})
	if err != nil {
		return failed("see the log of the proxy", "%v", err)
	}
	if a.status != http.StatusForbidden {
		return warning("name the origins in api.cors_origins instead of *, unless everybody's pages are welcome", "pages of any origin are let in")
	}
	if in.Origin == "" {
		return ok("pages of strangers are refused; check your own with --origin")
	}
	return ok("pages of %s are let in, those of strangers are not", in.Origin)
}
