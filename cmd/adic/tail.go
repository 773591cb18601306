package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
)

// followOptions are the flags of what follows a router.
type followOptions struct {
	events   string
	priority string
	format   string
	since    string
	over     string
	token    string
	ca       string
	count    uint64
}

// tailOptions are the flags of `adic tail`.
type tailOptions struct {
	followOptions
	json    bool
	noColor bool
}

// addTo adds the flags to a command.
func (o *followOptions) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.events, "events", "", "`NAMES` and aliases of types, separated by commas; vrf.* is every alias under vrf (default all)")
	f.StringVar(&o.priority, "priority", "", "`CLASSES` to follow, of high, medium and low, separated by commas (default all)")
	f.StringVar(&o.format, "format", "", "`FORM` of the events, flat or tagged (default flat)")
	f.StringVar(&o.since, "since", "", "start after this `CURSOR`, or with the earliest event retained (default: new events)")
	f.StringVar(&o.over, "transport", "", "`TRANSPORTS` to use, best first, of websocket, sse and polling (default all)")
	f.StringVar(&o.token, "token", "", "access token (default: the environment's ADIC_TOKEN)")
	addCAFlag(cmd, &o.ca)
	f.Uint64Var(&o.count, "count", 0, "end after so many events (default never)")
	names := []string{"all"}
	for _, t := range event.Default().Types() {
		names = append(names, t.Name)
	}
	complete(cmd, "events", names...)
	complete(cmd, "priority", "all", "high", "medium", "low")
	complete(cmd, "format", "flat", "tagged")
	complete(cmd, "transport", "websocket", "sse", "polling")
}

func newTailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail [URL]",
		Short: "Follow a router's events in the terminal",
		Long: `Follow a router's events in the terminal, one a line: time, priority, type and
fields, with long ids cut short. --json prints the events whole, one a line.

A connection that breaks is made again, after 1 to 60 seconds, over WebSocket, SSE
or polling, whatever works, and goes on where it left off, without loss and without
repeats. Events that were lost because
this client could not keep up are reported on standard error. An error that will
not go away (an unknown type, a wrong token) ends the command with status 1.`,
		Example: `  adic tail
  adic tail --events 'MessageAdded,vrf.*' --priority high
  adic tail --since earliest --json | jq .message_id
  adic tail --count 10 https://router.example.org`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := defaultURL
			if len(args) == 1 {
				target = args[0]
			}
			return runTail(cmd, target, o)
		},
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print the events as JSON, one a line")
	f.BoolVar(&o.noColor, "no-color", false, "no colours; also with NO_COLOR in the environment")
	return cmd
}

// complete lets the shell complete the value of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is there
	}
}

func runTail(cmd *cobra.Command, target string, o tailOptions) error {
	errors := &lockedWriter{w: cmd.ErrOrStderr()} // connections come and go while events are printed
	c, err := o.open(target, errors)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	var p printer = &jsonPrinter{cmd.OutOrStdout(), errors}
	if !o.json {
		p = &linePrinter{zone: time.Local, out: cmd.OutOrStdout(), errors: errors, color: useColor(cmd.OutOrStdout(), o), types: sync.OnceValue(func() *event.Catalogue {
			types, err := c.Types(ctx)
			if err != nil { // then without priorities
				return nil
			}
			return types
		})}
	}
	err = printEvents(c.Events(ctx), p, o.count)
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// open follows the router at target as the flags ask for, and says on errors what
// becomes of the connections.
func (o *followOptions) open(target string, errors io.Writer) (*client.Client, error) {
	router, err := parseRouter(target)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(o.ca)
	if err != nil {
		return nil, err
	}
	if o.token == "" {
		o.token = os.Getenv("ADIC_TOKEN")
	}
	options := client.Options{
		Events: list(o.events), Priorities: list(o.priority), Since: o.since,
		Token: client.StaticToken(o.token), HTTP: &http.Client{Transport: transport},
	}
	switch o.format {
	case "", "flat":
	case "tagged":
		options.Tagged = true
	default:
		return nil, &usageError{fmt.Errorf("--format %s: there are flat and tagged", o.format)}
	}
	for _, name := range list(o.over) {
		options.Transports = append(options.Transports, client.Transport(name))
	}
	troubled := false
	options.OnState = func(s client.State) {
		switch {
		case s.Status == client.Disconnected:
			troubled = true
			fmt.Fprintf(errors, "adic: %s; trying again\n", oneLine(s.Err))
		case s.Status == client.Connected && (troubled || s.Transport != client.WebSocket && o.over == ""):
			troubled = false
			fmt.Fprintf(errors, "adic: connected over %s\n", s.Transport)
		}
	}
	c, err := client.Open(router.String(), options)
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

// lockedWriter lets several goroutines write, each time a whole.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// oneLine is an error as it may be printed.
func oneLine(err error) string {
	if err == nil {
		return "disconnected"
	}
	return printable(strings.ReplaceAll(err.Error(), "\n", "; "))
}

// list is what a flag lists.
func list(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}

// A printer shows what a stream carries.
type printer interface {
	event(data []byte) error
	lagged(gap *client.Gap) error
}

// printEvents prints so many events, or all if count is 0.
func printEvents(events iter.Seq2[client.Event, error], p printer, count uint64) error {
	for e, err := range events {
		var gap *client.Gap
		switch {
		case errors.As(err, &gap):
			err = p.lagged(gap)
			if err != nil {
				return fmt.Errorf("cannot print: %w", err)
			}
			continue
		case err != nil:
			return errors.New(oneLine(err))
		}
		if err := p.event(e.Data); err != nil {
			return fmt.Errorf("cannot print: %w", err)
		}
		if count--; count == 0 { // with 0 at first it never is
			return nil
		}
	}
	return nil
}

// useColor follows https://no-color.org: an empty NO_COLOR does not count.
func useColor(out any, o tailOptions) bool {
	return !o.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}
