package check

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/adic-network/router/event"
)

// A page is an answer to polling.
type page struct {
	Events []struct {
		ID    string
		Event struct{ Type string }
	}
	Cursor  string
	Dropped *json.RawMessage
}

// poll polls once. What is not a page is an answer to look at.
func (in *inspection) poll(ctx context.Context, query url.Values) (*page, *answer, error) {
	a, err := in.get(ctx, pollPath, query, nil)
	if err != nil {
		return nil, nil, err
	}
	var p page
	if a.status != http.StatusOK || json.Unmarshal(a.body, &p) != nil || p.Cursor == "" {
		return nil, a, nil
	}
	return &p, nil, nil
}

func (in *inspection) polling(ctx context.Context) Result {
	_, refused, err := in.poll(ctx, nil)
	switch {
	case err != nil:
		return failed("see the log of the router, and of the proxy", "%v", err)
	case refused != nil && refused.status == http.StatusOK:
		return failed("does the proxy pass /v1/events on, with its query?", "the answer is not a page of events")
	case refused != nil:
		return refusal(refused)
	}
	return ok("answers with a cursor")
}

// filters asks for one type, and wants that and no other.
func (in *inspection) filters(ctx context.Context) Result {
	if len(in.seen.types) == 0 {
		return skipped("the catalogue could not be read")
	}
	name := in.seen.types[0]
	query := url.Values{"events": {name}}
	const remedy = "does the proxy pass the query on?"
	if in.seen.webSocket {
		s, refused, err := in.dial(ctx, query)
		if err != nil || refused != nil {
			return failed(remedy, "a WebSocket for %s cannot be opened", name)
		}
		defer s.close()
		ctx, cancel := context.WithTimeout(ctx, in.Patience)
		defer cancel()
		m, err := s.next(ctx)
		if err != nil || !slices.Equal(m.Events, []string{name}) {
			return failed(remedy, "a WebSocket for %s has %s", name, clip(strings.Join(m.Events, ", ")))
		}
	}
	query.Set("since", "earliest")
	p, refused, err := in.poll(ctx, query)
	if err != nil || refused != nil {
		return failed(remedy, "polling for %s is not answered with a page of events", name)
	}
	for _, e := range p.Events {
		if e.Event.Type != "" && e.Event.Type != name { // the tagged and the flat form have it at one place
			return failed(remedy, "asked for %s, and got %s", name, clip(e.Event.Type))
		}
	}
	return ok("who asks for %s gets nothing else", name)
}

func (in *inspection) badRequests(ctx context.Context) Result {
	const name = "NoSuchEvent"
	a, err := in.get(ctx, pollPath, url.Values{"events": {name}}, nil)
	if err != nil {
		return failed("see the log of the proxy", "%v", err)
	}
	if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), name) {
		return failed("does the proxy pass the query on, and the router's errors back?", "a filter with a mistake was answered %s", a.says())
	}
	return ok("a filter with a mistake is answered with 400 and its name")
}

// resume goes on after a retained event, and wants the one behind it.
func (in *inspection) resume(ctx context.Context) Result {
	const remedy = "does a load balancer send clients to routers that do not share their events? See docs/scaling.md"
	p, refused, err := in.poll(ctx, url.Values{"since": {"earliest"}, "ids": {"true"}, "limit": {"2"}})
	if err != nil || refused != nil {
		return failed("see the check of polling", "the retained events cannot be polled")
	}
	if len(p.Events) < 2 {
		return skipped("fewer than two events are retained: publish some, or start with --demo, and check again")
	}
	first, second := p.Events[0].ID, p.Events[1].ID
	rest, refused, err := in.poll(ctx, url.Values{"since": {first}, "ids": {"true"}, "limit": {"1000"}})
	if err != nil || refused != nil {
		return failed(remedy, "the cursor of an event is not taken")
	}
	if !sameStream(first, rest.Cursor) {
		return failed(remedy, "another stream answered to the cursor")
	}
	for _, e := range rest.Events {
		if e.ID == first {
			return failed(remedy, "the event of a cursor came again after it")
		}
		if e.ID == second {
			return in.resumeStream(ctx, first)
		}
	}
	if rest.Dropped != nil && string(*rest.Dropped) != "null" {
		return skipped("events came too fast: the next one was no longer retained, and that was told")
	}
	if len(rest.Events) == 0 {
		return failed("is the URL that of one router?", "nothing came after the cursor of the first event")
	}
	// More important ones came meanwhile, and first, with positions of their own.
	return in.resumeStream(ctx, first)
}

// resumeStream goes on after a retained event as a browser's EventSource does.
func (in *inspection) resumeStream(ctx context.Context, after string) Result {
	if !in.seen.sse {
		return ok("who polls with a cursor gets what came after it")
	}
	s, refused, err := in.subscribe(ctx, nil, http.Header{"Last-Event-Id": {after}})
	if err != nil || refused != nil {
		return failed("see the check of SSE", "an event stream that comes back is not opened")
	}
	defer s.close()
	for {
		text, err := s.line(in.Patience)
		if err != nil {
			return failed("have the proxy pass the header Last-Event-ID on", "an event stream that comes back gets nothing of what came meanwhile")
		}
		if id, ok := strings.CutPrefix(text, "id: "); ok {
			return cameBack(after, id)
		}
	}
}

// cameBack judges the first event after a cursor.
func cameBack(after, id string) Result {
	switch {
	case id == after:
		return failed("does something in between keep answers (a cache)?", "the event of a cursor came again after it")
	case !sameStream(after, id):
		return failed("see docs/scaling.md: routers behind one URL have to share their events", "another stream answered to the cursor")
	}
	return ok("who comes back with a cursor gets what came after it, over polling and SSE")
}

// sameStream reports whether two cursors are of one stream.
func sameStream(a, b string) bool {
	first, err := event.ParseCursor(a)
	if err != nil {
		return false
	}
	second, err := event.ParseCursor(b)
	return err == nil && first.Epoch == second.Epoch
}

// lookAtStream is how many requests are made to see whether one router answers.
const lookAtStream = 8

// oneStream wants all requests to be answered from one stream: by one router, or by
// routers that share their events.
func (in *inspection) oneStream(ctx context.Context) Result {
	streams := make(map[event.Epoch]bool)
	for range lookAtStream {
		p, refused, err := in.poll(ctx, nil)
		if err != nil || refused != nil {
			return skipped("polling does not work")
		}
		c, err := event.ParseCursor(p.Cursor)
		if err != nil {
			return failed("is this the router that the other checks saw?", "the cursor is none of a router's")
		}
		streams[c.Epoch] = true
	}
	if len(streams) > 1 {
		return failed("keep each client on one router (nginx: ip_hash or hash $remote_addr consistent), or have the routers share one stream (cluster.nats, source.relay)",
			"%d requests were answered from %d streams: who reconnects loses events", lookAtStream, len(streams))
	}
	return ok("%d requests were answered from one stream", lookAtStream)
}
