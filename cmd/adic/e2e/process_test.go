package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// grace is how long a program that was asked to end may take before it is
// killed.
const grace = 15 * time.Second

// A process is a program that runs beside its test.
type process struct {
	stdin          io.WriteCloser
	stdout, stderr output

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; to be read after done
}

// start starts a program, which is ended at the latest when the test ends.
func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = environment(t)
	return startCommand(t, cmd)
}

// startCommand is start for a command that has more than arguments. What it prints
// goes where the command says, or is collected.
func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout = &p.stdout
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = &p.stderr
	}
	p.cmd.WaitDelay = grace // for children that hold its output open
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.terminate()
		if t.Failed() {
			t.Logf("%s\nstandard output:\n%s\nstandard error:\n%s", strings.Join(cmd.Args, " "), p.stdout.tail(), p.stderr.tail())
		}
	})
	return p
}

// terminate asks the program to end, waits until it has, and kills it if it
// does not.
func (p *process) terminate() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.signal(os.Kill)
		<-p.done
	}
}

// signal ignores a failure: the process has ended by itself.
func (p *process) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// ended reports whether the program has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// mustRun fails the test at once if the program has ended by itself.
func (p *process) mustRun(t *testing.T) {
	t.Helper()
	if p.ended() {
		t.Fatalf("%s has ended: %v", filepath.Base(p.cmd.Path), p.err)
	}
}

// An output collects what a program prints, for any number of goroutines.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lines returns the lines that are finished.
func (o *output) lines() []string {
	lines := strings.Split(o.String(), "\n")
	return lines[:len(lines)-1]
}

// tail returns the end of the text, for people to read.
func (o *output) tail() string {
	const most = 8 << 10
	text := o.String()
	return text[max(0, len(text)-most):]
}
