// Command adic routes the events of an ADIC network to its clients, publishes
// and follows them. Run `adic --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

// Exit statuses beside 0.
const (
	statusFailure     = 1
	statusUsage       = 2
	statusInterrupted = 130 // 128 + SIGINT, as shells have it
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with all that it touches passed in. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(ctx))
}

// report says once what went wrong and returns the exit status.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errInterrupted) {
		return statusInterrupted
	}
	printLast(stderr, "adic: "+strings.ReplaceAll(err.Error(), "\n", "\nadic: ")+"\n")
	if usage := new(usageError); errors.As(err, &usage) {
		return statusUsage
	}
	return statusFailure
}

// printLast prints the last words of the process. It does not wait for more than a
// second: they may go through a pipe that nobody reads.
func printLast(w io.Writer, text string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fmt.Fprint(w, text) // there is nobody left to tell of an error
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

// errInterrupted ends a command that was asked to stop. Whoever asked knows,
// so nothing is printed.
var errInterrupted = errors.New("interrupted")

// A usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// interruptible returns a context that the first Ctrl-C ends; the second one
// ends the process, whatever it is stuck in. The caller calls stop.
func interruptible(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
