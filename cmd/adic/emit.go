package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// emitOptions are the flags of `adic emit`.
type emitOptions struct {
	url      string
	token    string
	ca       string
	rate     float64
	batch    int
	retryFor time.Duration
	replay   string
	skipBad  bool
}

func newEmitCommand() *cobra.Command {
	var o emitOptions
	cmd := &cobra.Command{
		Use:   "emit [FILE...]",
		Short: "Publish events from files or standard input",
		Long: `Publish events from files, or from standard input without a FILE or where FILE
is -. Events are JSON objects, one a line (NDJSON) or spread over several, or
JSON arrays of them.

Events are sent in batches and in order; what arrives slowly is sent at once. A
router that is overloaded is given the time it asks for. Each batch has an
Idempotency-Key, so that it is safe to send it again when the answer is lost. An
event that the router refuses is reported with its file and line, and ends the
command after everything before it was published; with --skip-bad it is left out.

The exit status is 0 if every event was accepted, 1 if not, 2 for a bad command
line, and 130 after Ctrl-C.`,
		Example: `  adic emit events.ndjson
  adic emit --rate 100 --url https://router.example.org day1.ndjson day2.ndjson
  node-logs | ADIC_TOKEN=secret adic emit
  adic emit --replay 10 day.ndjson                 a recording, ten times as fast
  echo '{"type":"MessageAdded","message_id":"ab12","depth":42}' | adic emit`,
		RunE: func(cmd *cobra.Command, args []string) error { return runEmit(cmd, args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.url, "url", defaultURL, "the router")
	f.StringVar(&o.token, "token", "", "publish token (default: the environment's ADIC_TOKEN)")
	addCAFlag(cmd, &o.ca)
	f.Float64Var(&o.rate, "rate", 0, "`EVENTS` a second; 0 is as fast as they are taken")
	f.IntVar(&o.batch, "batch", 100, "the most events in one request")
	f.DurationVar(&o.retryFor, "retry-for", time.Minute, "how long to go on when the router is overloaded or does not answer")
	f.StringVar(&o.replay, "replay", "", "play a recording of 'adic record' back, at `SPEED` times the pace it had, or max")
	f.BoolVar(&o.skipBad, "skip-bad", false, "leave out events that are refused, instead of ending there")
	return cmd
}

func runEmit(cmd *cobra.Command, files []string, o emitOptions) error {
	switch {
	case !(o.rate >= 0):
		return &usageError{fmt.Errorf("--rate must be 0 or more events a second, not %v", o.rate)}
	case o.batch < 1:
		return &usageError{fmt.Errorf("--batch must be 1 or more events, not %d", o.batch)}
	case o.retryFor < 0:
		return &usageError{fmt.Errorf("--retry-for must be 0 or more, not %v", o.retryFor)}
	case o.replay != "" && o.rate > 0:
		return &usageError{errors.New("--replay has a pace of its own: leave out --rate")}
	}
	var recording *replay
	if o.replay != "" {
		speed, err := parseSpeed(o.replay)
		if err != nil {
			return err
		}
		recording = &replay{speed: speed}
	}
	router, err := parseRouter(o.url)
	if err != nil {
		return err
	}
	transport, err := newTransport(o.ca)
	if err != nil {
		return err
	}
	inputs, err := openInputs(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer closeInputs(inputs)
	if o.token == "" {
		o.token = os.Getenv("ADIC_TOKEN")
	}

	ctx, stop := interruptible(cmd.Context())
	defer stop()
	client := &http.Client{
		Transport: transport,
		Timeout:   30 * time.Second,
		// A redirect may turn a POST into a GET; better to show it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	e := &emitter{
		publisher: publisher{client: client, url: router.JoinPath("v1/events"), token: o.token, retryFor: o.retryFor, sleep: sleep},
		options:   o,
		replay:    recording,
		progress:  newProgress(cmd.ErrOrStderr()),
	}
	err = e.emit(ctx, inputs)
	e.progress.summary(e)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return err
	case e.refused > 0:
		return fmt.Errorf("%d of %d events were refused", e.refused, e.accepted+e.refused)
	}
	return nil
}

// An input is a file with events.
type input struct {
	name string
	io.Reader
}

// openInputs opens all files before the first event is published, so that a
// misspelt name does not leave the job half done.
func openInputs(files []string, stdin io.Reader) ([]input, error) {
	if len(files) == 0 {
		files = []string{"-"}
	}
	var inputs []input
	for _, name := range files {
		if name == "-" {
			inputs = append(inputs, input{"standard input", stdin})
			continue
		}
		file, err := os.Open(name)
		if err != nil {
			closeInputs(inputs)
			return nil, fmt.Errorf("cannot read events: %w", err)
		}
		inputs = append(inputs, input{name, file})
	}
	return inputs, nil
}

// closeInputs closes what openInputs opened, which standard input was before.
func closeInputs(inputs []input) {
	for _, in := range inputs {
		if file, ok := in.Reader.(*os.File); ok && file != os.Stdin {
			file.Close() // nothing can be lost by closing what was only read
		}
	}
}

// An emitter is a run of `adic emit`.
type emitter struct {
	publisher
	options  emitOptions
	progress *progress
	replay   *replay // nil where events are published as they are
	refused  uint64
	due      time.Time // of the next event, if there is a rate
}

// errStopped ends a run at an event that was refused and reported.
var errStopped = errors.New("stopped at an event that was refused; everything before it was published (--skip-bad goes on)")

const (
	// linger is how long an event waits for others to share its request.
	linger = 10 * time.Millisecond
	// maxBatchSize is the size of a request, in bytes, at which it is sent
	// even if it holds fewer events than it may.
	maxBatchSize = 1 << 20
)

// emit publishes all events of inputs, in order.
func (e *emitter) emit(ctx context.Context, inputs []input) error {
	e.due = time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // lets readInputs go
	lines := make(chan line, 16)
	go e.readInputs(ctx, inputs, lines)

	for {
		batch, bad, more := collect(ctx, lines, e.limit())
		if err := e.pace(ctx, len(batch)); err != nil {
			return err
		}
		if err := e.send(ctx, batch); err != nil {
			return err
		}
		if bad.err != nil {
			if err := e.refuse(bad, bad.err); err != nil {
				return err
			}
		}
		if !more {
			return ctx.Err()
		}
	}
}

// A line is an event, or an err, and where it was read.
type line struct {
	file   string
	number int
	event  []byte
	err    error
}

func (l line) place() string { return fmt.Sprintf("%s:%d", l.file, l.number) }

// readInputs sends what it reads to lines until the end of the last input, the
// first error of a file, or the end of ctx, and then closes it. A Read that
// blocks is not interrupted by ctx.
func (e *emitter) readInputs(ctx context.Context, inputs []input, lines chan<- line) {
	defer close(lines)
	for _, in := range inputs {
		r := newEventReader(in)
		for {
			object, number, err := r.next()
			if err == io.EOF {
				break
			}
			if e.replay != nil {
				if errors.Is(err, errCutShort) {
					break // the recorder was killed in writing it
				}
				if err == nil {
					object, err = e.replay.next(ctx, object)
				}
			}
			if errors.Is(err, errNoEvent) {
				continue
			}
			select {
			case lines <- line{in.name, number, object, err}:
			case <-ctx.Done():
				return
			}
			if bad := new(badEventError); err != nil && !errors.As(err, &bad) {
				return
			}
		}
	}
}

// collect waits for an event and returns it with those that follow at once, up
// to limit of them. It ends early at a line that holds an error, which it
// returns as well. There is no more after the end of the last input or of ctx.
func collect(ctx context.Context, lines <-chan line, limit int) (batch []line, bad line, more bool) {
	var timeout <-chan time.Time // from the first event on
	for size := 0; len(batch) < limit && size < maxBatchSize; {
		select {
		case l, ok := <-lines:
			if !ok {
				return batch, line{}, false
			}
			if l.err != nil {
				return batch, l, true
			}
			batch = append(batch, l)
			size += len(l.event)
			if timeout == nil {
				timeout = time.After(linger)
			}
		case <-timeout:
			return batch, line{}, true
		case <-ctx.Done():
			return nil, line{}, false
		}
	}
	return batch, line{}, true
}

// send publishes batch, less the events that are refused and may be skipped.
func (e *emitter) send(ctx context.Context, batch []line) error {
	for len(batch) > 0 {
		events := make([][]byte, len(batch))
		for i, l := range batch {
			events[i] = l.event
		}
		err := e.publish(ctx, events)
		var refusal *refusalError
		var status *statusError
		switch {
		case err == nil:
			e.progress.update(e)
			return nil
		case errors.As(err, &refusal):
			// The batch was refused whole. What comes before the bad event
			// goes first, so that what is published is never more than that
			// if this is the end.
			if err := e.send(ctx, batch[:refusal.index]); err != nil {
				return err
			}
			if err := e.refuse(batch[refusal.index], errors.New(refusal.reason)); err != nil {
				return err
			}
			batch = batch[refusal.index+1:]
		case errors.As(err, &status) && status.status == http.StatusRequestEntityTooLarge && len(batch) > 1:
			half := len(batch) / 2
			if err := e.send(ctx, batch[:half]); err != nil {
				return err
			}
			batch = batch[half:]
		case errors.As(err, &status) && status.status == http.StatusRequestEntityTooLarge:
			return e.refuse(batch[0], err)
		default:
			return fmt.Errorf("%w (not published: from %s on)", err, batch[0].place())
		}
	}
	return nil
}

// limit returns the most events that the next request may hold. With a rate
// that is what is due in a twentieth of a second, which is smooth and cheap, or
// all that is overdue if requests take longer than that.
func (e *emitter) limit() int {
	if e.options.rate == 0 {
		return e.options.batch
	}
	span := max(time.Since(e.due), time.Second/20)
	return int(min(max(e.options.rate*span.Seconds(), 1), float64(e.options.batch)))
}

// pace waits until events are due, which are as many as the next request holds.
func (e *emitter) pace(ctx context.Context, events int) error {
	if e.options.rate == 0 || events == 0 {
		return nil
	}
	now := time.Now()
	if earliest := now.Add(-time.Second); e.due.Before(earliest) {
		e.due = earliest // more lost time than that is not made up for with a burst
	}
	wait := e.due.Sub(now)
	e.due = e.due.Add(time.Duration(float64(events) / e.options.rate * float64(time.Second)))
	return e.sleep(ctx, wait)
}

// refuse reports an event that is not published. The error ends the run.
func (e *emitter) refuse(l line, reason error) error {
	if bad := new(badEventError); l.err != nil && !errors.As(l.err, &bad) {
		return fmt.Errorf("cannot read %s: %w", l.place(), l.err)
	}
	e.refused++
	e.progress.report(fmt.Errorf("%s: %w", l.place(), reason))
	if e.options.skipBad {
		return nil
	}
	return errStopped
}
