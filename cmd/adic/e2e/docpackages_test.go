package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// elsewhere are the commands in the docs of packages that are not run by
// TestCommandsOfPackages, each with the reason.
var elsewhere = map[string]string{
	"adic journal 1": "it is the first line of a file, and no command",
	"go run ./examples/go http://localhost:9121":    "TestExamplesResume runs it",
	"go run ./bench/soak -adic ./adic -for 30m":     "half an hour; TestSoak of bench/soak runs ten seconds of it",
	"go run ./bench/million -svg docs/capacity.svg": "a million connections; TestRun of bench/million makes some",
	"go run . run --out DIR":                        "an hour; TestComparison of bench/peers runs it small",
	"go run . report --out DIR --write ..":          "TestComparison of bench/peers",
	"go run . list --json":                          "TestList of bench/peers",
	"go run . serve PEER --addr 127.0.0.1:0":        "TestEveryClientGetsEveryEvent of bench/peers",
	"go run ./bench/tlsclients -url https://localhost:9121 -ca cert.pem -token TOKEN -server-pid PID -websocket 2000": "docs/operations.md has it, and is run",
}

// Every command in the docs of a package works, or is run by another test.
func TestCommandsOfPackages(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?m)^\s*//\t(.+)$`)
	found := make(map[string]bool)
	root := "../../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range code.FindAllStringSubmatch(string(text), -1) {
			if command := m[1]; commandLine.MatchString(command) && !found[command] {
				found[command] = true
				if elsewhere[command] == "" {
					runInRepository(t, path, command)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for command, why := range elsewhere {
		if !found[command] {
			t.Errorf("%s is not run (%s), but is in the docs of no package", command, why)
		}
	}
}

// runInRepository runs a command as the docs of a file have it; what it builds goes
// elsewhere.
func runInRepository(t *testing.T, path, command string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.Replace(command, "go build", "go build -o "+t.TempDir(), 1))
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v\n%s", path, command, err, out)
	}
}
