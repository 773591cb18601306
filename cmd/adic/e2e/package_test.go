//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// execStart returns what a unit of the system starts, and its StateDirectory=.
func (s *system) execStart(t *testing.T, unit string) (command []string, state string) {
	t.Helper()
	text, err := os.ReadFile(s.path("/lib/systemd/system/" + unit))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "ExecStart":
			command = strings.Fields(value)
		case "StateDirectory":
			state = "/var/lib/" + value
		}
	}
	if command == nil || state == "" {
		t.Fatalf("%s starts %q with state in %q", unit, command, state)
	}
	return command, state
}

// startUnit starts what a unit says, as a user who owns nothing but its state and has no
// privileges.
func (s *system) startUnit(t *testing.T, unit string) *process {
	t.Helper()
	command, state := s.execStart(t, unit)
	s.run(t, "install", "--directory", "--owner=61184", "--group=61184", "--mode=0700", state)
	return s.start(t, append([]string{"setpriv", "--reuid=61184", "--regid=61184", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"}, command...)...)
}

// packageOfVersion makes the Debian package of the release with another version.
func packageOfVersion(t *testing.T, version string) string {
	t.Helper()
	debianPackage(t) // makes the release
	dir := t.TempDir() + "/"
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=deploy/package/go.mod", "nfpm", "package", "-f", "deploy/package/nfpm.yaml", "-p", "deb", "-t", dir)
	cmd.Dir = "../../.."
	cmd.Env = append(os.Environ(), "DIST="+dist(), "ARCH="+runtime.GOARCH, "VERSION="+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nfpm: %v\n%s", err, out)
	}
	return filepath.Join(dir, fmt.Sprintf("adic_%s_%s.deb", version, runtime.GOARCH))
}

// The package is installed, its router and explorer started as their units say, upgraded, removed and purged,
// by dpkg on a Debian system: a configuration that was changed stays until it is purged, and
// the journal
// and the index stay for good.
func TestPackage(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.put(t, debianPackage(t), "/tmp/adic.deb")
	s.put(t, packageOfVersion(t, "1.2.4"), "/tmp/newer.deb")
	s.run(t, "dpkg", "--install", "/tmp/adic.deb")
	if out := s.run(t, "adic", "version"); !strings.Contains(out, "v1.2.3") {
		t.Errorf("the version is %s", out)
	}
	if out := s.run(t, "dpkg", "--verify", "adic"); out != "" {
		t.Errorf("not what was packed: %s", out)
	}
	const token = "\n[auth]\npublish_token = \"" + publishToken + "\"\n"
	config := s.path("/etc/adic/adic.toml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, config, string(text)+token)

	serve := func() {
		t.Helper()
		p := s.startUnit(t, "adic.service")
		eventually(t, "the router is ready", func() bool {
			p.mustRun(t)
			_, err := s.try(t, "adic", "check", "--only", "ready")
			return err == nil
		})
		program, args := s.inside(t, "adic", "emit", "--token", publishToken)
		if out, err := run(t, `{"type":"MessageAdded","message_id":"ab12","depth":42}`+"\n", program, args...); err != nil {
			t.Errorf("adic emit: %v\n%s", err, out)
		}
		if out := s.run(t, "curl", "--silent", "http://127.0.0.1:9123/metrics"); !strings.Contains(out, "\nadic_journal_writable 1\n") {
			t.Errorf("for operators there is: %s", out)
		}
		p.terminate()
		if p.err != nil {
			t.Errorf("it ended with %v", p.err)
		}
	}
	events := func() int {
		p := s.startUnit(t, "adic.service")
		defer p.terminate()
		n := 0
		eventually(t, "the events can be read", func() bool {
			p.mustRun(t)
			out, err := s.try(t, "curl", "--silent", "--fail", "http://127.0.0.1:9121/v1/events?since=earliest")
			n = strings.Count(out, `"ab12"`)
			return err == nil
		})
		return n
	}
	serve()
	node, explorer := s.startUnit(t, "adic.service"), s.startUnit(t, "adic-explorer.service")
	eventually(t, "the explorer is ready", func() bool {
		explorer.mustRun(t)
		_, err := s.try(t, "adic", "check", "http://127.0.0.1:9122", "--only", "ready")
		return err == nil
	})
	if explorer.terminate(); explorer.err != nil {
		t.Errorf("the explorer ended with %v", explorer.err)
	}
	node.terminate()
	s.run(t, "dpkg", "--install", "/tmp/newer.deb")
	if out := s.run(t, "dpkg-query", "--show", "--showformat=${Version}", "adic"); out != "1.2.4" {
		t.Errorf("after the upgrade it is %s", out)
	}
	serve()
	if n := events(); n != 2 {
		t.Errorf("%d events of two survive the upgrade", n)
	}

	s.run(t, "dpkg", "--remove", "adic")
	kept := func(name string) bool { _, err := os.Stat(s.path(name)); return err == nil }
	if kept("/usr/bin/adic") || kept("/lib/systemd/system/adic.service") || !kept("/etc/adic/adic.toml") || !kept("/var/lib/adic/journal") {
		t.Error("after the removal the program is there, or the configuration or the journal is not")
	}
	s.run(t, "dpkg", "--install", "/tmp/newer.deb")
	if n := events(); n != 2 {
		t.Errorf("%d events of two survive removing and installing", n)
	}
	if out := s.run(t, "dpkg", "--purge", "adic"); !strings.Contains(out, "/var/lib/adic is kept") {
		t.Errorf("purging says nothing of the journal: %s", out)
	}
	if kept("/etc/adic") || !kept("/var/lib/adic/journal") || !kept("/var/lib/adic-explorer/explorer.db") {
		t.Error("after purging the configuration is there, or the journal or the index is not")
	}
}
