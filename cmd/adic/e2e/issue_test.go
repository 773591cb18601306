package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// examples returns the commands of a section of a page, a blank line between them being
// the end of one example.
func examples(t *testing.T, page, section string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../..", page))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, section)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	first := strings.Count(before, "\n") + 2
	last := first + strings.Count(body, "\n")
	for _, b := range codeBlocks(t, page) {
		if b.language == "sh" && b.line >= first && b.line <= last {
			for example := range strings.SplitSeq(strings.TrimSpace(b.text), "\n\n") {
				found = append(found, example+"\n")
			}
		}
	}
	return found
}

// The commands that docs/access.md has for issuing a token make one that lets in.
func TestDocumentedTokens(t *testing.T) {
	t.Parallel()
	found := examples(t, "docs/access.md", "Issuing a token")
	if len(found) != 4 {
		t.Fatalf("there are %d examples, want 4: keys, adic serve, a token, curl:\n%q", len(found), found)
	}
	keys, serve, token, curl := found[0], found[1], found[2], found[3]
	_, printed, ok := strings.Cut(curl, "Bearer ")
	if printed, _, _ = strings.Cut(printed, `"`); !ok {
		t.Fatalf("no token is sent by %s", curl)
	}
	shell := func(script string) string {
		t.Helper()
		out, err := run(t, "", "bash", "-euo", "pipefail", "-c", script)
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, script, out)
		}
		return strings.TrimSpace(out)
	}
	dir := t.TempDir()
	shell("cd " + dir + "\n" + keys)
	flags := strings.Fields(strings.Replace(serve, "issuer.pem", filepath.Join(dir, "issuer.pem"), 1))[2:] // without adic serve
	const secret = "a-secret-of-thirty-two-characters"
	shared := strings.NewReplacer("RS256", "HS256", "-sign issuer.key", `-hmac "$SECRET" -binary`).Replace(token)
	for name, test := range map[string]struct {
		flags  []string
		script string
	}{
		"RS256": {flags, token},
		"HS256": {[]string{"--auth.subscribe", "jwt", "--auth.jwt_secret", secret}, "SECRET='" + secret + "'\n" + shared},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRouter(t, test.flags...)
			made := shell("cd " + dir + "\n" + test.script + "echo " + printed)
			if status, _, answer := r.status(t, "GET", "/v1/events", "", bearer(made)); status != http.StatusOK {
				t.Errorf("answered with %d %s", status, answer)
			}
			if status, _, answer := r.status(t, "GET", "/v1/events?events=TipsUpdated", "", bearer(made)); status != http.StatusForbidden {
				t.Errorf("beyond the token: %d %s", status, answer)
			}
		})
	}
}
