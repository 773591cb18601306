package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/bench"
)

// newBenchCommand returns adic bench, the load generator.
func newBenchCommand() *cobra.Command {
	cfg := bench.DefaultConfig()
	var stall string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench URL",
		Short: "Load a router with connections and events and measure it",
		Long: `Load a router with connections and events and measure it.

Holds WebSocket and SSE connections from one process, publishes events of its own
and measures connecting, delivery latency, loss and, with --server-pid, the
router's memory and CPU. Publishing needs the router's publish token.

The exit status is 1 when anything was not as it should be: a connection refused
or ended, an event lost without a word, a duplicate, a wrong order, an error.
Loss that the router told its clients of is reported and is no failure. Ctrl-C
ends the run early and reports what was measured, a second one ends at once. A bad
command line gives 2.

It needs Linux.`,
		Example: `  adic bench http://127.0.0.1:9121 --websocket 1000 --rate 100 --token SECRET
  adic bench http://127.0.0.1:9121 --websocket 10000 --sse 9900 --rate 10 --duration 30s --server-pid "$(pidof adic)"
  adic bench http://127.0.0.1:9121 --websocket 5000 --burst 20000
  adic bench http://127.0.0.1:9121 --websocket 1000 --rate 100 --stall 10% --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg.URL = args[0]
			if cfg.Token == "" {
				cfg.Token = os.Getenv("ADIC_TOKEN")
			}
			var err error
			if cfg.Stall, err = parseBenchStall(stall, cfg.WebSocket+cfg.SSE); err != nil {
				return &usageError{err}
			}
			if err := cfg.Validate(); err != nil {
				return &usageError{err}
			}
			return runBench(cmd, cfg, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&cfg.WebSocket, "websocket", cfg.WebSocket, "`number` of WebSocket connections")
	flags.IntVar(&cfg.SSE, "sse", cfg.SSE, "`number` of SSE connections")
	flags.StringVar(&cfg.Events, "events", "", "stream parameter `events` of every connection")
	flags.StringVar(&cfg.Priority, "priority", "", "stream parameter `priority` of every connection")
	flags.Float64Var(&cfg.Rate, "rate", 0, "`events` to publish per second (default 0: only listen)")
	flags.IntVar(&cfg.Burst, "burst", 0, "`events` to publish once, as fast as they are taken, instead of a rate")
	flags.IntVar(&cfg.Batch, "batch", cfg.Batch, "most `events` in one POST")
	flags.IntVar(&cfg.Size, "size", cfg.Size, "`bytes` of a published event, about")
	flags.StringVar(&cfg.Token, "token", "", "publish `token` (default $ADIC_TOKEN)")
	flags.DurationVar(&cfg.Duration, "duration", cfg.Duration, "how long to publish at a rate, or to listen")
	flags.DurationVar(&cfg.Idle, "idle", cfg.Idle, "how long to hold the connections idle before that")
	flags.DurationVar(&cfg.Settle, "settle", cfg.Settle, "how long to wait for missing events after the last one")
	flags.Float64Var(&cfg.ConnectRate, "connect-rate", 0, "`connections` to open per second (default 0: as fast as possible)")
	flags.IntVar(&cfg.ConnectConcurrency, "connect-concurrency", cfg.ConnectConcurrency, "most `connections` opening at a time")
	flags.DurationVar(&cfg.ConnectTimeout, "connect-timeout", cfg.ConnectTimeout, "how long opening a connection may take")
	flags.StringVar(&stall, "stall", "0", "`clients` that stop reading once connected, a number or a share like 10%")
	flags.IntVar(&cfg.ServerPID, "server-pid", 0, "`process` of the router, to read its memory and CPU")
	flags.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// runBench runs one load and prints its report. Its error is what makes the
// exit status 1.
func runBench(cmd *cobra.Command, cfg bench.Config, asJSON bool) error {
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	progress := benchProgress{w: cmd.ErrOrStderr()}
	if isTerminal(progress.w) {
		cfg.Progress = progress.show
	}
	report, err := bench.Run(ctx, cfg)
	progress.clear()
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.WriteText(cmd.OutOrStdout())
	}
	if err != nil {
		return fmt.Errorf("cannot print the report: %w", err)
	}
	switch problems := report.Problems(); len(problems) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("the run had a problem: %s", problems[0])
	default:
		return fmt.Errorf("the run had %d problems, the first: %s", len(problems), problems[0])
	}
}

// parseBenchStall reads a number of clients or a percentage of all of them.
func parseBenchStall(value string, clients int) (int, error) {
	if share, ok := strings.CutSuffix(value, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil || !(percent >= 0 && percent <= 100) {
			return 0, fmt.Errorf("--stall %q: a share has to be between 0%% and 100%%", value)
		}
		return int(percent / 100 * float64(clients)), nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > clients {
		return 0, fmt.Errorf("--stall %q: it has to be a number of the %d clients or a share like 10%%", value, clients)
	}
	return n, nil
}

// benchProgress keeps one line of a terminal up to date.
type benchProgress struct {
	w     io.Writer
	last  bench.Progress
	shown bool
}

func (p *benchProgress) show(now bench.Progress) {
	rate := 0.0
	if elapsed := now.Elapsed - p.last.Elapsed; elapsed > 0 {
		rate = float64(now.Deliveries-p.last.Deliveries) / elapsed.Seconds()
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.w, "%s%.1f s, %s: %s of %s connected, %s published, %s delivered, %s/s", clearLine,
		now.Elapsed.Seconds(), now.Phase, thousands(uint64(now.Connected)), thousands(uint64(now.Clients)),
		thousands(now.Published), thousands(now.Deliveries), thousands(uint64(rate)))
}

func (p *benchProgress) clear() {
	if p.shown {
		fmt.Fprint(p.w, clearLine)
	}
}
