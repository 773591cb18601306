package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "adic",
		Short: "Routes the events of an ADIC network to its clients",
		Long: `adic routes the events of an ADIC network to its clients.

Nodes publish events; WebSocket, Server-Sent Events and polling clients receive
those they ask for, the important ones first, are told exactly what they missed,
and go on where they left off.`,
		Example: `  adic serve --demo                             a router with a made-up network, on port 9121
  adic explorer                                 an explorer of it, on port 9122
  adic tail                                     its events in the terminal
  curl -N http://127.0.0.1:9121/v1/sse/events   the same without adic
  adic emit events.ndjson                       publish events of your own
  adic token new node1                          let a node publish, with a token of its own`,
		Version: readVersion().Version,
		// Errors are printed once, by report.
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		Args: cobra.ArbitraryArgs, // unknown commands come to RunE
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newServeCommand(),
		newExplorerCommand(),
		newEmitCommand(),
		newTailCommand(),
		newRecordCommand(),
		newConnectionsCommand(),
		newTokenCommand(),
		newConfigCommand(),
		newCheckCommand(),
		newBenchCommand(),
		newVersionCommand(),
	)
	for _, cmd := range root.Commands() {
		explainArgs(cmd)
	}
	return root
}

// explainArgs makes the wrong number of arguments a usage error.
func explainArgs(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil { // cobra takes any number
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{fmt.Errorf("%w (see '%s --help')", err, cmd.CommandPath())}
		}
		return nil
	}
}

func unknownCommand(parent *cobra.Command, name string) error {
	text := fmt.Sprintf("unknown command %q", name)
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return &usageError{fmt.Errorf("%s (see '%s --help')", text, parent.CommandPath())}
}

// flagError adds to what pflag found wrong where help is to be had, and for a
// misspelt flag which one was meant.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(cmd, args[0]) // whose flags the root cannot know
	}
	text := err.Error()
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			text += fmt.Sprintf("; did you mean --%s?", near)
		}
	}
	return &usageError{fmt.Errorf("%s (see '%s --help')", text, cmd.CommandPath())}
}

// nearestFlag returns the flag of cmd that name resembles, or "". cobra knows
// how to find the nearest command, so the flags pose as commands.
func nearestFlag(cmd *cobra.Command, name string) string {
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	near := flags.SuggestionsFor(name)
	if i := slices.IndexFunc(near, func(n string) bool { return strings.HasPrefix(n, name) }); i >= 0 {
		return near[i] // not typed to its end, which is likelier than two wrong letters
	}
	if len(near) > 0 {
		return near[0]
	}
	return ""
}
