package logging

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	// A message may be logged limitLines times in limitWindow.
	limitLines  = 100
	limitWindow = 10 * time.Second
	// limitMessages is how many messages are told apart. There are some dozens;
	// should one be made of what a client sent, it does not cost memory.
	limitMessages = 500
)

// Limiter is a slog.Handler that bounds the rate of each message. What tells
// messages apart is their text: attributes are what differs between connections.
type Limiter struct {
	slog.Handler
	shared *windows
}

// windows are the messages of late, shared by all that derive from one Limiter.
type windows struct {
	root       slog.Handler // for notes, without anybody's attributes
	suppressed *metrics.Counter

	mu  sync.Mutex
	all map[string]*window
}

// window is a message's present one.
type window struct {
	message string
	level   slog.Level // the highest of the lines suppressed
	end     time.Time
	lines   int
	missing int
}

// NewLimiter returns a Limiter in front of h. suppressed counts the lines that it
// keeps back.
func NewLimiter(h slog.Handler, suppressed *metrics.Counter) *Limiter {
	return &Limiter{h, &windows{root: h, suppressed: suppressed, all: make(map[string]*window)}}
}

// Handle implements slog.Handler.
func (l *Limiter) Handle(ctx context.Context, r slog.Record) error {
	if !l.shared.allow(r.Message, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l *Limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Limiter{l.Handler.WithAttrs(attrs), l.shared}
}

// WithGroup implements slog.Handler.
func (l *Limiter) WithGroup(name string) slog.Handler {
	return &Limiter{l.Handler.WithGroup(name), l.shared}
}

// Flush tells of what was suppressed so far and not told yet.
func (l *Limiter) Flush() {
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	for _, w := range l.shared.all {
		l.shared.tell(w)
	}
}

func (ws *windows) allow(message string, level slog.Level) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	now := time.Now()
	w := ws.all[message]
	if w == nil && len(ws.all) >= limitMessages {
		message = "(others)"
		w = ws.all[message]
	}
	if w == nil {
		w = &window{message: message}
		ws.all[message] = w
	}
	if !now.Before(w.end) {
		ws.tell(w)
		w.lines, w.end = 0, now.Add(limitWindow)
	}
	if w.lines < limitLines {
		w.lines++
		return true
	}
	if w.missing == 0 { // somebody has to tell, also if the message never comes again
		w.level = level
		time.AfterFunc(time.Until(w.end), func() {
			ws.mu.Lock()
			defer ws.mu.Unlock()
			if !time.Now().Before(w.end) {
				ws.tell(w)
			}
		})
	}
	w.level = max(w.level, level)
	w.missing++
	ws.suppressed.Inc()
	return false
}

// tell writes how many lines of w are missing, if any are.
func (ws *windows) tell(w *window) {
	if w.missing == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), w.level, "lines left out: too many with the same message", 0)
	r.AddAttrs(slog.String("message", w.message), slog.Int("lines", w.missing))
	w.missing = 0
	// As with every line of slog, there is nobody to tell of an error.
	_ = ws.root.Handle(context.Background(), r)
}
