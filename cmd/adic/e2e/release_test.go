package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A release is the same however often it is built, and its Debian package holds a router
// that starts, and a configuration and units that are right.
func TestRelease(t *testing.T) {
	t.Parallel()
	release := func() (dir, sums string) {
		dir = filepath.Join(t.TempDir(), "dist")
		cmd := exec.CommandContext(t.Context(), "make", "release", "VERSION=v1.2.3", "ARCHS="+runtime.GOARCH, "DIST="+dir)
		cmd.Dir = "../../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make release: %v\n%s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		return dir, string(text)
	}
	dir, first := release()
	if _, second := release(); second != first {
		t.Errorf("two builds differ:\n%s\n%s", first, second)
	}
	root := t.TempDir()
	packages, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("packages: %v, %v", packages, err)
	}
	if out, err := run(t, "", tool(t, "dpkg-deb"), "--extract", packages[0], root); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	if out, err := run(t, "", tool(t, "dpkg-deb"), "--field", packages[0], "Version", "Package"); err != nil || !strings.Contains(out, "1.2.3") || !strings.Contains(out, "adic") {
		t.Errorf("dpkg-deb: %v\n%s", err, out)
	}
	program := filepath.Join(root, "usr/bin/adic")
	if out, err := run(t, "", program, "version"); err != nil || !strings.Contains(out, "v1.2.3") {
		t.Errorf("adic version: %v\n%s", err, out)
	}
	if out, err := run(t, "", program, "config", "--config", filepath.Join(root, "etc/adic/adic.toml")); err != nil {
		t.Errorf("adic config: %v\n%s", err, out)
	}
	for _, unit := range []string{"adic.service", "adic.socket"} {
		if _, err := os.Stat(filepath.Join(root, "lib/systemd/system", unit)); err != nil {
			t.Error(err)
		}
	}
	r := start(t, program, "serve", "--api.host", "127.0.0.1", "--api.port", "0")
	eventually(t, "the router of the package serves", func() bool {
		r.mustRun(t)
		return strings.Contains(r.stderr.String(), "serving")
	})
}
