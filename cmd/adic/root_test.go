package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// The deployment checklist looks for a line with "events" in the help.
func TestHelpMentionsEvents(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {}} {
		r := adic(t, nil, args...)
		r.check(t, 0)
		if !strings.Contains(r.stdout, "events") {
			t.Errorf("adic %v does not mention events:\n%s", args, r.stdout)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, cmd := range newRootCommand().Commands() {
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("adic %s has no description or no example", cmd.Name())
		}
		r := adic(t, nil, cmd.Name(), "--help")
		r.check(t, 0)
		if !strings.Contains(r.stdout, "Usage:") || !strings.Contains(r.stdout, "adic "+cmd.Name()) {
			t.Errorf("adic %s --help is no help:\n%s", cmd.Name(), r.stdout)
		}
	}
}

func TestMistypedCommandLines(t *testing.T) {
	for _, test := range []struct {
		args   string
		stderr string
	}{
		{"tial", `adic: unknown command "tial"; did you mean tail? (see 'adic --help')`},
		{"serv --demo", `did you mean serve?`},
		{"emti x.ndjson", `did you mean emit?`},
		{"frobnicate", `adic: unknown command "frobnicate" (see 'adic --help')`},
		{"emit --rat 5", `adic: unknown flag: --rat; did you mean --rate? (see 'adic emit --help')`},
		{"tail --evnets=all", `did you mean --events?`},
		{"config --api.prot=1", `did you mean --api.port?`},
		{"check --only redy", `adic: --only: there is no check "redy"; there are reachable, tls, version, ready,`},
		{"config --xyzzy", `adic: unknown flag: --xyzzy (see 'adic config --help')`},
		{"emit --rate fast", `invalid argument "fast" for "--rate"`},
		{"emit --rate", `flag needs an argument: --rate`},
		{"emit -x", `unknown shorthand flag: 'x'`},
		{"emit --batch 0", `--batch must be 1 or more events, not 0`},
		{"emit --rate -1", `--rate must be 0 or more`},
		{"emit --rate NaN", `--rate must be 0 or more`},
		{"emit --retry-for -1s", `--retry-for must be 0 or more`},
		{"emit --url ftp://example.org", `ftp://example.org is not the URL of a router`},
		{"tail ws://example.org", `ws://example.org is not the URL of a router`},
		{"tail http://exa%mple.org", `cannot read the URL of the router`},
		{"tail one two", `accepts at most 1 arg(s), received 2`},
		{"version one", `unknown command "one" for "adic version" (see 'adic version --help')`},
		{"config one", `unknown command "one" for "adic config"`},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := adic(t, strings.NewReader(""), strings.Fields(test.args)...)
			r.check(t, statusUsage, test.stderr)
			if n := strings.Count(r.stderr, "\n"); n != 1 {
				t.Errorf("%d lines on standard error, want the error once and nothing else", n)
			}
			if r.stdout != "" {
				t.Errorf("standard output is %q, want none", r.stdout)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := adic(t, nil, "completion", shell)
		r.check(t, 0)
		if len(r.stdout) < 500 {
			t.Errorf("completion for %s is %q", shell, r.stdout)
		}
	}
	for _, test := range []struct{ args, want string }{
		{"__complete ta", "tail"},
		{"__complete tail --priority h", "high"},
		{"__complete tail --events VRF", "VRFRandomnessFinalized"},
		{"__complete config --api.", "--api.port"},
	} {
		if r := adic(t, nil, strings.Fields(test.args)...); !strings.Contains(r.stdout, test.want) {
			t.Errorf("adic %s gives %q, want %s among it", test.args, r.stdout, test.want)
		}
	}
}

func TestVersion(t *testing.T) {
	r := adic(t, nil, "version")
	r.check(t, 0)
	if !strings.HasPrefix(r.stdout, "adic ") || !strings.Contains(r.stdout, "go1.") {
		t.Errorf("printed %q, want the version and Go's", r.stdout)
	}

	r = adic(t, nil, "version", "--json")
	r.check(t, 0)
	var v versionInfo
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, r.stdout)
	}
	if v.Version == "" || v.Go == "" || v.OS == "" || v.Arch == "" {
		t.Errorf("incomplete: %s", r.stdout)
	}
}

func TestVersionFromTheLinker(t *testing.T) {
	version = "v1.2.3"
	defer func() { version = "" }()
	if got := readVersion().Version; got != "v1.2.3" {
		t.Errorf("the version is %q, want the linker's", got)
	}
	dirty := versionInfo{Version: "v1.2.3", Commit: "0123456789abcdef", Time: "2024-01-15T10:30:00Z", Dirty: true, Go: "go1.26", OS: "linux", Arch: "arm64"}
	if got, want := dirty.String(), "adic v1.2.3, commit 0123456789ab with changes of 2024-01-15T10:30:00Z, go1.26 linux/arm64"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
