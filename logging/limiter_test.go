package logging

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// logTo returns a log through a Limiter without times.
func logTo(out *sink) (*slog.Logger, *Limiter, *metrics.Counter) {
	h := slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	suppressed := metrics.NewSet().NewCounter("suppressed")
	l := NewLimiter(h, suppressed)
	return slog.New(l), l, suppressed
}

// A message is written as often as the limit allows in each window, others beside
// it, and what is missing is told at the end of the window by itself.
func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		log, limiter, suppressed := logTo(&out)
		for i := range limitLines + 7 {
			log.With("connection", i).Info("client left")
		}
		log.Info("something else")
		if got := strings.Count(out.String(), "client left"); got != limitLines {
			t.Errorf("%d lines were written, want %d", got, limitLines)
		}
		if !strings.Contains(out.String(), "something else") {
			t.Error("another message was suppressed as well")
		}
		out.reset()
		time.Sleep(limitWindow + time.Second)
		synctest.Wait()
		const note = `level=INFO msg="lines left out: too many with the same message" message="client left" lines=7` + "\n"
		if out.String() != note {
			t.Errorf("after the window: %s, want %s", out.String(), note)
		}

		out.reset()
		for range limitLines + 2 { // the next window, ended by the end of the process
			log.Warn("client left")
		}
		limiter.Flush()
		limiter.Flush()
		last := strings.Replace(strings.Replace(note, "lines=7", "lines=2", 1), "INFO", "WARN", 1)
		if !strings.HasSuffix(out.String(), last) || strings.Count(out.String(), "left out") != 1 {
			t.Errorf("at the end: %s, want %s", out.String(), last)
		}
		if suppressed.Get() != 9 {
			t.Errorf("%d lines are counted, want 9", suppressed.Get())
		}
		time.Sleep(limitWindow) // for the timers
	})
}

// However many messages there are, the memory they take is bounded.
func TestLimiterBoundsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		log, limiter, suppressed := logTo(&out)
		for i := range 10 * limitMessages {
			log.Info(fmt.Sprint("message ", i))
		}
		if n := len(limiter.shared.all); n > limitMessages+1 {
			t.Errorf("%d messages are kept", n)
		}
		if written := strings.Count(out.String(), "\n"); written != limitMessages+limitLines ||
			suppressed.Get() != uint64(10*limitMessages-written) {
			t.Errorf("%d lines written, %d suppressed", written, suppressed.Get())
		}
		time.Sleep(limitWindow) // for the timers
	})
}
