package server

import (
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

// streamParams are the parameters that all three ways to get events share.
type streamParams struct {
	subscription actors.Subscription
	start        actors.Start
	format       event.Format
	ids          bool
	heartbeat    bool
}

// parseParams reads the query. It reports everything that is wrong with it.
// Parameters that it does not know are left to proxies and caches, and ignored.
func (s *Server) parseParams(args *fasthttp.Args) (p streamParams, err error) {
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	p.subscription.Types, p.subscription.All, err = s.catalogue.ParseTypesParam(string(args.Peek("events")))
	note(err)
	p.subscription.Priorities, err = event.ParsePriorities(string(args.Peek("priority")))
	note(err)
	p.format, err = event.ParseFormat(string(args.Peek("format")))
	note(err)
	p.start, err = parseSince(string(args.Peek("since")))
	note(err)
	p.ids, err = parseSwitch("ids", args, false)
	note(err)
	p.heartbeat, err = parseSwitch("heartbeat", args, true)
	note(err)
	if len(problems) > 0 {
		return p, fmt.Errorf("%s", strings.Join(problems, "; "))
	}
	return p, nil
}

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
