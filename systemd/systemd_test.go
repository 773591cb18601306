package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// newSocket is the manager's side of NOTIFY_SOCKET.
func newSocket(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func wantUnset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			t.Errorf("%s=%s is left for children", name, value)
		}
	}
}

func TestNotify(t *testing.T) {
	for name, socket := range map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@adic-test-" + strconv.Itoa(os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			conn := newSocket(t, socket)
			t.Setenv("NOTIFY_SOCKET", socket)
			t.Setenv("WATCHDOG_USEC", "3000000")
			t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
			m, err := FindManager()
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			wantUnset(t, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
			if m.Watchdog != 3*time.Second {
				t.Errorf("the watchdog is %v, want 3s", m.Watchdog)
			}
			for want, send := range map[string]func() error{
				"READY=1\nSTATUS=serving":                                  func() error { return m.Ready("serving") },
				"STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000\nSTATUS=draining": func() error { return m.Stopping("draining", 2500*time.Millisecond) },
				"STATUS=draining: 3 left":                                  func() error { return m.Status("draining: 3 left") },
				"WATCHDOG=1":                                               m.Alive,
			} {
				if err := send(); err != nil {
					t.Fatal(err)
				}
				if got := receive(t, conn); got != want {
					t.Errorf("sent %q, want %q", got, want)
				}
			}
			if err := m.Reloading(); err != nil {
				t.Fatal(err)
			}
			usec, ok := strings.CutPrefix(receive(t, conn), "RELOADING=1\nMONOTONIC_USEC=")
			if n, err := strconv.Atoi(usec); !ok || err != nil || n <= 0 {
				t.Errorf("RELOADING=1 came with MONOTONIC_USEC %q", usec)
			}
		})
	}
}

// A manager that was restarted has a new socket under the same name.
func TestNotifyAfterARestartOfTheManager(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	old := newSocket(t, socket)
	t.Setenv("NOTIFY_SOCKET", socket)
	m, err := FindManager()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Alive(); err != nil {
		t.Fatal(err)
	}
	old.Close()
	os.Remove(socket)
	if err := m.Alive(); err == nil || !strings.Contains(err.Error(), "cannot notify the service manager") {
		t.Errorf("without a socket the error is %v", err)
	}
	next := newSocket(t, socket)
	if err := m.Alive(); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, next); got != "WATCHDOG=1" {
		t.Errorf("received %q", got)
	}
}

func TestFindManager(t *testing.T) {
	pid := strconv.Itoa(os.Getpid())
	for _, test := range []struct {
		name, socket, usec, pid string
		present                 bool
		watchdog                time.Duration
		wrong                   string // part of the error
	}{
		{name: "none"},
		{name: "a watchdog without a socket", usec: "1000000"},
		{name: "no watchdog", socket: "/run/notify", present: true},
		{name: "watchdog for whoever it is", socket: "/run/notify", usec: "1", present: true, watchdog: time.Microsecond},
		{name: "watchdog of this process", socket: "/run/notify", usec: "1000000", pid: pid, present: true, watchdog: time.Second},
		{name: "watchdog of another process", socket: "/run/notify", usec: "1000000", pid: "1", present: true},
		{name: "no socket of files", socket: "vsock:2:1", wrong: "NOTIFY_SOCKET=vsock:2:1"},
		{name: "no number", socket: "/run/notify", usec: "3s", wrong: "WATCHDOG_USEC=3s"},
		{name: "zero", socket: "/run/notify", usec: "0", wrong: "WATCHDOG_USEC=0"},
		{name: "out of range", socket: "/run/notify", usec: "18446744073709551615", wrong: "WATCHDOG_USEC=18446744073709551615"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("NOTIFY_SOCKET", test.socket)
			t.Setenv("WATCHDOG_USEC", test.usec)
			t.Setenv("WATCHDOG_PID", test.pid)
			m, err := FindManager()
			wantUnset(t, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("the error is %v, want one with %q", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.Present() != test.present || m.Watchdog != test.watchdog {
				t.Errorf("present %v, watchdog %v; want %v, %v", m.Present(), m.Watchdog, test.present, test.watchdog)
			}
			if !test.present && m.Alive() != nil {
				t.Error("without a manager a notification fails")
			}
		})
	}
}
