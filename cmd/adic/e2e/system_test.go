//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A system is the files of this machine, which change for it alone, and a network of its
// own, with a loopback device and every port free. It is gone when the test ends.
type system struct{ pid string }

func newSystem(t *testing.T) *system {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test makes namespaces with an overlay of the root directory, which needs root or CAP_SYS_ADMIN: " +
			"run the tests as root, in a container with --cap-add SYS_ADMIN --cap-add NET_ADMIN")
	}
	p := start(t, tool(t, "unshare"), "--mount", "--net", "sh", "-ec", `
mount -t tmpfs adic "$1"
cd "$1"
mkdir upper work root
mount -t overlay adic -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs tmp root/tmp
ip link set lo up
exec chroot root sh -c "echo up; exec sleep infinity"`, "sh", t.TempDir())
	eventually(t, "the namespaces are there", func() bool {
		p.mustRun(t)
		return p.stdout.String() == "up\n"
	})
	return &system{strconv.Itoa(p.cmd.Process.Pid)}
}

// path returns where a file of the system is for the test.
func (s *system) path(name string) string { return filepath.Join("/proc", s.pid, "root", name) }

// inside returns a command as a program and arguments that run in the system.
func (s *system) inside(t *testing.T, command ...string) (program string, args []string) {
	return tool(t, "nsenter"), append([]string{"--target", s.pid, "--mount", "--net", "--root", "--wdns=/", "--"}, command...)
}

// run runs a command in the system, which has to succeed, and returns what it prints.
func (s *system) run(t *testing.T, command ...string) string {
	t.Helper()
	out, err := s.try(t, command...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return out
}

// try is run for a command that may fail.
func (s *system) try(t *testing.T, command ...string) (string, error) {
	t.Helper()
	program, args := s.inside(t, command...)
	return run(t, "", program, args...)
}

// start starts a command in the system.
func (s *system) start(t *testing.T, command ...string) *process {
	t.Helper()
	program, args := s.inside(t, command...)
	return start(t, program, args...)
}

// put copies a file of this machine to the system.
func (s *system) put(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(s.path(to)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(to), text, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// The descriptors of a login are as in the file of deploy/, which PAM reads. This machine may
// not allow as many as it asks for.
func TestDescriptorsOfALogin(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	mustWrite(t, s.path("/etc/security/limits.d/60-adic.conf"), deployFile(t, "limits.d/60-adic.conf", "262144", "777"))
	s.run(t, "useradd", "--system", "adic")
	if out := s.run(t, "su", "adic", "--shell", "/bin/sh", "--command", "ulimit -Hn; ulimit -Sn"); out != "777\n777\n" {
		t.Errorf("the limits are %q", out)
	}
}

// Every setting for the kernel is one that it has, and it takes as many descriptors as the
// units and logins ask for.
func TestKernelSettings(t *testing.T) {
	t.Parallel()
	set := make(map[string]string)
	for line := range strings.Lines(deployFile(t, "sysctl.d/60-adic.conf")) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), " = "); found && !strings.HasPrefix(name, "#") {
			set[name] = value
			if _, err := os.Stat("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); err != nil {
				t.Errorf("the kernel has no %s: %v", name, err)
			}
		}
	}
	most, err := strconv.Atoi(set["fs.nr_open"])
	if err != nil {
		t.Fatal(err)
	}
	for file, line := range map[string]string{"systemd/adic.service": "LimitNOFILE=%d\n", "limits.d/60-adic.conf": "hard nofile %d\n"} {
		var asked int
		_, after, _ := strings.Cut(deployFile(t, file), strings.TrimSuffix(line, "%d\n"))
		if _, err := fmt.Sscanf(after, "%d", &asked); err != nil || asked < 1 || asked > most {
			t.Errorf("%s asks for %d descriptors, the kernel is to allow %d: %v", file, asked, most, err)
		}
	}
}
