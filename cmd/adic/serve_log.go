package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/logging"
)

// newLogger makes the logger that log.level and log.format ask for. The level can
// be changed later through level. Nobody who logs waits for w, which may be a full
// disk or a pipe that nobody reads. The caller calls end at the end, to have
// written what is left.
func newLogger(w io.Writer, c config.Log, level *slog.LevelVar, set *metrics.Set) (log *slog.Logger, end func(), err error) {
	l, err := parseLevel(c.Level)
	if err != nil {
		return nil, nil, err
	}
	level.Set(l)
	signal.Ignore(syscall.SIGPIPE) // which Go dies of when standard error is a pipe without a reader

	var note bytes.Buffer
	notes := newLogHandler(&note, c.Format, nil)
	background := logging.NewWriter(w, func(lines uint64) []byte {
		note.Reset()
		r := slog.NewRecord(time.Now(), slog.LevelError, "lines are missing here: the log could not be written fast enough", 0)
		r.AddAttrs(slog.Uint64("lines", lines))
		_ = notes.Handle(context.Background(), r) // to a buffer: cannot fail
		return note.Bytes()
	}, set.NewCounter("adic_log_lines_dropped_total"))
	limited := logging.NewLimiter(newLogHandler(background, c.Format, level), set.NewCounter("adic_log_lines_suppressed_total"))
	return slog.New(limited), func() { limited.Flush(); background.Close() }, nil
}

func newLogHandler(w io.Writer, format string, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

func parseLevel(name string) (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, fmt.Errorf("cannot use log.level: %w", err)
	}
	return level, nil
}
