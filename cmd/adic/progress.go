package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// progress tells on standard error how a run of `adic emit` is going: on a
// terminal while it runs, and everywhere what went wrong and how it ended.
type progress struct {
	out      io.Writer
	terminal bool
	started  time.Time
	updated  time.Time
	shown    bool // the cursor is in a line to be overwritten
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, terminal: isTerminal(out), started: time.Now()}
}

// clearLine moves to the start of the line and empties it (ECMA-48 EL).
const clearLine = "\r\x1b[K"

func (p *progress) update(e *emitter) {
	const interval = 100 * time.Millisecond
	if !p.terminal || time.Since(p.updated) < interval {
		return
	}
	p.updated = time.Now()
	p.shown = true
	fmt.Fprint(p.out, clearLine, p.state(e))
}

func (p *progress) report(err error) {
	p.clear()
	fmt.Fprintln(p.out, "adic:", err)
}

func (p *progress) summary(e *emitter) {
	p.clear()
	fmt.Fprintln(p.out, p.state(e))
	if e.replay != nil {
		if late := time.Duration(e.replay.late.Load()).Round(10 * time.Millisecond); late > 0 {
			fmt.Fprintf(p.out, "adic: up to %v behind the recording\n", late)
		}
	}
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, clearLine)
		p.shown = false
	}
}

func (p *progress) state(e *emitter) string {
	rate := float64(e.accepted) / max(time.Since(p.started).Seconds(), 1e-3)
	return fmt.Sprintf("%s accepted, %s refused, %s retried, %s events/s",
		thousands(e.accepted), thousands(e.refused), thousands(e.retried), thousands(uint64(rate)))
}

// thousands writes n with commas between groups of three digits.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// isTerminal reports whether w is a terminal, or at least a device that looks
// like one.
func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
