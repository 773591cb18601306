package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A manager is the other end of NOTIFY_SOCKET (sd_notify(3)).
type manager struct {
	name string
	conn *net.UnixConn
	done chan struct{}

	mu   sync.Mutex
	said []string // assignments, in order
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{name: filepath.Join(t.TempDir(), "notify"), done: make(chan struct{})}
	var err error
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.name, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.done)
		buf := make([]byte, 4096)
		for {
			n, err := m.conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said = append(m.said, strings.Split(string(buf[:n]), "\n")...)
			m.mu.Unlock()
		}
	}()
	t.Cleanup(func() { m.conn.Close(); <-m.done })
	return m
}

// heard returns what was said so far.
func (m *manager) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

// beats returns how many signs of life came so far.
func (m *manager) beats() int {
	n := 0
	for _, s := range m.heard() {
		if s == "WATCHDOG=1" {
			n++
		}
	}
	return n
}

// await waits until an assignment was said that begins with prefix, after the first
// skip ones, and returns its value and how many came before its successor.
func (m *manager) await(t *testing.T, skip int, prefix string) (value string, next int) {
	t.Helper()
	eventually(t, "the manager hears "+prefix, func() bool {
		said := m.heard()
		for i := skip; i < len(said); i++ {
			if v, ok := strings.CutPrefix(said[i], prefix); ok {
				value, next = v, i+1
				return true
			}
		}
		return false
	})
	return value, next
}

// start starts a router under the manager, on a socket that it holds.
func (m *manager) start(t *testing.T, watchdog time.Duration, through []string, flags ...string) *router {
	t.Helper()
	held := holdSocket(t)
	command := slices.Concat(through, []string{adic(), "serve", "--log.format", "json", "--auth.publish_token", publishToken}, flags)
	cmd := passing(t, "api", []*os.File{held.file}, command...)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.name, "WATCHDOG_USEC="+strconv.FormatInt(watchdog.Microseconds(), 10))
	return &router{process: startCommand(t, cmd), addr: held.addr}
}

// The manager is told of the whole life of a router: that it can be connected to, of
// each reload, good or bad, and of the drain, which may take as long as it takes.
func TestManagerIsTold(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	file := filepath.Join(t.TempDir(), "adic.toml")
	mustWrite(t, file, "")
	r := m.start(t, 200*time.Millisecond, nil, "--config", file, "--stream.drain_timeout", "3s")
	_, at := m.await(t, 0, "READY=1")
	status, at := m.await(t, at, "STATUS=")
	if status != "serving "+r.addr {
		t.Errorf("the status is %q", status)
	}
	var sockets []*socket
	for range 10 {
		sockets = append(sockets, openSocket(t, r, ""))
	}

	last := int64(0)
	for _, text := range []string{"[log]\nlevel = \"debug\"\n", "[log]\nlevel = \"loud\"\n"} {
		mustWrite(t, file, text)
		r.signal(syscall.SIGHUP)
		_, at = m.await(t, at, "RELOADING=1")
		var usec string
		usec, at = m.await(t, at, "MONOTONIC_USEC=")
		if n, err := strconv.ParseInt(usec, 10, 64); err != nil || n <= last {
			t.Errorf("MONOTONIC_USEC is %q after %d", usec, last)
		} else {
			last = n
		}
		_, at = m.await(t, at, "READY=1")
	}

	beats := m.beats()
	r.signal(syscall.SIGTERM)
	_, at = m.await(t, at, "STOPPING=1")
	usec, at := m.await(t, at, "EXTEND_TIMEOUT_USEC=")
	if n, err := strconv.ParseInt(usec, 10, 64); err != nil || time.Duration(n)*time.Microsecond <= 3*time.Second {
		t.Errorf("EXTEND_TIMEOUT_USEC is %q, want more than drain_timeout", usec)
	}
	if status, at = m.await(t, at, "STATUS="); status != "draining" {
		t.Errorf("the status is %q", status)
	}
	status, _ = m.await(t, at, "STATUS=draining: ")
	if n := 0; func() bool {
		_, err := fmt.Sscanf(status, "%d connections are left", &n)
		return err != nil || n < 1 || n > 10
	}() {
		t.Errorf("the status while draining is %q", status)
	}
	eventually(t, "the router has ended", r.ended)
	if r.err != nil {
		t.Errorf("the router ended with %v", r.err)
	}
	if m.beats() <= beats {
		t.Error("there was no sign of life during the drain")
	}
	for _, s := range sockets {
		s.await(t)
	}
}

// Signs of life come for as long as the router works, and not from one that hangs.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	const watchdog = 100 * time.Millisecond
	r := m.start(t, watchdog, nil)
	alive := func() {
		t.Helper()
		before := m.beats()
		eventually(t, "there are signs of life", func() bool { return m.beats() > before+5 })
	}
	alive()
	r.signal(syscall.SIGSTOP)
	var stat string
	eventually(t, "the process has stopped", func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
		stat = string(text)
		return err == nil && strings.Contains(stat, ") T ")
	})
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * watchdog)); err != nil {
		t.Fatal(err)
	}
	before := len(m.heard())
	<-m.done // nothing more came, or what was on its way
	if after := len(m.heard()); after > before+1 {
		t.Errorf("%d signs of life of a process that is stopped", after-before)
	}
	r.signal(syscall.SIGCONT)
}

// A router that is full is no router that hangs: without a descriptor for another
// client it answers the watchdog, and says what is missing now and then.
func TestFullRouterIsAlive(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	r := m.start(t, 200*time.Millisecond, nil)
	keep := openSocket(t, r, "")

	// The limit of the running process is lowered to what it has open.
	out, err := exec.Command(tool(t, "prlimit"), "--pid", strconv.Itoa(r.cmd.Process.Pid), "--nofile=40:4096").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot lower the limit: %v: %s", err, out)
	}
	const clients = 60
	var dialing sync.WaitGroup
	for range clients {
		dialing.Go(func() {
			s, err := tryOpen(r)
			if err != nil {
				t.Errorf("a WebSocket was not opened: %v", err)
				return
			}
			t.Cleanup(s.close)
		})
	}
	eventually(t, "the router is out of descriptors", func() bool { return r.find(t, outOfDescriptors) != nil })
	before := m.beats()
	eventually(t, "there are signs of life", func() bool { return m.beats() > before+5 })

	f := newFeed(r)
	heard := len(keep.received())
	// Who is there is served, and who waits is let in once the limit is raised.
	out, err = exec.Command(tool(t, "prlimit"), "--pid", strconv.Itoa(r.cmd.Process.Pid), "--nofile=4096:4096").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot raise the limit: %v: %s", err, out)
	}
	dialing.Wait()
	f.publish(t, 5)
	eventually(t, "the event arrives", func() bool { return len(keep.received()) == heard+5 })
	lines := 0
	for _, l := range r.log(t) {
		if l.Level == "ERROR" {
			lines++
		}
	}
	if lines < 1 || lines > 10 {
		t.Errorf("%d lines were logged about it", lines)
	}
	if status, _, _ := r.status(t, http.MethodGet, "/health/live", ""); status != http.StatusOK {
		t.Errorf("the router is not well: %d", status)
	}
}
