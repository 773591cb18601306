package server

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// streamParams are the parameters that all three ways to get events share.
type streamParams struct {
	subscription actors.Subscription
	start        actors.Start
	format       event.Format
	ids          bool
	heartbeat    bool
	window       time.Duration

	// Of a client with a token; see confine.
	grant  *actors.Grant
	verify func(token string) (actors.Grant, error)
}

// A parameter is one of the query of a stream or a poll. read is nil for those that
// are read elsewhere.
type parameter struct {
	name, values, without string // for docs/protocol.md
	read                  func(p *streamParams, s *Server, args *fasthttp.Args) error
}

var parameters = []parameter{
	{"events", "names, aliases and prefixes (`vrf.*`), separated by commas; `all`", "all",
		func(p *streamParams, s *Server, args *fasthttp.Args) (err error) {
			p.subscription.Types, p.subscription.All, err = s.parseEvents(string(args.Peek("events")))
			return err
		}},
	{"priority", "`high`, `medium`, `low`, separated by commas; `all`", "all",
		func(p *streamParams, _ *Server, args *fasthttp.Args) (err error) {
			p.subscription.Priorities, err = event.ParsePriorities(string(args.Peek("priority")))
			return err
		}},
	{"format", "`flat` or `tagged`", "`flat`",
		func(p *streamParams, _ *Server, args *fasthttp.Args) (err error) {
			p.format, err = event.ParseFormat(string(args.Peek("format")))
			return err
		}},
	{"since", "a cursor, or `earliest` for all that is retained", "what comes from now on",
		func(p *streamParams, _ *Server, args *fasthttp.Args) (err error) {
			p.start, err = parseSince(string(args.Peek("since")))
			return err
		}},
	{"ids", "`true`: WebSocket messages and polled events carry their cursor", "`false`",
		func(p *streamParams, _ *Server, args *fasthttp.Args) (err error) {
			p.ids, err = parseSwitch("ids", args, false)
			return err
		}},
	{"heartbeat", "`false`: no comments on an event stream", "`true`",
		func(p *streamParams, _ *Server, args *fasthttp.Args) (err error) {
			p.heartbeat, err = parseSwitch("heartbeat", args, true)
			return err
		}},
	{"batch_delay", "`20ms`: what comes within it is sent together", "at once (`stream.batch_delay`)",
		func(p *streamParams, s *Server, args *fasthttp.Args) (err error) {
			p.window, err = parseWindow(string(args.Peek("batch_delay")), s.config.Load().Stream)
			return err
		}},
	{"token", "access token, for clients that cannot set a header", "", nil},
	{"limit", fmt.Sprintf("of polling: 1 to %d events", pollLimitMax), fmt.Sprint(pollLimit), nil},
	{"wait", fmt.Sprintf("of polling: 0 to %d seconds to wait for an event", pollWaitMax), "0", nil},
}

// parseParams reads the query. It reports everything that is wrong with it.
// Parameters that it does not know are left to proxies and caches, and ignored.
func (s *Server) parseParams(args *fasthttp.Args) (p streamParams, err error) {
	var wrong problems
	for i := range parameters {
		if read := parameters[i].read; read != nil {
			wrong.note(read(&p, s, args))
		}
	}
	return p, wrong.err()
}

// user is whose connection it is, or "".
func (p *streamParams) user() string {
	if p.grant == nil {
		return ""
	}
	return p.grant.Subject
}

// errNames is in the error for a subscription with more names than are taken.
var errNames = errors.New("too many names")

func (s *Server) parseEvents(value string) (set event.TypeSet, all bool, err error) {
	if n, most := strings.Count(value, ",")+1, s.config.Load().Limits.MaxSubscription; n > most {
		return set, false, fmt.Errorf("events has %w: %d, at most %d are taken (limits.max_subscription); a prefix such as vrf.* is one", errNames, n, most)
	}
	return s.catalogue.ParseTypesParam(value)
}

// refuseParams answers a query that parseParams found something wrong with.
func (s *Server) refuseParams(ctx *fasthttp.RequestCtx, err error) {
	why := badParameter
	if errors.Is(err, errNames) {
		why = subscriptionTooLarge
	}
	s.metrics.reject(why)
	refuse(ctx, fasthttp.StatusBadRequest, "%v", err)
}

// problems are what is wrong with a query, to be reported all at once.
type problems []error

func (p *problems) note(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Error implements error.
func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns each of the problems, for errors.Is.
func (p problems) Unwrap() []error { return p }

func parseSince(value string) (actors.Start, error) {
	switch value {
	case "":
		return actors.FromNow(), nil
	case "earliest":
		return actors.FromEarliest(), nil
	}
	c, err := event.ParseCursor(value)
	if err != nil {
		return actors.Start{}, fmt.Errorf("since: %w", err)
	}
	return actors.FromCursor(c), nil
}

// parseWindow reads the delivery window that a client asks for.
func parseWindow(value string, stream config.Stream) (time.Duration, error) {
	if value == "" {
		return stream.BatchDelay, nil
	}
	window, err := time.ParseDuration(value)
	switch {
	case err != nil || window < 0:
		return 0, errors.New("batch_delay is not a time such as 20ms")
	case window > stream.MaxBatchDelay:
		return 0, fmt.Errorf("batch_delay is over the %s that this router allows", stream.MaxBatchDelay)
	}
	return window, nil
}

func parseSwitch(name string, args *fasthttp.Args, missing bool) (bool, error) {
	switch string(args.Peek(name)) {
	case "":
		return missing, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither true nor false", name)
}
