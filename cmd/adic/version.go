package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker:
//
//	go build -ldflags "-X main.version=v1.2.3" ./cmd/adic
//
// Without, the version of the module is used, as `go install` records it.
var version string

// versionInfo is what there is to know about a binary.
type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"` // of the commit
	Dirty   bool   `json:"dirty,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func readVersion() versionInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versionInfo{Version: version}
	}
	v := versionInfo{Version: version, Go: info.GoVersion}
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	if v.Version == "" {
		v.Version = "(devel)" // tests have no module version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Dirty = s.Value == "true"
		case "GOOS":
			v.OS = s.Value
		case "GOARCH":
			v.Arch = s.Value
		}
	}
	return v
}

// String returns v in one line.
func (v versionInfo) String() string {
	s := "adic " + v.Version
	if v.Commit != "" {
		s += fmt.Sprintf(", commit %.12s", v.Commit)
		if v.Dirty {
			s += " with changes"
		}
		s += " of " + v.Time
	}
	return fmt.Sprintf("%s, %s %s/%s", s, v.Go, v.OS, v.Arch)
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Example: `  adic version
  adic version --json | jq -r .commit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersion()
			if !asJSON {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), v)
				return err
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(v)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
