package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make tokens for publishers and subscribers",
		Long: `Make tokens for publishers and subscribers.

The configuration file holds a table for each of them, with the hash of the token
and what its holder may do. The token itself is in no file of the router.`,
		Example: `  adic token new node1              a token for a publisher, and its lines for the configuration file
  adic token hash < token.txt       the hash of a token that there is already`,
		Args: cobra.ArbitraryArgs, // unknown commands come to RunE
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	for _, below := range []*cobra.Command{newTokenNewCommand(), newTokenHashCommand()} {
		explainArgs(below)
		cmd.AddCommand(below)
	}
	return cmd
}

func newTokenNewCommand() *cobra.Command {
	var publisher, subscriber bool
	cmd := &cobra.Command{
		Use:   "new [NAME] [--publisher | --subscriber]",
		Short: "Make a token, and print it with its lines for the configuration file",
		Long: `Make a token, and print it with its lines for the configuration file of 'adic serve'.

The first line is the token, for whoever is to use it: as ADIC_TOKEN for 'adic emit',
or in the header Authorization: Bearer TOKEN. It is printed this once and kept
nowhere. The other lines are for the file, which is read again at SIGHUP; the hash
in them is no secret.

NAME is that of the table, and of the publisher in logs and metrics: 1 to 64
letters, digits, dashes and underscores.`,
		Example: `  adic token new node1
  adic token new explorer --subscriber
  adic token new node1 | tee >(head -n 1 > node1.token) | tail -n +2 >> /etc/adic/adic.toml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if publisher && subscriber {
				return &usageError{errors.New("--publisher and --subscriber exclude each other: make two tokens")}
			}
			name := "NAME"
			if len(args) > 0 {
				name = args[0]
			}
			token := access.NewToken()
			lines, err := tokenLines(name, access.HashToken(token), subscriber)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s", token, lines)
			return err
		},
	}
	cmd.Flags().BoolVar(&publisher, "publisher", false, "for a publisher (the default)")
	cmd.Flags().BoolVar(&subscriber, "subscriber", false, "for a subscriber")
	return cmd
}

// tokenLines are those of a table in the configuration file.
func tokenLines(name, hash string, subscriber bool) (string, error) {
	c := config.Default()
	head, rest := "auth.publisher.", `# events = ["message.*"]  # types that it may publish; without this line all
# rate = 100              # events a second, twice as many at once; without this line no limit
`
	c.Auth.Publisher = map[string]config.Publisher{name: {Token: hash, Events: []string{"all"}}}
	if subscriber {
		head, rest = "auth.subscriber.", `# events = ["message.*"]  # types that it may see; without this line all
# priority = ["high"]     # priorities that it may see; without this line all
`
	}
	if err := c.Validate(); err != nil { // all else is right
		return "", &usageError{fmt.Errorf("%q is no name for a table: use 1 to 64 letters, digits, dashes and underscores", name)}
	}
	return fmt.Sprintf("[%s%s]\ntoken = %q\n%s", head, name, hash, rest), nil
}

func newTokenHashCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash",
		Short: "Print the hash of a token that is read from standard input",
		Long: `Print the hash of a token that is read from standard input, as the tables
[auth.publisher.NAME] and [auth.subscriber.NAME] of the configuration file hold it.

The token is one that 'adic token new' made, or another one that is random and has
at least 32 characters: the hash keeps nobody from guessing a password.`,
		Example: `  adic token hash < token.txt
  openssl rand -hex 32 | tee token.txt | adic token hash`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, err := readToken(cmd.InOrStdin())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), access.HashToken(token))
			return err
		},
	}
}

// readToken reads a token, which is all of r but for a line end. No error shows it.
func readToken(r io.Reader) (string, error) {
	const least, most = 32, 1024
	text, err := io.ReadAll(io.LimitReader(r, most+3))
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case token == "":
		return "", errors.New("there is no token on standard input")
	case strings.ContainsFunc(token, odd):
		return "", errors.New("the token has white space, control characters or characters that are not ASCII; give one token and nothing else")
	case len(token) > most:
		return "", fmt.Errorf("the token is longer than %d characters", most)
	case strings.HasPrefix(token, access.TokenPrefix):
		return token, access.CheckToken(token)
	case len(token) < least:
		return "", fmt.Errorf("the token is shorter than %d characters, which can be guessed; 'adic token new' makes one that cannot", least)
	}
	return token, nil
}
