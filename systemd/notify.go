package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// notifyTimeout bounds the wait for a manager that does not read.
const notifyTimeout = time.Second

// Manager is the service manager that started this process, or none. Its methods
// are safe for concurrent use.
type Manager struct {
	socket string // empty without a manager
	mu     sync.Mutex
	conn   *net.UnixConn // kept: a router out of descriptors is alive all the same
	// Watchdog is how often the manager wants a sign of life (Alive) at least; 0
	// if it wants none.
	Watchdog time.Duration
}

// FindManager reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes
// them from the environment.
func FindManager() (*Manager, error) {
	m := &Manager{socket: take("NOTIFY_SOCKET")}
	usec, pid := take("WATCHDOG_USEC"), take("WATCHDOG_PID")
	if m.socket != "" && m.socket[0] != '/' && m.socket[0] != '@' {
		return nil, fmt.Errorf("cannot use NOTIFY_SOCKET=%s: it is neither a path nor an abstract socket (@name)", m.socket)
	}
	if usec == "" || m.socket == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return m, nil
	}
	const most = uint64(1<<63-1) / uint64(time.Microsecond)
	n, err := strconv.ParseUint(usec, 10, 64)
	if err != nil || n == 0 || n > most {
		return nil, fmt.Errorf("cannot use WATCHDOG_USEC=%s: it is not a number of microseconds", usec)
	}
	m.Watchdog = time.Duration(n) * time.Microsecond
	return m, nil
}

// Present reports whether there is a manager to notify.
func (m *Manager) Present() bool { return m.socket != "" }

// Ready says that the service has started, or is done reloading.
func (m *Manager) Ready(status string) error { return m.send("READY=1", "STATUS="+status) }

// Reloading says that the configuration is being read again; Ready ends it.
func (m *Manager) Reloading() error {
	return m.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic().Microseconds(), 10))
}

// Stopping says that the service is shutting down, which may take as long as
// longest from now, whatever the unit's TimeoutStopSec= says.
func (m *Manager) Stopping(status string, longest time.Duration) error {
	return m.send("STOPPING=1", "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(longest.Microseconds(), 10), "STATUS="+status)
}

// Status says what the service is doing, for people.
func (m *Manager) Status(status string) error { return m.send("STATUS=" + status) }

// Alive is the sign of life that the watchdog waits for.
func (m *Manager) Alive() error { return m.send("WATCHDOG=1") }

// send sends assignments in one datagram.
func (m *Manager) send(assignments ...string) error {
	if m.socket == "" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	text := []byte(strings.Join(assignments, "\n"))
	if m.conn != nil {
		if m.write(text) == nil {
			return nil
		}
		m.close() // the manager may have been restarted, with a new socket of that name
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err == nil {
		m.conn = conn
		err = m.write(text)
	}
	if err != nil {
		return fmt.Errorf("cannot notify the service manager: %w", err)
	}
	return nil
}

func (m *Manager) write(text []byte) error {
	if err := m.conn.SetWriteDeadline(time.Now().Add(notifyTimeout)); err != nil {
		return err
	}
	_, err := m.conn.Write(text)
	return err
}

// Close ends the connection to the manager.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.close()
}

func (m *Manager) close() {
	if m.conn != nil {
		m.conn.Close() // of datagrams: nothing can be left to be lost
		m.conn = nil
	}
}

// take reads a variable and removes it.
func take(name string) string {
	value := os.Getenv(name)
	os.Unsetenv(name) // fails for names that are none only
	return value
}
