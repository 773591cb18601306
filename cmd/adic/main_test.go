package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a run of the program leaves behind.
type result struct {
	status         int
	stdout, stderr string
}

// adic runs the program with a command line.
func adic(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	for _, name := range []string{"ADIC_TOKEN", "ADIC_CONFIG", "NO_COLOR"} {
		t.Setenv(name, "")
	}
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, stdin, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

func (r result) check(t *testing.T, status int, stderr ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d", r.status, status)
	}
	for _, want := range stderr {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("standard error lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", r.stdout, r.stderr)
	}
}
