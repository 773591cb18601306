package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/adic-network/router/config"
)

// newLogger makes the logger that log.level and log.format ask for. The level can
// be changed later through level.
func newLogger(w io.Writer, c config.Log, level *slog.LevelVar) (*slog.Logger, error) {
	l, err := parseLevel(c.Level)
	if err != nil {
		return nil, err
	}
	level.Set(l)
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}

func parseLevel(name string) (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return 0, fmt.Errorf("cannot use log.level: %w", err)
	}
	return level, nil
}
