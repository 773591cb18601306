package access

import (
	"sync"
	"time"
)

// Rate lets through a number of events a second, and twice as many at once. It is
// the generic cell rate algorithm: all that it keeps is the time at which all that
// came would have come at the permitted rate.
type Rate struct {
	perSecond int // 0 is no limit
	mu        sync.Mutex
	due       time.Time
}

// Burst is the most events that are ever let through at once; 0 is no limit.
func (r *Rate) Burst() int { return 2 * r.perSecond }

// Take counts n events at a time, and returns 0. Where they are too many it counts
// none, and returns how long to wait before they are not. There is no such time for
// more than Burst; a multiple of 1/perSecond is returned all the same.
func (r *Rate) Take(n int, now time.Time) (wait time.Duration) {
	if r.perSecond == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	due := r.due
	if due.Before(now) {
		due = now
	}
	due = due.Add(r.span(n))
	if wait := due.Sub(now) - r.span(r.Burst()); wait > 0 {
		return wait
	}
	r.due = due
	return 0
}

// Return gives back what was taken for events that were then not published.
func (r *Rate) Return(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = r.due.Add(-r.span(n))
}

// span is how long n events take at the permitted rate.
func (r *Rate) span(n int) time.Duration {
	if r.perSecond == 0 {
		return 0
	}
	return time.Duration(n) * (time.Second / time.Duration(r.perSecond))
}
