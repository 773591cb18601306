package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// asFastAsTaken is the speed of a replay that waits for nothing.
const asFastAsTaken = 0

// parseSpeed reads the value of --replay: how many times faster than it was recorded.
func parseSpeed(text string) (speed float64, err error) {
	if text == "max" {
		return asFastAsTaken, nil
	}
	speed, err = strconv.ParseFloat(text, 64)
	if err != nil || !(speed > 0 && speed <= 1e6) {
		return 0, &usageError{fmt.Errorf("--replay must be a speed above 0, such as 1 or 10, or max, not %q", text)}
	}
	return speed, nil
}

// A replay gives the events of a recording back at their pace. Its zero value has not
// begun.
type replay struct {
	speed float64
	first time.Time    // when the first event was recorded
	began time.Time    // when it was given back
	late  atomic.Int64 // nanoseconds, at most so far
}

// errNoEvent says that a line of a recording holds no event.
var errNoEvent = errors.New("no event")

// next takes the event out of a line, and waits until it is due. An event that is late
// already does not wait: the recording catches up.
func (r *replay) next(ctx context.Context, object []byte) (event []byte, err error) {
	var line struct {
		At      *time.Time
		Event   json.RawMessage
		Dropped json.RawMessage
	}
	if err := json.Unmarshal(object, &line); err != nil || line.At == nil || line.Event == nil && line.Dropped == nil {
		return nil, &badEventError{errors.New("not a line of a recording; 'adic record' makes them, and without --replay events are published as they are")}
	}
	if line.Event == nil {
		return nil, errNoEvent
	}
	if r.speed == asFastAsTaken {
		return line.Event, nil
	}
	if r.first.IsZero() {
		r.first, r.began = *line.At, time.Now()
	}
	due := r.began.Add(time.Duration(float64(line.At.Sub(r.first)) / r.speed))
	wait := time.Until(due)
	r.late.Store(max(r.late.Load(), int64(-wait)))
	return line.Event, sleep(ctx, wait)
}
