//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	token = "soak"
	// patience is how long the router may take for what it has to do.
	patience = 30 * time.Second
)

// A router is a running `adic serve`.
type router struct {
	addr string // host:port
	cmd  *exec.Cmd
	done chan error // its end
}

// startRouter starts the binary on a port of the loopback address, 0 for any, and
// returns when it serves.
func startRouter(binary string, port int) (*router, error) {
	// The buffers are small, so that clients that stall lose something of each class.
	cmd := exec.Command(binary, "serve", "--api.host", "127.0.0.1", "--api.port", strconv.Itoa(port), "--log.format", "json",
		"--auth.publish_token", token, "--stream.drain_timeout", "2s",
		"--events.high_priority_buffer", "200", "--events.medium_priority_buffer", "100", "--events.low_priority_buffer", "50")
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the router: %w", err)
	}
	r := &router{cmd: cmd, done: make(chan error, 1)}
	serving := make(chan string, 1)
	go func() {
		r.readLog(log, serving)
		r.done <- cmd.Wait()
	}()
	select {
	case r.addr = <-serving:
		return r, nil
	case err := <-r.done:
		return nil, fmt.Errorf("the router ended instead of serving: %w", err)
	case <-time.After(patience):
		return nil, fmt.Errorf("the router does not serve after %v: %w", patience, cmd.Process.Kill())
	}
}

// readLog passes on what the router logs beside its normal course.
func (r *router) readLog(log io.Reader, serving chan<- string) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line struct{ Level, Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level != "INFO" {
			fmt.Fprintln(os.Stderr, "router:", lines.Text())
		}
		if line.Msg == "serving" {
			serving <- line.Address
		}
	}
}

// stop has the router drain.
func (r *router) stop() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the router has ended by itself: %w", err)
	}
	select {
	case err := <-r.done:
		if err != nil {
			return fmt.Errorf("the router did not end well: %w", err)
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the router does not end after %v: %w", patience, r.cmd.Process.Kill())
	}
}

func (r *router) port() int {
	_, port, err := net.SplitHostPort(r.addr)
	n, atoiErr := strconv.Atoi(port)
	if err != nil || atoiErr != nil {
		return 0
	}
	return n
}

// metric returns the value of a metric without labels.
func (r *router) metric(name string) (float64, error) {
	res, err := http.Get("http://" + r.addr + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the router has no metric %s", name)
}

// settled waits until only the followers are left, and for what else the clients that
// have gone took, and returns the resident memory then, in bytes.
func (r *router) settled(followers int) (memory int64, err error) {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		ws, err := r.metric("adic_websocket_connections")
		if err != nil {
			return 0, err
		}
		sse, err := r.metric("adic_sse_connections")
		if err != nil {
			return 0, err
		}
		if ws == 0 && int(sse) == followers {
			break
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%g WebSockets and %g event streams are left, want 0 and %d", ws, sse, followers)
		}
	}
	time.Sleep(3 * time.Second) // the router gives back the memory of a rush within two
	resident, err := r.metric("process_resident_memory_bytes")
	return int64(resident), err
}
