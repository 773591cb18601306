package server

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/event"
)

const (
	pollLimit    = 100
	pollLimitMax = 1000
	pollWaitMax  = 60 // seconds
)

// poll serves GET /v1/events.
func (s *Server) poll(ctx *fasthttp.RequestCtx) {
	if !s.hasStream(ctx) {
		return
	}
	grant, ok := s.authenticate(ctx)
	if !ok {
		return
	}
	args := ctx.QueryArgs()
	var wrong problems
	p, err := s.parseParams(args)
	wrong.note(err)
	limit, err := parseNumber("limit", args, pollLimit, 1, pollLimitMax)
	wrong.note(err)
	wait, err := parseNumber("wait", args, 0, 0, pollWaitMax)
	wrong.note(err)
	if err := wrong.err(); err != nil {
		s.refuseParams(ctx, err)
		return
	}
	if !s.confine(ctx, &p, grant) {
		return
	}
	if wait > 0 {
		// A long poll holds a goroutine and a connection, so it is limited like
		// the streams it stands in for.
		if most := s.config.Load().API.MaxSSEConnections; !s.polls.take(most) {
			s.metrics.reject(pollLimitReached)
			retryLater(ctx, "all %d long polls are taken (api.max_sse_connections); poll without wait", most)
			return
		}
		leave, ok := s.mayStay(ctx, p.user(), &s.polls)
		if !ok {
			return
		}
		defer leave()
	}
	answer := s.router.Poll(context.Background(), actors.Poll{
		Subscription: p.subscription,
		Start:        p.start,
		Limit:        limit,
		Wait:         time.Duration(wait) * time.Second,
		Grant:        p.grant,
	})
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.SetBodyRaw(appendPolled(nil, answer, p.format, p.ids))
}

// parseNumber reads a parameter from least to most.
func parseNumber(name string, args *fasthttp.Args, missing, least, most int) (int, error) {
	value := string(args.Peek(name))
	if value == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is not a number from %d to %d", name, least, most)
	}
	return n, nil
}

// appendPolled appends the answer to a poll to dst. Events go in as they are.
func appendPolled(dst []byte, answer actors.Polled, format event.Format, ids bool) []byte {
	dst = append(dst, `{"events":[`...)
	for i, e := range answer.Events {
		if i > 0 {
			dst = append(dst, ',')
		}
		if ids {
			dst = append(dst, `{"id":"`...)
			dst = e.At.AppendText(dst)
			dst = append(dst, `","event":`...)
		}
		dst = append(dst, e.JSON(format)...)
		if ids {
			dst = append(dst, '}')
		}
	}
	dst = append(dst, `],"cursor":"`...)
	dst = answer.Cursor.AppendText(dst)
	dst = append(dst, `","dropped":`...)
	if answer.Lost.IsZero() {
		return append(dst, "null}"...)
	}
	return append(answer.Lost.AppendJSON(dst), '}')
}
