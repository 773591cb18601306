package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A heldSocket is a listening socket that outlives the routers that use it, as that
// of a socket unit of systemd does.
type heldSocket struct {
	addr string
	file *os.File
}

func holdSocket(t *testing.T) *heldSocket {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // file is a copy
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &heldSocket{ln.Addr().String(), file}
}

// passing is a command that gets files as descriptors 3 and up, in the way of
// sd_listen_fds(3).
func passing(t *testing.T, names string, files []*os.File, command ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", "env"}, command...)...)
	cmd.Env = append(environment(t), "LISTEN_FDS="+string(rune('0'+len(files))), "LISTEN_FDNAMES="+names)
	cmd.ExtraFiles = files
	return cmd
}

// start starts a router on the socket, through systemd-socket-activate, which waits
// for the first connection.
func (h *heldSocket) start(t *testing.T, flags ...string) *router {
	t.Helper()
	command := append([]string{"SYSTEMD_LOG_LEVEL=err", tool(t, "systemd-socket-activate"), adic(), "serve", "--log.format", "json",
		"--auth.publish_token", publishToken}, flags...)
	return &router{process: startCommand(t, passing(t, "api", []*os.File{h.file}, command...)), addr: h.addr}
}

// systemd's own program starts the router at the first connection, which waits
// meanwhile and is served.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	r := holdSocket(t).start(t, "--api.port", "1") // which is without effect
	if r.find(t, "serving") != nil {
		t.Error("the router runs before anybody came")
	}
	s := openSocket(t, r, "")
	if line := r.find(t, "serving"); line == nil || line.Address != r.addr {
		t.Errorf("the router says %v, want that it serves %s", line, r.addr)
	}
	if r.find(t, "using the socket of the service manager: host and port of the configuration are without effect") == nil {
		t.Error("the router does not say whose socket it uses")
	}
	r.terminate()
	if r.err != nil {
		t.Errorf("the router ended with %v", r.err)
	}
	s.await(t)
	if s.code != 1001 {
		t.Errorf("the client was closed with %d", s.code)
	}
	conn, err := net.Dial("tcp", r.addr) // to wait for the next router
	if err != nil {
		t.Fatalf("the socket was closed with the router: %v", err)
	}
	conn.Close()
}

// Sockets that the router cannot use are no reason to open another one that nobody
// asked for, but to say what is wrong.
func TestRefusesUnusableSockets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(c interface{ File() (*os.File, error) }, err error) *os.File {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	tcp := func() *os.File { return holdSocket(t).file }
	dial := func() *os.File {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return file(c.(*net.TCPConn), nil)
	}
	plain, err := os.Create(dir + "/plain")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	unixListener, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/socket", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unixListener.Close() })
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })

	for name, test := range map[string]struct {
		names string
		files []*os.File
		want  []string
	}{
		"two of no name":             {"", []*os.File{tcp(), tcp()}, []string{"2 of them", "FileDescriptorName=", "api"}},
		"two of the same name":       {"api:api", []*os.File{tcp(), tcp()}, []string{"two of them are for api", "FileDescriptorName="}},
		"one beside that is unknown": {"api:metrics", []*os.File{tcp(), tcp()}, []string{"metrics", "FileDescriptorName=", "api"}},
		"of datagrams":               {"api", []*os.File{file(udp, nil)}, []string{"does not listen", "ListenStream="}},
		"of the Unix kind":           {"api", []*os.File{file(unixListener, nil)}, []string{"unix", "ListenStream="}},
		"a connection":               {"api", []*os.File{dial()}, []string{"does not listen", "Accept=no"}},
		"a file":                     {"api", []*os.File{plain}, []string{"no socket"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := startCommand(t, passing(t, test.names, test.files, adic(), "serve", "--api.port", "0"))
			eventually(t, "the router has ended", p.ended)
			out := p.stderr.String()
			var exit *exec.ExitError
			if !errors.As(p.err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("ended with %v, want exit status 1:\n%s", p.err, out)
			}
			for _, part := range slices.Concat(test.want, []string{"adic: cannot use the socket"}) {
				if !strings.Contains(out, part) {
					t.Errorf("%q is not in\n%s", part, out)
				}
			}
			if lines := strings.Count(out, "\n"); lines != 1 {
				t.Errorf("%d lines, want 1:\n%s", lines, out)
			}
		})
	}
}

// Those who were let in just before the router was told to end have not asked yet,
// and are served all the same: an EventSource that is refused never comes back.
func TestThoseWhoHaveJustComeAreServed(t *testing.T) {
	held := holdSocket(t)
	r := held.start(t, "--stream.drain_timeout", "1s")
	var early []net.Conn
	for range 20 {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		early = append(early, conn)
	}
	kept, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if res := ask(t, kept); res.StatusCode != http.StatusOK || res.Close { // whoever came before has been let in
		t.Errorf("the answer is %s, close %v", res.Status, res.Close)
	}
	r.signal(syscall.SIGTERM)
	eventually(t, "the router drains", func() bool { return r.find(t, "draining") != nil })
	late, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	for _, conn := range append(early, late) {
		if _, err := io.WriteString(conn, "GET /v1/sse/events HTTP/1.1\r\nHost: adic\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a connection with requests to come is sent to the next router", func() bool { return ask(t, kept).Close })
	for i, conn := range early {
		text, err := io.ReadAll(conn) // to the end of the stream, which the drain brings
		if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200 OK\r\n") || strings.Count(string(text), "retry: ") != 2 {
			t.Errorf("client %d, who came before the end, received %q, %v", i, text, err)
		}
	}
	<-r.done
	if r.err != nil {
		t.Errorf("the router ended with %v", r.err)
	}

	next := held.start(t, "--stream.drain_timeout", "1s")
	head := make([]byte, len("HTTP/1.1 200 OK\r\n"))
	if _, err := io.ReadFull(late, head); err != nil || string(head) != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("who came after the end received %q from the next router, %v", head, err)
	}
	next.terminate()
}

// ask makes a request on a connection that is kept.
func ask(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	if _, err := io.WriteString(conn, "GET /health/live HTTP/1.1\r\nHost: adic\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res
}
