package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Commands of adic that are named in a sentence of a page, and those that --help shows
// as examples, are ones that there are, with flags that there are. (The blocks of the
// pages are run, by a test of package e2e.)
func TestNamedCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md", "../../CHANGELOG.md", "../../ARCHITECTURE.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range inline.FindAllString(fenced.ReplaceAllString(string(text), ""), -1) {
			wantCommands(t, page, strings.ReplaceAll(span[1:len(span)-1], "\n", " "))
		}
	}
	var examples func(cmd *cobra.Command)
	examples = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // and what it does
			wantCommands(t, cmd.CommandPath()+" --help", line)
		}
		for _, c := range cmd.Commands() {
			examples(c)
		}
	}
	examples(newRootCommand())
}

var assignment = regexp.MustCompile(`^[A-Z_]+=\S*$`)

// wantCommands looks at those commands of a line for the shell that are adic's.
func wantCommands(t *testing.T, where, line string) {
	t.Helper()
	for _, part := range strings.Split(line, " | ") {
		words := strings.Fields(part)
		for len(words) > 0 && assignment.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) < 2 || words[0] != "adic" && words[0] != "./adic" {
			continue
		}
		root := newRootCommand()
		cmd, rest, err := root.Find(words[1:])
		if err != nil || cmd == root && !strings.HasPrefix(words[1], "-") {
			t.Errorf("%s: %s: there is no such command", where, part)
			continue
		}
		cmd.InitDefaultHelpFlag()
		for _, word := range rest {
			name, _, _ := strings.Cut(word, "=")
			if name, ok := strings.CutPrefix(name, "--"); ok && cmd.Flag(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
				t.Errorf("%s: %s: there is no --%s", where, part, name)
			}
		}
	}
}
