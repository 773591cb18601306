//go:build linux

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// An image is what a container engine reads of one.
type image struct {
	User        string
	Entrypoint  []string
	Cmd         []string
	Env         []string
	WorkingDir  string
	Healthcheck struct{ Test []string }
}

// buildImage has buildah build the image of the release on an empty base, and returns its configuration and
// where its files are.
func buildImage(t *testing.T) (config image, root string) {
	t.Helper()
	context, store := t.TempDir(), t.TempDir()
	if _, err := released(); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join("dist", "adic-linux-"+runtime.GOARCH)
	mustCopy(t, filepath.Join(scratch, binary), filepath.Join(context, binary))
	for from, to := range map[string]string{"../../../deploy/container": "deploy/container", "../../../.dockerignore": ".dockerignore"} {
		mustCopy(t, from, filepath.Join(context, to))
	}
	makefile, err := filepath.Abs("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	engine := []string{tool(t, "buildah"), "--storage-driver", "vfs", "--root", filepath.Join(store, "root"), "--runroot", filepath.Join(store, "run")}
	buildah := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), engine[0], append(engine[1:len(engine):len(engine)], args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("buildah %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	cmd := exec.CommandContext(t.Context(), "make", "-f", makefile, "image", "ENGINE="+strings.Join(engine, " "),
		"IMAGEFLAGS=--isolation chroot --format docker --build-arg BASE=scratch")
	cmd.Dir = context
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, out)
	}
	var page struct{ Docker struct{ Config image } }
	if err := json.Unmarshal([]byte(buildah("inspect", "--type", "image", "adic")), &page); err != nil {
		t.Fatal(err)
	}
	return page.Docker.Config, buildah("mount", buildah("from", "adic"))
}

// The image holds a binary that needs nothing else: no libc, no /etc, no /proc, no /tmp. It is
// not root, keeps its journal in the volume, says by itself whether it is ready, and drains.
func TestContainer(t *testing.T) {
	t.Parallel()
	config, root := buildImage(t)
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(config.User) {
		t.Fatalf("the user is %q, want numbers other than 0, which hold without /etc/passwd", config.User)
	}
	if config.Healthcheck.Test[0] != "CMD" {
		t.Errorf("the health check is %q, which needs a shell", config.Healthcheck.Test)
	}
	if out, err := run(t, "", "find", root, "-type", "f", "!", "-name", ".keep"); err != nil || strings.TrimSpace(out) != root+"/usr/bin/adic" {
		t.Errorf("%v, the image holds more than the binary:\n%s", err, out)
	}
	s := newSystem(t) // of which it has the network
	within := func(command ...string) (string, []string) {
		uid, gid, _ := strings.Cut(config.User, ":")
		command = append(append([]string{"env", "-i"}, config.Env...), append([]string{tool(t, "unshare"), "--root", root, "--wd", config.WorkingDir,
			"--setgid", gid, "--setuid", uid, "--"}, command...)...)
		return tool(t, "nsenter"), append([]string{"--target", s.pid, "--net", "--"}, command...)
	}
	ready := func() bool {
		program, args := within(config.Healthcheck.Test[1:]...)
		_, err := run(t, "", program, args...)
		return err == nil
	}
	for name, command := range map[string][]string{
		"as it is":     config.Cmd,
		"with journal": {"serve", "--events.journal", "journal", "--auth.publish_token", publishToken},
	} {
		t.Run(name, func(t *testing.T) {
			if ready() {
				t.Fatal("it is ready before it runs")
			}
			program, args := within(append(config.Entrypoint, command...)...)
			p := start(t, program, args...)
			eventually(t, "it is ready", func() bool {
				p.mustRun(t)
				return ready()
			})
			if name == "with journal" {
				if out, err := run(t, "", "find", filepath.Join(root, config.WorkingDir, "journal"), "-type", "f"); err != nil || out == "" {
					t.Errorf("%v, there is no journal in the volume: %s", err, out)
				}
			}
			p.terminate()
			if p.err != nil {
				t.Errorf("it ended with %v", p.err)
			}
		})
	}
}
