package main

import (
	"os"

	"fmt"

	"github.com/spf13/cobra"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

func newConfigCommand() *cobra.Command {
	var check, reference bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration and where each value comes from",
		Long: `Print the configuration that 'adic serve' would run with, as a TOML file with the
source of each value behind it: the default, the file, the environment or a flag,
each over the one before. Secrets are not shown.

Every key can be set in the file, in the environment and by a flag: in the
section [api] of the file as port, as ADIC_API_PORT and as --api.port. Only tables
with a name, such as [auth.publisher.NAME], are in the file alone.

The exit status is 1 if anything is wrong with the configuration, all of which is
reported.`,
		Example: `  adic config                                   the defaults, and what the environment sets
  adic config --config adic.toml --check
  ADIC_API_PORT=9200 adic config --log.level debug
  adic config > adic.toml                       a file to start from`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reference {
				return config.WriteReference(cmd.OutOrStdout())
			}
			loaded, err := loadConfig(cmd, os.Environ())
			if err != nil {
				return err
			}
			if check {
				if err := checkTokens(&loaded.Config); err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "the configuration is valid")
			} else {
				_, err = loaded.WriteTo(cmd.OutOrStdout())
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only say whether the configuration is valid")
	cmd.Flags().BoolVar(&reference, "reference", false, "print all that can be configured, as a page in Markdown")
	cmd.MarkFlagsMutuallyExclusive("check", "reference")
	addConfigFlags(cmd, config.Keys())
	return cmd
}

// checkTokens finds what only a catalogue can tell: types that there are not.
func checkTokens(c *config.Config) error {
	catalogue, err := loadCatalogue(c.Events.Catalogue)
	if err != nil {
		return err
	}
	_, err = access.NewTokens(c.Auth, catalogue, nil)
	return err
}
