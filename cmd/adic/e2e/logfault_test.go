package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A log that cannot be written is no reason to stop, to wait or to lose an event.
// What is missing is counted, and told where it is missing once somebody reads.
func TestLogThatCannotBeWritten(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (stderr, reader *os.File){
		"a full disk":              fullDisk,
		"a pipe without reader":    brokenPipe,
		"a pipe that nobody reads": fullPipe,
	} {
		t.Run(name, func(t *testing.T) {
			stderr, reader := open(t)
			held := holdSocket(t)
			file := filepath.Join(t.TempDir(), "adic.toml")
			mustWrite(t, file, "")
			cmd := passing(t, "api", []*os.File{held.file}, adic(), "serve", "--config", file, "--log.level", "debug", "--log.format", "json",
				"--auth.publish_token", publishToken, "--stream.drain_timeout", "1s", "--events.high_priority_buffer", "60000")
			cmd.Stderr = stderr
			r := &router{process: startCommand(t, cmd), addr: held.addr}
			c := newCrowd(t, held.addr)
			c.follow(t, 20)
			c.visit(2)
			c.publish(2)
			eventually(t, "events are published", func() bool { return c.count() >= 200 })

			// A file with some thousand mistakes is a line longer than what a log may
			// keep in memory.
			const dropped = "adic_log_lines_dropped_total"
			mustWrite(t, file, "[api]\n"+manyMistakes(5000))
			for n := range 3 {
				r.signal(syscall.SIGHUP)
				eventually(t, "lines are dropped", func() bool { return int(r.metrics(t)[dropped]) > n })
			}
			before := c.count()
			eventually(t, "events are published", func() bool { return c.count() >= before+200 })
			c.hush(t)
			c.wantAll(t)
			for _, what := range c.refused {
				t.Errorf("refused: %s", what)
			}
			status, _, _ := r.status(t, http.MethodGet, "/health/live", "")
			if status != http.StatusOK {
				t.Errorf("the router is not well: %d", status)
			}

			if reader != nil {
				wantNote(t, reader, func() int { return int(r.metrics(t)[dropped]) })
			}
			c.leave()
			r.terminate()
			if r.err != nil {
				t.Errorf("the router ended with %v", r.err)
			}
		})
	}
}

func manyMistakes(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "a_key_that_there_is_not_%d = 1\n", i)
	}
	return text.String()
}

func fullDisk(t *testing.T) (stderr, reader *os.File) {
	t.Helper()
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, nil
}

func brokenPipe(t *testing.T) (stderr, reader *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w, nil
}

// fullPipe has no room for a single line.
func fullPipe(t *testing.T) (stderr, reader *os.File) {
	t.Helper()
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(ends[1], true); err != nil {
		t.Fatal(err)
	}
	line := []byte(`{"msg":"of another program"}` + "\n")
	line = []byte(strings.Repeat(" ", 63-len(line)%64) + string(line)) // divides the pipe evenly
	for {
		if _, err := syscall.Write(ends[1], line); errors.Is(err, syscall.EAGAIN) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(ends[1], false); err != nil { // as a shell has it
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "writer")
	t.Cleanup(func() { r.Close(); w.Close() })
	return w, r
}

// wantNote reads the log until it says that lines are missing, and fails the test
// unless it says how many.
func wantNote(t *testing.T, log *os.File, dropped func() int) {
	t.Helper()
	want := dropped()
	lines, total := bufio.NewReader(log), 0
	for total < want {
		text, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		var line struct {
			Msg   string
			Level string
			Lines int
		}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%q is no line of the log: %v", text, err)
		}
		if line.Msg == "lines are missing here: the log could not be written fast enough" {
			if line.Level != "ERROR" {
				t.Errorf("the level of the note is %s", line.Level)
			}
			total += line.Lines
		}
	}
	if got := dropped(); total > got {
		t.Errorf("%d lines are said to be missing, %d are counted", total, got)
	}
}

// The last words of a router do not keep it from ending either.
func TestEndsWithoutAReaderOfItsLastWords(t *testing.T) {
	t.Parallel()
	stderr, _ := fullPipe(t)
	held, m := holdSocket(t), newManager(t)
	cmd := passing(t, "api", []*os.File{held.file}, adic(), "serve", "--stream.drain_timeout", "1h")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.name)
	cmd.Stderr = stderr
	r := &router{process: startCommand(t, cmd), addr: held.addr}
	openSocket(t, r, "") // which the drain closes at once, and
	openSocket(t, r, "") // not this one
	r.signal(syscall.SIGTERM)
	m.await(t, 0, "STOPPING=1")
	r.signal(syscall.SIGTERM)
	eventually(t, "the second signal ends the router", r.ended)
	var exit *exec.ExitError
	if !errors.As(r.err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the router ended with %v, want exit status 1", r.err)
	}
}

// However many connections fail, the log is not full of it, and says how many lines
// it lacks.
func TestLogRateIsBounded(t *testing.T) {
	t.Parallel()
	const clients = 250
	r := startOdd(t, nil, "--log.level", "debug")
	began := time.Now()
	for range clients {
		reset(t, openSocket(t, r, ""))
	}
	eventually(t, "all are gone", func() bool { return r.metrics(t)["adic_websocket_connections"] == 0 })
	suppressed := int(r.metrics(t)["adic_log_lines_suppressed_total"])
	r.terminate()
	written, told, all := map[string]int{}, map[string]int{}, 0
	for _, l := range r.log(t) {
		written[l.Message]++
		if l.Message == "lines left out: too many with the same message" {
			var note struct {
				Message string
				Lines   int
			}
			if err := json.Unmarshal([]byte(l.raw), &note); err != nil {
				t.Fatal(err)
			}
			told[note.Message] += note.Lines
			all += note.Lines
		}
	}
	most := 100 * (1 + int(time.Since(began)/(10*time.Second)))
	for _, m := range []string{"client connected", "websocket error: connection lost", "client left"} {
		if written[m]+told[m] != clients || written[m] > most {
			t.Errorf("%s: of %d lines %d were written (at most %d may be), %d are told to be missing", m, clients, written[m], most, told[m])
		}
	}
	if all < suppressed {
		t.Errorf("%d lines are told to be missing, and %d are counted", all, suppressed)
	}
}
