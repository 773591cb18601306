package actors

import (
	"context"
	"time"

	"github.com/adic-network/router/event"
)

// Poll asks for events once, for clients that can hold no stream.
type Poll struct {
	Subscription Subscription
	Start        Start
	Limit        int           // events at most; at least 1
	Wait         time.Duration // how long to wait for the first event
	Grant        *Grant        // if not nil, bounds Subscription, and Wait
}

// Polled is the answer to a Poll.
type Polled struct {
	Events []PolledEvent
	Cursor event.Cursor // where to go on
	Lost   event.Dropped
}

// PolledEvent is an event and the cursor after it.
type PolledEvent struct {
	*event.Event
	At event.Cursor
}

// waiter is a long poll that waits for events of a set.
type waiter struct {
	set  event.TypeSet
	come chan struct{} // holds one
}

func (w *waiter) notify() {
	select {
	case w.come <- struct{}{}:
	default:
	}
}

// Poll reads what there is, high before medium before low, and waits for it if
// there is nothing. It returns early, and empty, when ctx is done or the router
// drains.
func (r *Router) Poll(ctx context.Context, p Poll) Polled {
	s := r.stream()
	at, lost := s.begin(p.Start)
	p.Subscription.confine(p.Grant, r.catalogue)
	if p.Grant != nil && !p.Grant.Expires.IsZero() {
		p.Wait = min(p.Wait, time.Until(p.Grant.Expires))
	}
	set := p.Subscription.wanted(r.catalogue)
	if answer, found := r.readPast(ctx, s, &at, lost, &set, p.Limit); found {
		return answer
	}
	answer := r.read(s, &at, lost, &set, p.Limit)
	if p.Wait <= 0 || len(answer.Events) > 0 {
		return answer
	}

	w := &waiter{set: set, come: make(chan struct{}, 1)}
	r.sendQueue(&await{w})
	defer r.sendQueue(&forget{w})
	timeout := time.NewTimer(p.Wait)
	defer timeout.Stop()
	for len(answer.Events) == 0 {
		select {
		case <-w.come:
			if r.stream() != s {
				return answer // the next one finds out
			}
			answer = r.read(s, &at, answer.Lost, &set, p.Limit)
		case <-timeout.C:
			return answer
		case <-ctx.Done():
			return answer
		case <-r.drained:
			return answer
		}
	}
	return answer
}

// read takes up to limit events after at. A loss is told with the first event
// after it, so one that comes to light in mid-read ends it.
func (r *Router) read(s *stream, at *reader, lost event.Dropped, set *event.TypeSet, limit int) Polled {
	found := at.catchUp(s, set)
	r.metrics.drop(found)
	lost.Add(found)
	answer := Polled{Lost: lost}
	for p := event.High; p <= event.Low; p++ { // as in Connection.look
		at.next(s, p, set)
	}
	for p := event.High; p <= event.Low && len(answer.Events) < limit; {
		e, overtaken := at.next(s, p, set)
		switch {
		case overtaken:
			if len(answer.Events) == 0 {
				return r.read(s, at, lost, set, limit)
			}
			p = event.Low + 1
		case e == nil:
			p++
		default:
			at.pos[p] = e.Seq
			answer.Events = append(answer.Events, PolledEvent{e, at.cursor(s)})
		}
	}
	answer.Cursor = at.cursor(s)
	return answer
}
