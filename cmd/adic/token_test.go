package main

import (
	"os"
	"strings"
	"testing"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// newToken runs `adic token new` and returns the token, and the configuration that
// the lines behind it are.
func newToken(t *testing.T, args ...string) (token string, c config.Config) {
	t.Helper()
	r := adic(t, nil, append([]string{"token", "new"}, args...)...)
	r.check(t, 0)
	token, lines, _ := strings.Cut(r.stdout, "\n\n")
	if err := access.CheckToken(token); err != nil {
		t.Fatalf("the first line is no token: %v", err)
	}
	if strings.Contains(lines, token) {
		t.Error("the token is among the lines for the file")
	}
	for _, text := range []string{lines, strings.ReplaceAll(lines, "\n# ", "\n")} { // what is proposed has to be right too
		loaded, err := config.Load(config.Sources{File: writeFile(t, "adic.toml", text)})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := access.NewTokens(loaded.Config.Auth, event.Default(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, publishes := tokens.Publisher(token)
		_, subscribes := tokens.Authenticate(token)
		if (publishes == nil) == (subscribes == nil) {
			t.Errorf("the token is that of a publisher: %v, of a subscriber: %v", publishes, subscribes)
		}
		if c.Auth.Publisher == nil && c.Auth.Subscriber == nil {
			c = loaded.Config
		}
	}
	return token, c
}

func TestTokenNew(t *testing.T) {
	token, c := newToken(t, "node1")
	if p, ok := c.Auth.Publisher["node1"]; !ok || p.Token != access.HashToken(token) || p.Rate != 0 || len(p.Events) != 1 || p.Events[0] != "all" {
		t.Errorf("the lines are %+v", c.Auth.Publisher)
	}
	if _, c = newToken(t, "--publisher"); len(c.Auth.Publisher) != 1 {
		t.Errorf("without a name: %+v", c.Auth.Publisher)
	}
	token, c = newToken(t, "explorer", "--subscriber")
	if s, ok := c.Auth.Subscriber["explorer"]; !ok || s.Token != access.HashToken(token) {
		t.Errorf("the lines are %+v", c.Auth.Subscriber)
	}
}

func TestTokenHash(t *testing.T) {
	ours, random := access.NewToken(), strings.Repeat("0123456789abcdef", 2)
	for _, test := range []struct {
		name, stdin, hash, stderr string
	}{
		{"ours", ours + "\n", access.HashToken(ours), ""},
		{"without a line end", ours, access.HashToken(ours), ""},
		{"with that of DOS", ours + "\r\n", access.HashToken(ours), ""},
		{"another", random, access.HashToken(random), ""},
		{"nothing", "\n", "", "no token on standard input"},
		{"two", ours + "\n" + ours, "", "white space"},
		{"a password", "correct-horse", "", "shorter than 32"},
		{"a part of ours", ours[:40], "", "some are missing"},
		{"too long", strings.Repeat("a", 2000), "", "longer than 1024"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := adic(t, strings.NewReader(test.stdin), "token", "hash")
			if test.hash != "" {
				if r.check(t, 0); r.stdout != test.hash+"\n" {
					t.Errorf("printed %q", r.stdout)
				}
				return
			}
			r.check(t, statusFailure, test.stderr)
			if secret := strings.TrimSpace(test.stdin); secret != "" && strings.Contains(r.stderr, secret) {
				t.Error("the token is shown")
			}
		})
	}
}

func TestTokenWrongly(t *testing.T) {
	for args, want := range map[string]string{
		"token nwe":                          `unknown command "nwe"; did you mean new? (see 'adic token --help')`,
		"token new a b":                      "at most 1 arg(s)",
		"token new a.b":                      `"a.b" is no name for a table: use 1 to 64`,
		"token new a --subscribe":            "did you mean --subscriber?",
		"token new --publisher --subscriber": "make two tokens",
		"token hash x":                       "unknown command",
	} {
		t.Run(args, func(t *testing.T) {
			if r := adic(t, strings.NewReader(""), strings.Fields(args)...); r.stdout != "" {
				t.Errorf("printed %q", r.stdout)
			} else {
				r.check(t, statusUsage, want)
			}
		})
	}
}

// A token is printed and nothing else.
func TestTokenIsKeptNowhere(t *testing.T) {
	t.Chdir(t.TempDir())
	newToken(t, "node1")
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
