package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// Every command of a page of docs/ that is marked as one for the shell works, one after
// the other, as somebody would type them who reads it from the top.
func TestCommandsOfThePages(t *testing.T) {
	t.Parallel()
	for page, routerFirst := range map[string]bool{"getting-started.md": false, "faq.md": true} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../../docs", page))
			if err != nil {
				t.Fatal(err)
			}
			blocks := shellBlock.FindAllStringSubmatch(string(text), -1)
			if len(blocks) == 0 {
				t.Fatal("no commands")
			}
			addr := freeAddr(t)
			if routerFirst {
				r := startRouter(t, "--demo=50")
				addr = r.addr
			}
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			var script strings.Builder
			// Commands that take a router's URL are given that of this one.
			fmt.Fprintf(&script, `set -eu
adic() {
	case $1 in
	tail | check | record) command adic "$@" http://%[1]s ;;
	emit) command adic "$@" --url http://%[1]s ;;
	*) command adic "$@" ;;
	esac
}
`, addr)
			for _, b := range blocks {
				script.WriteString(strings.ReplaceAll(b[1], "9121", port))
			}
			dir := t.TempDir()
			printed, err := os.Create(filepath.Join(dir, "printed"))
			if err != nil {
				t.Fatal(err)
			}
			defer printed.Close()
			cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
			cmd.Dir = dir
			cmd.Env = append(environment(t), "PATH="+scratch+":"+os.Getenv("PATH"), "ADIC_API_PORT="+port, "ADIC_API_HOST=127.0.0.1")
			cmd.Stdout, cmd.Stderr = printed, printed // no pipe, which what goes on behind would hold open
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			err = cmd.Run()
			// What was left running ends with its group.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			eventually(t, "everything has ended", func() bool { return syscall.Kill(-cmd.Process.Pid, 0) != nil })
			out, readErr := os.ReadFile(printed.Name())
			if readErr != nil {
				t.Fatal(readErr)
			}

			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
