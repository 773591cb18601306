package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/adic-network/router/config"
)

// addConfigFlags gives cmd a flag for the configuration file and one for each of the
// keys. [loadConfig] reads them.
func addConfigFlags(cmd *cobra.Command, keys []config.Key) {
	flags := cmd.Flags()
	flags.String("config", "", "configuration `FILE`, in TOML (default: the environment's ADIC_CONFIG)")
	if err := cmd.MarkFlagFilename("config", "toml"); err != nil {
		panic(err) // the flag is there
	}
	for _, key := range keys {
		flag := flags.VarPF(&keyFlag{text: key.Default, kind: key.Type}, key.Name, "", key.Doc)
		if key.Type == config.TypeBoolean {
			flag.NoOptDefVal = "true"
		}
	}
}

// routerKeys are those that a router goes by.
func routerKeys() []config.Key {
	return slices.DeleteFunc(config.Keys(), func(k config.Key) bool { return strings.HasPrefix(k.Name, "explorer.") })
}

// loadConfig loads the configuration that the flags, the environment and the
// file ask for. It may be called again, to see what has changed.
func loadConfig(cmd *cobra.Command, environ []string) (*config.Loaded, error) {
	sources := config.Sources{
		File:    cmd.Flag("config").Value.String(),
		Environ: environ,
		Flags:   map[string]string{},
	}
	if sources.File == "" {
		sources.File = os.Getenv("ADIC_CONFIG")
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if key, ok := f.Value.(*keyFlag); ok {
			sources.Flags[f.Name] = key.text
		}
	})
	return config.Load(sources)
}

// A keyFlag is the flag of a key. It takes any text: what a key may be is for
// package config to say, about flags as about all other sources.
type keyFlag struct{ text, kind string }

func (f *keyFlag) String() string        { return f.text }
func (f *keyFlag) Set(text string) error { f.text = text; return nil }
func (f *keyFlag) Type() string          { return f.kind }
