package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/cmd/adic/check"
)

func newCheckCommand() *cobra.Command {
	o := check.Options{Patience: 5 * time.Second}
	var operators, ca string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [URL]",
		Short: "Go through the deployment checklist of a running router",
		Long: `Go through the deployment checklist of a running router, from where its clients are:
through the proxy, with TLS, as a page of another origin. Nothing is published or
changed.

It checks that the router is reachable, its certificate, readiness and health,
the node that an explorer follows, clock, metrics, WebSocket, SSE and polling, filters, resuming, whether all requests
meet the same stream, origins, that streams stay open and have heartbeats, a short
load, and the limits of files and kernel.

The exit status is 0 if nothing failed (warnings do not count), 1 if something did,
2 for a bad command line.`,
		Example: `  adic check
  adic check https://events.example.org --origin https://explorer.example.org
  adic check https://events.example.org --operators http://10.0.0.7:9123 --hold 70s
  adic check --only ready                       as the health check of a container
  adic check --json | jq '.checks[] | select(.status == "failed")'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target := defaultURL
			if len(args) > 0 {
				target = args[0]
			}
			var err error
			if o.Router, err = parseRouter(target); err != nil {
				return err
			}
			if operators != "" {
				if o.Operators, err = parseRouter(operators); err != nil {
					return err
				}
			}
			if o.Origin != "" {
				if u, err := url.Parse(o.Origin); err != nil || u.Host == "" || u.Path != "" {
					return &usageError{fmt.Errorf("%q is not an origin; expected something like https://example.org, without a path", o.Origin)}
				}
			}
			if o.Connections < 0 || o.Connections > 10_000 {
				return &usageError{errors.New("--connections must be from 0 to 10000")}
			}
			for _, name := range o.Only {
				if !slices.Contains(check.Names(), name) {
					return &usageError{fmt.Errorf("--only: there is no check %q; there are %s", name, strings.Join(check.Names(), ", "))}
				}
			}
			if o.Hold < 0 || o.Patience <= 0 {
				return &usageError{errors.New("--hold must not be negative, and --timeout above 0")}
			}
			if o.Token == "" {
				o.Token = os.Getenv("ADIC_TOKEN")
			}
			transport, err := newTransport(ca)
			if err != nil {
				return err
			}
			o.TLS = transport.TLSClientConfig
			return runCheck(cmd, o, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&operators, "operators", "", "`URL` of the address for operators, where the metrics are (admin.listen)")
	flags.StringVar(&o.Origin, "origin", "", "`origin` of a page that has to be let in")
	flags.StringVar(&o.Token, "token", "", "`token` of a subscriber (default $ADIC_TOKEN)")
	flags.DurationVar(&o.Hold, "hold", 20*time.Second, "how long streams have to stay open; 0 does not look")
	flags.IntVar(&o.Connections, "connections", 100, "how many connections to open at once; 0 opens none")
	flags.DurationVar(&o.Patience, "timeout", o.Patience, "how long an answer may take")
	flags.StringSliceVar(&o.Only, "only", nil, "`names` of the checks to make, separated by commas; all without it")
	flags.BoolVar(&asJSON, "json", false, "print what was found as JSON")
	addCAFlag(cmd, &ca)
	return cmd
}

// errChecks is what a checklist with failures ends with.
var errChecks = errors.New("not everything is as it should be")

func runCheck(cmd *cobra.Command, o check.Options, asJSON bool) error {
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	out := cmd.OutOrStdout()
	tell := func(r check.Result) { printResult(out, r) }
	if asJSON {
		tell = nil
	} else {
		fmt.Fprintf(out, "%s\n", o.Router.Redacted())
	}
	found := check.Run(ctx, o, tell)
	count := map[check.Status]int{}
	for _, r := range found {
		count[r.Status]++
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		page := struct {
			URL    string         `json:"url"`
			OK     bool           `json:"ok"`
			Checks []check.Result `json:"checks"`
		}{o.Router.Redacted(), count[check.Failed] == 0 && ctx.Err() == nil, found}
		if err := encoder.Encode(page); err != nil {
			return fmt.Errorf("cannot print: %w", err)
		}
	} else {
		fmt.Fprintf(out, "%d ok, %d warnings, %d failed, %d skipped\n", count[check.OK], count[check.Warning], count[check.Failed], count[check.Skipped])
	}
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case count[check.Failed] > 0:
		return errChecks
	}
	return nil
}

// marks are what a checklist has in front of its lines.
var marks = map[check.Status]string{check.OK: "✓", check.Warning: "!", check.Failed: "✗", check.Skipped: "-"}

func printResult(w io.Writer, r check.Result) {
	fmt.Fprintf(w, "  %s %-13s %s\n", marks[r.Status], r.Check, printable(r.Found))
	if r.Remedy != "" {
		fmt.Fprintf(w, "    %-13s → %s\n", "", strings.TrimSpace(printable(r.Remedy)))
	}
}
