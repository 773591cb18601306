package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstDescriptor is SD_LISTEN_FDS_START: those before are standard input, output
// and error.
const firstDescriptor = 3

// mostSockets bounds LISTEN_FDS, so that a wrong number is not taken for a long
// list of descriptors.
const mostSockets = 64

// Listeners returns the listening sockets that the manager holds for this process,
// by name, and removes LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES from the
// environment. names are those that the service knows; a single socket of another
// name, or of none, is taken for the first of them. Any socket that the service
// does not know, twice the same name, or one that is no listening TCP socket, is an
// error. The caller closes the listeners; the manager's sockets stay open, and
// whoever connects afterwards waits for the next process.
func Listeners(names ...string) (_ map[string]*net.TCPListener, err error) {
	count, pid, given := take("LISTEN_FDS"), take("LISTEN_PID"), take("LISTEN_FDNAMES")
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil // none, or for another process (sd_listen_fds(3))
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > mostSockets {
		return nil, fmt.Errorf("cannot use LISTEN_FDS=%s: it is not a number of sockets up to %d", count, mostSockets)
	}
	labels := strings.Split(given, ":")
	found := make(map[string]*net.TCPListener, n)
	defer func() {
		if err != nil {
			for _, l := range found {
				l.Close()
			}
		}
	}()
	for i := range n {
		fd := firstDescriptor + i
		unix.CloseOnExec(fd)
		label := "unknown" // as sd_listen_fds_with_names(3) has it
		if i < len(labels) && labels[i] != "" {
			label = labels[i]
		}
		name, err := choose(label, names, n)
		if err != nil {
			return nil, err
		}
		if found[name] != nil {
			return nil, fmt.Errorf("cannot use the sockets of the service manager: two of them are for %s; "+
				"one is enough, or name the other with FileDescriptorName= in its socket unit", name)
		}
		l, err := listener(fd)
		if err != nil {
			return nil, fmt.Errorf("cannot use the socket %s of the service manager (descriptor %d) for %s: %w", label, fd, name, err)
		}
		found[name] = l
	}
	return found, nil
}

// choose returns which of the names that the service knows a socket has.
func choose(label string, names []string, n int) (string, error) {
	for _, name := range names {
		if label == name {
			return name, nil
		}
	}
	if n == 1 {
		return names[0], nil
	}
	return "", fmt.Errorf("cannot use the sockets of the service manager: %d of them, one named %s; "+
		"set FileDescriptorName= to %s in each socket unit", n, label, strings.Join(names, " or "))
}

// listener takes over a descriptor.
func listener(fd int) (*net.TCPListener, error) {
	file := os.NewFile(uintptr(fd), "inherited socket")
	defer file.Close() // net.FileListener makes a copy
	switch accepting, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); {
	case err != nil:
		return nil, fmt.Errorf("it is no socket: %w", err)
	case accepting == 0:
		return nil, fmt.Errorf("it does not listen; use ListenStream= and Accept=no in the socket unit")
	}
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	t, ok := l.(*net.TCPListener)
	if !ok {
		l.Close()
		return nil, fmt.Errorf("it is not of TCP but of %s; use ListenStream=PORT or ADDRESS:PORT in the socket unit", l.Addr().Network())
	}
	return t, nil
}
