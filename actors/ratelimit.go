package actors

import "time"

// rateLimit lets through a number of messages a second, and twice that at once.
// It is the generic cell rate algorithm: the one word it keeps is the time at
// which all that came would have come at the permitted rate.
type rateLimit struct{ due time.Duration }

// allow counts a message at the time at, which may count from any moment, and
// reports whether it is within the rate. A rate of 0 or less is no limit.
func (r *rateLimit) allow(at time.Duration, perSecond int) bool {
	if perSecond <= 0 {
		return true
	}
	cost := time.Second / time.Duration(perSecond)
	due := max(r.due, at)
	if due-at > time.Duration(2*perSecond-1)*cost {
		return false
	}
	r.due = due + cost
	return true
}
