// Package e2e runs the real binary together with the real programs that its
// users have: curl, wscat, the npm packages ws and eventsource, Python's aiohttp
// and websockets, Chromium, nginx, artillery and promtool. It holds tests only;
// setup.sh installs what they need.
//
// Every test starts a router of its own on a free port, with the flags it is
// about. What a test publishes is numbered (see feed), so that a lost and a
// repeated event are both seen. Nothing asserts on speed: what is waited for is
// polled, with a deadline far beyond what a slow machine needs.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// deadline is how long a test waits for something that has to happen.
const deadline = 60 * time.Second

// publishToken is the credential of the publishers of every router started.
const publishToken = "end-to-end"

// scratch is a directory for the binary under test and for what programs leave
// behind. It is not one of t.TempDir, whose names are too long for the path of
// Chromium's socket.
var scratch string

// adic is the path of the binary under test.
func adic() string { return filepath.Join(scratch, "adic") }

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

// buildAndRun is TestMain with defers that run.
func buildAndRun(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "adic-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(scratch)
	if out, err := exec.Command("go", "build", "-o", adic(), "github.com/adic-network/router/cmd/adic").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build adic: %v\n%s", err, out)
		return 1
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// A router is a running `adic serve`.
type router struct {
	*process
	addr  string // host:port
	admin string // the same for operators
	tls   string // "s" if it serves TLS
}

func (r *router) http() string { return "http" + r.tls + "://" + r.addr }
func (r *router) ws() string   { return "ws" + r.tls + "://" + r.addr }

// startRouter starts a router with flags, and has it drain when the test ends.
// The test fails if that does not go well, or if the router logged an error.
func startRouter(t *testing.T, flags ...string) *router {
	t.Helper()
	args := append([]string{"serve", "--api.host", "127.0.0.1", "--api.port", "0", "--log.format", "json",
		"--auth.publish_token", publishToken, "--stream.drain_timeout", "1s"}, flags...)
	r := &router{process: start(t, adic(), args...)}
	if slices.Contains(flags, "--api.tls_cert") {
		r.tls = "s"
	}
	eventually(t, "the router serves", func() bool {
		r.mustRun(t)
		for _, l := range r.log(t) {
			switch l.Message {
			case "serving operators": // comes first
				r.admin = l.Address
			case "serving":
				r.addr = l.Address
			}
		}
		return r.addr != ""
	})
	t.Cleanup(func() { // runs before the cleanup of start, which knows of no status
		r.terminate()
		if r.err != nil {
			t.Errorf("the router did not end well: %v", r.err)
		}
		for _, l := range r.log(t) {
			if l.Level == "ERROR" {
				t.Errorf("the router logged an error: %s", l.raw)
			}
		}
	})
	return r
}

// A logLine is a line of the router's log.
type logLine struct {
	Level   string
	Message string `json:"msg"`
	Address string
	raw     string
}

// log returns the lines that the router has logged so far. All that it writes
// to standard error has to be such lines.
func (r *router) log(t *testing.T) []logLine {
	var lines []logLine
	for _, text := range r.stderr.lines() {
		line := logLine{raw: text}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("the router wrote something that is no log line: %s", text)
		}
		lines = append(lines, line)
	}
	return lines
}

// anyone trusts whatever certificate a router of a test has. Whether it is the right
// one is for the tests of TLS.
var anyone = &tls.Config{InsecureSkipVerify: true}

// client makes the requests of the tests themselves.
var client = &http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: anyone}}

// publish posts a body to the router, which has to accept it.
func (r *router) publish(t *testing.T, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http()+"/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+publishToken)
	if status, answer := do(t, req); status != http.StatusAccepted {
		t.Fatalf("publishing was answered with %d: %s", status, answer)
	}
}

// get returns the body of a resource that has to be there.
func (r *router) get(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.http()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, answer := do(t, req)
	if status != http.StatusOK {
		t.Fatalf("GET %s was answered with %d: %s", path, status, answer)
	}
	return answer
}

func do(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// eventually waits until condition holds, and fails the test if it never does.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited %v in vain until %s", deadline, what)
		}
	}
}

// tool returns the path of an installed program.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, file := range []string{
		filepath.Join("testdata/npm/node_modules/.bin", name),
		name,
		filepath.Join("/usr/sbin", name), // not in everyone's PATH
	} {
		if path, err := exec.LookPath(file); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Fatalf("%s is not installed: run cmd/adic/e2e/setup.sh", name)
	return ""
}

// environment is what programs run with besides their own environment: npm's
// packages where they are, and nothing of, and nothing left in, the user's home.
func environment(t *testing.T) []string {
	t.Helper()
	modules, err := filepath.Abs("testdata/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp(scratch, "")
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "NODE_PATH="+modules, "ARTILLERY_DISABLE_TELEMETRY=true", "HOME="+home, "TMPDIR="+home)
}

// run runs a program to its end and returns what it printed. input is what it
// reads.
func run(t *testing.T, input, program string, args ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment(t)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = grace
	err = cmd.Run()
	return out.String(), err
}
