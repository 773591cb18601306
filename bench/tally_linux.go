package bench

import (
	"cmp"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// tally is what the loop counts.
type tally struct {
	openedWebSocket, openedSSE int
	openedStalled              int
	lastOpened                 int64 // Unix nanoseconds
	connectTime                histogram
	connectsAgain              int
	refusals                   []Refusal
	connectErrors              map[string]int
	disconnects                map[string]int
	stalledDisconnects         map[string]int

	bytes                       uint64
	deliveries                  [classes]uint64
	since                       int64  // Unix nanoseconds: what is published from then on is measured
	measured                    uint64 // deliveries of that
	joining                     bool   // a client's first event is where its sequence begins
	latency                     histogram
	firstDelivery, lastDelivery int64
	duplicates, reordered       uint64
	damaged, other              uint64
	laggedMessages, uncounted   uint64
	errorMessages               uint64
	errorMessage                string
}

func newTally() tally {
	return tally{
		refusals:           []Refusal{},
		connectErrors:      make(map[string]int),
		disconnects:        make(map[string]int),
		stalledDisconnects: make(map[string]int),
	}
}

func (t *tally) delivered() uint64 {
	return t.deliveries[high] + t.deliveries[medium] + t.deliveries[low]
}

func (t *tally) countOpened(c *conn, now int64) {
	if c.sse {
		t.openedSSE++
	} else {
		t.openedWebSocket++
	}
	if c.stalled {
		t.openedStalled++
	}
	t.connectTime.record(now - c.began)
	t.lastOpened = now
}

func (t *tally) countErrorMessage(message []byte) {
	if t.errorMessages == 0 {
		t.errorMessage = brief(message)
	}
	t.errorMessages++
}

// refuse counts the refusal of c and closes it.
func (l *loop) refuse(c *conn, status int, body []byte) {
	i, ok := slices.BinarySearchFunc(l.refusals, status, func(r Refusal, status int) int {
		return cmp.Compare(r.Status, status)
	})
	if !ok {
		l.refusals = slices.Insert(l.refusals, i, Refusal{Status: status, Message: brief(body)})
	}
	l.refusals[i].Count++
	l.shut(c)
}

// end counts the end of c, which the server or an error brought about, and
// closes it. Connections that the generator is closing are not counted.
func (l *loop) end(c *conn, reason string) {
	kind := "WebSocket: "
	if c.sse {
		kind = "SSE: "
	}
	switch {
	case c.phase.opening():
		l.connectErrors[kind+reason]++
	case c.phase == open && c.stalled:
		l.stalledDisconnects[kind+reason]++
	case c.phase == open:
		l.disconnects[kind+reason]++
	}
	l.shut(c)
}

// shut closes c, if it is not closed.
func (l *loop) shut(c *conn) {
	switch {
	case c.phase == unopened || c.phase == closed:
		return
	case c.phase.opening():
		l.inFlight--
	default:
		l.open--
	}
	c.phase = closed
	c.partial, c.message, c.out = nil, nil, nil
	if c.fd >= 0 {
		unix.Close(int(c.fd)) // Nothing is left to be written that its error could be about.
	}
}

// accepted is the last sequence number of each class, or group, that was
// published.
type accepted struct {
	groups int
	last   [maxGroups]uint32
}

// of returns those of the events that c gets, by class.
func (a accepted) of(c *conn) (last [classes]uint32) {
	if a.groups > 0 {
		last[high] = a.last[int(c.index)%a.groups]
		return last
	}
	copy(last[:], a.last[:])
	return last
}

// missing says that c has not got all of the wanted classes.
func (a accepted) missing(c *conn, want [classes]bool) bool {
	for class, last := range a.of(c) {
		if want[class] && c.seq.last[class] < last {
			return true
		}
	}
	return false
}

// byClass returns how many were published of each class.
func (a accepted) byClass() (n [classes]uint64) {
	for i, last := range a.last {
		if a.groups > 0 {
			i = int(high)
		}
		if i < len(n) {
			n[i] += uint64(last)
		}
	}
	return n
}

// complete reports whether every client that reads has all events of the wanted
// classes up to last.
func (l *loop) complete(want [classes]bool, last accepted) bool {
	for i := range l.conns {
		c := &l.conns[i]
		if c.phase != open || c.paused {
			continue
		}
		if last.missing(c, want) {
			return false
		}
	}
	return true
}

// connectionReport reports on connections that began to open at began.
func (l *loop) connectionReport(began int64) ConnectionReport {
	r := ConnectionReport{
		WebSocket:          TransportReport{Wanted: l.cfg.WebSocket, Opened: l.openedWebSocket},
		SSE:                TransportReport{Wanted: l.cfg.SSE, Opened: l.openedSSE},
		TimeMS:             l.connectTime.percentiles(),
		Again:              l.connectsAgain,
		Refused:            l.refusals,
		Errors:             l.connectErrors,
		Disconnects:        l.disconnects,
		Stalled:            l.openedStalled,
		StalledDisconnects: l.stalledDisconnects,
	}
	if l.lastOpened > 0 {
		r.Seconds = time.Duration(l.lastOpened - began).Seconds()
		r.PerSecond = ratio(float64(l.openedWebSocket+l.openedSSE), r.Seconds)
	}
	return r
}

func (l *loop) deliveryReport() DeliveryReport {
	return DeliveryReport{
		Events:        byClass(l.deliveries),
		Total:         l.delivered(),
		PerSecond:     ratio(float64(l.measured), time.Duration(l.lastDelivery-l.firstDelivery).Seconds()),
		LatencyMS:     l.latency.percentiles(),
		Distribution:  l.latency.distribution(),
		Duplicates:    l.duplicates,
		Reordered:     l.reordered,
		Damaged:       l.damaged,
		Other:         l.other,
		Bytes:         l.bytes,
		ErrorMessages: l.errorMessages,
		ErrorMessage:  l.errorMessage,
	}
}

// lossReport compares what every connection missed of the events up to last
// with what it was told. It is to be called when nothing more is expected.
func (l *loop) lossReport(want [classes]bool, last accepted) LossReport {
	var lost, told, unsaid, overtold [classes]uint64
	r := LossReport{Messages: l.laggedMessages, Uncounted: l.uncounted}
	for i := range l.conns {
		c := &l.conns[i]
		if c.phase == open && last.missing(c, want) {
			r.Behind++
		}
		for class := range classes {
			// The client of a connection that was ended resumes: what it has
			// not received yet is not lost.
			if want[class] && c.phase == open {
				c.seq.finish(class, last.of(c)[class])
			}
		}
		known := c.seq.loss
		if known == nil {
			continue
		}
		r.Connections++
		if known.toldLate {
			r.ToldLate++
		}
		for class := range classes {
			lost[class] += known.lost[class]
			told[class] += known.told[class]
			switch {
			case known.unknown[class]:
			case known.lost[class] > known.told[class]:
				unsaid[class] += known.lost[class] - known.told[class]
			case c.phase == open:
				overtold[class] += known.told[class] - known.lost[class]
			}
		}
	}
	r.Lost, r.Told, r.Unsaid, r.Overtold = byClass(lost), byClass(told), byClass(unsaid), byClass(overtold)
	return r
}

// ratio is a/b, and 0 for nothing by nothing.
func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
