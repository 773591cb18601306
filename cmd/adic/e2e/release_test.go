package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// makeIn runs make in the source tree.
func makeIn(args ...string) error {
	cmd := exec.Command("make", args...)
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %v: %w\n%s", args, err, out)
	}
	return nil
}

// makeRelease makes a release for this machine in a folder, and returns its checksums.
func makeRelease(dir string) (sums string, err error) {
	if err := makeIn("release", "VERSION=v1.2.3", "ARCHS="+runtime.GOARCH, "DIST="+dir); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	return string(text), err
}

// released is a release that tests share: its folder and checksums.
var released = sync.OnceValues(func() (sums string, err error) { return makeRelease(dist()) })

func dist() string { return filepath.Join(scratch, "dist") }

// debianPackage returns the file of the package of the release.
func debianPackage(t *testing.T) string {
	t.Helper()
	if _, err := released(); err != nil {
		t.Fatal(err)
	}
	packages, err := filepath.Glob(filepath.Join(dist(), "*_1.2.3_*.deb"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("packages: %v, %v", packages, err)
	}
	return packages[0]
}

// A release is the same however often it is built, its binary is static and knows its
// version, and the checksums are right.
func TestRelease(t *testing.T) {
	t.Parallel()
	first, err := released()
	if err != nil {
		t.Fatal(err)
	}
	second, err := makeRelease(filepath.Join(t.TempDir(), "dist"))
	if err != nil {
		t.Fatal(err)
	}
	if second != first {
		t.Errorf("two builds differ:\n%s\n%s", first, second)
	}
	if out, err := run(t, "", "sh", "-c", `cd "$1" && sha256sum --check SHA256SUMS`, "sh", dist()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	program := filepath.Join(dist(), "adic-linux-"+runtime.GOARCH)
	if out, err := run(t, "", program, "version"); err != nil || !strings.Contains(out, "v1.2.3") {
		t.Errorf("adic version: %v\n%s", err, out)
	}
	if out, err := run(t, "", "ldd", program); err == nil || !strings.Contains(out, "not a dynamic executable") {
		t.Errorf("the binary is not static: %v\n%s", err, out)
	}
	out, err := run(t, "", tool(t, "dpkg-deb"), "--field", debianPackage(t), "Package", "Version", "Architecture")
	if want := "Package: adic\nVersion: 1.2.3\nArchitecture: " + runtime.GOARCH + "\n"; err != nil || out != want {
		t.Errorf("dpkg-deb: %v\n%s", err, out)
	}
}

// make install puts a binary that runs, units that systemd takes and configurations below
// DESTDIR, and leaves a configuration that is there alone.
func TestInstall(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	install := func() {
		t.Helper()
		if err := makeIn("install", "DESTDIR="+root, "PREFIX=/opt", "BINARY="+filepath.Join(t.TempDir(), "adic")); err != nil {
			t.Fatal(err)
		}
	}
	install()
	config := filepath.Join(root, "etc/adic/adic.toml")
	if out, err := run(t, "", filepath.Join(root, "opt/bin/adic"), "config", "--config", config); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for unit, want := range map[string]string{"adic.service": "ExecStart=/opt/bin/adic serve ", "adic-explorer.service": "ExecStart=/opt/bin/adic explorer ", "adic.socket": "ListenStream=9121\n"} {
		text, err := os.ReadFile(filepath.Join(root, "etc/systemd/system", unit))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, no %q in\n%s", unit, err, want, text)
		}
	}
	const mine = "[log]\nlevel = \"debug\"\n"
	mustWrite(t, config, mine)
	install()
	if text, err := os.ReadFile(config); err != nil || string(text) != mine {
		t.Errorf("the configuration is another one: %v\n%s", err, text)
	}
}
