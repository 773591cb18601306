package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/systemd"
)

// The watchdog hears of a router that works, and not of one that hangs, until it
// works again.
func TestWatchdogIsAnsweredWhileTheRouterWorks(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "")
	manager, err := systemd.FindManager()
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	var log bytes.Buffer
	s := &service{manager: manager, log: slog.New(slog.NewTextHandler(&log, nil))}

	ctx, stop := context.WithCancel(t.Context())
	checks := 0
	beats := make(map[int]string) // by how many checks were made
	s.watch(ctx, func(timeout time.Duration) error {
		if timeout != 20*time.Millisecond {
			t.Errorf("the check may take %v, want 20ms", timeout)
		}
		if checks > 0 { // what the check before has led to
			beats[checks] = received(conn)
		}
		switch checks++; checks {
		case 2, 3:
			return errors.New("no answer")
		case 5:
			stop()
		}
		return nil
	})
	for check, want := range map[int]string{1: "WATCHDOG=1", 2: "", 3: "", 4: "WATCHDOG=1"} {
		if beats[check] != want {
			t.Errorf("check %d led to %q, want %q", check, beats[check], want)
		}
	}
	if strings.Count(log.String(), "the router hangs") != 2 {
		t.Errorf("the log says %s", log.String())
	}
}

// received returns what is there to be read. A datagram is there as soon as it has
// been sent.
func received(conn *net.UnixConn) string {
	buf := make([]byte, 4096)
	if conn.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return "no deadline"
	}
	n, err := conn.Read(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
