package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

// recordOptions are the flags of `adic record`.
type recordOptions struct {
	followOptions
	output   string
	duration time.Duration
}

func newRecordCommand() *cobra.Command {
	var o recordOptions
	cmd := &cobra.Command{
		Use:   "record [URL]",
		Short: "Record a router's events with their timing, to be played back by emit",
		Long: `Record a router's events, one JSON object a line: when it came, the cursor behind
it, and the event. 'adic emit --replay=1 FILE' publishes them again at the same pace.

  {"at":"2024-01-15T10:30:00.123456789Z","id":"3f9c02aa71be-1f-0-2c","event":{...}}
  {"at":"2024-01-15T10:30:01.5Z","dropped":{"high":0,"medium":3,"low":120}}

The second line is of events that were lost because this client was too slow. It
ends after --count events, after --duration, or with Ctrl-C, which is no failure.`,
		Example: `  adic record --output day.ndjson --duration 24h https://router.example.org
  adic record --events 'MessageAdded' --count 1000 | gzip > added.ndjson.gz`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := defaultURL
			if len(args) == 1 {
				target = args[0]
			}
			return runRecord(cmd, target, o)
		},
	}
	o.addTo(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "-", "`FILE` to write, which must not be there yet; - is standard output")
	cmd.Flags().DurationVar(&o.duration, "duration", 0, "end after so long (default never)")
	return cmd
}

func runRecord(cmd *cobra.Command, target string, o recordOptions) (err error) {
	if o.duration < 0 {
		return &usageError{fmt.Errorf("--duration must be 0 or more, not %v", o.duration)}
	}
	notices := &lockedWriter{w: cmd.ErrOrStderr()}
	c, err := o.open(target, notices)
	if err != nil {
		return err
	}
	defer c.Close()
	out := cmd.OutOrStdout()
	if o.output != "-" {
		file, err := os.OpenFile(o.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("cannot record: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	r := &recorder{out: out, now: time.Now}
	for e, err := range c.Events(ctx) {
		if ctx.Err() != nil {
			break
		}
		if err := r.take(e, err); err != nil {
			return err
		}
		if r.events == o.count && o.count > 0 {
			break
		}
	}
	_, err = fmt.Fprintf(notices, "%s events recorded, %s losses\n", thousands(r.events), thousands(r.losses))
	return err
}

// recorder writes what a stream carries.
type recorder struct {
	out            io.Writer
	now            func() time.Time
	events, losses uint64
}

// record is a line of a recording: an event, or a loss.
type record struct {
	At      time.Time       `json:"at"`
	ID      string          `json:"id,omitempty"`
	Event   json.RawMessage `json:"event,omitempty"`
	Dropped *lossCounts     `json:"dropped,omitempty"`
}

// lossCounts are written as the protocol does.
type lossCounts event.Dropped

func (l *lossCounts) MarshalJSON() ([]byte, error) { return event.Dropped(*l).AppendJSON(nil), nil }

func (r *recorder) take(e client.Event, err error) error {
	line := record{At: r.now().UTC()}
	var gap *client.Gap
	switch {
	case errors.As(err, &gap):
		r.losses++
		line.Dropped = (*lossCounts)(&gap.Dropped)
	case err != nil:
		return errors.New(oneLine(err))
	default:
		r.events++
		line.ID, line.Event = e.ID, e.Data
	}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("cannot record an event: %w", err)
	}
	if _, err := r.out.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("cannot record: %w", err)
	}
	return nil
}
