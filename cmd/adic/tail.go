package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/event"
)

// tailOptions are the flags of `adic tail`.
type tailOptions struct {
	events   string
	priority string
	format   string
	since    string
	token    string
	ca       string
	json     bool
	noColor  bool
	count    uint64
}

func newTailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail [URL]",
		Short: "Follow a router's events in the terminal",
		Long: `Follow a router's events in the terminal, one a line: time, priority, type and
fields, with long ids cut short. --json prints the events whole, one a line.

A connection that breaks is made again, after 1 to 60 seconds, and goes on where
it left off, without loss and without repeats. Events that were lost because
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
	f := cmd.Flags()
	f.StringVar(&o.events, "events", "", "`NAMES` and aliases of types, separated by commas; vrf.* is every alias under vrf (default all)")
	f.StringVar(&o.priority, "priority", "", "`CLASSES` to follow, of high, medium and low, separated by commas (default all)")
	f.StringVar(&o.format, "format", "", "`FORM` of the events, flat or tagged (default flat)")
	f.StringVar(&o.since, "since", "", "start after this `CURSOR`, or with the earliest event retained (default: new events)")
	f.StringVar(&o.token, "token", "", "access token (default: the environment's ADIC_TOKEN)")
	addCAFlag(cmd, &o.ca)
	f.BoolVar(&o.json, "json", false, "print the events as JSON, one a line")
	f.BoolVar(&o.noColor, "no-color", false, "no colours; also with NO_COLOR in the environment")
	f.Uint64Var(&o.count, "count", 0, "end after so many events (default never)")
	names := []string{"all"}
	for _, t := range event.Default().Types() {
		names = append(names, t.Name)
	}
	complete(cmd, "events", names...)
	complete(cmd, "priority", "all", "high", "medium", "low")
	complete(cmd, "format", "flat", "tagged")
	return cmd
}

// complete lets the shell complete the value of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is there
	}
}

func runTail(cmd *cobra.Command, target string, o tailOptions) error {
	router, err := parseRouter(target)
	if err != nil {
		return err
	}
	if o.token == "" {
		o.token = os.Getenv("ADIC_TOKEN")
	}
	query := url.Values{}
	for name, value := range map[string]string{"events": o.events, "priority": o.priority, "format": o.format} {
		if value != "" {
			query.Set(name, value)
		}
	}
	transport, err := newTransport(o.ca)
	if err != nil {
		return err
	}
	transport.DisableCompression = true // it would hold events back until there are enough to compress
	transport.ResponseHeaderTimeout = 30 * time.Second
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()

	ctx, stop := interruptible(cmd.Context())
	defer stop()
	f := &follower{
		client: client,
		router: router,
		token:  o.token,
		query:  query,
		since:  o.since,
		notice: func(format string, args ...any) {
			fmt.Fprintf(cmd.ErrOrStderr(), "adic: "+format+"\n", args...)
		},
		sleep: sleep,
	}
	if o.json {
		f.printer = &jsonPrinter{cmd.OutOrStdout(), cmd.ErrOrStderr()}
	} else {
		lines := &linePrinter{out: cmd.OutOrStdout(), errors: cmd.ErrOrStderr(), color: useColor(cmd.OutOrStdout(), o)}
		f.printer, f.learn = lines, lines.learn
	}
	err = f.follow(ctx, o.count)
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// useColor follows https://no-color.org: an empty NO_COLOR does not count.
func useColor(out any, o tailOptions) bool {
	return !o.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}
