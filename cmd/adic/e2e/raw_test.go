//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// rawTransports are the requests that open a stream, byte for byte, for clients that
// behave as no library lets one.
var rawTransports = []struct{ name, request string }{
	{"WebSocket", "GET /v1/ws/events HTTP/1.1\r\nHost: adic\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"},
	{"SSE", "GET /v1/sse/events HTTP/1.1\r\nHost: adic\r\n\r\n"},
}

// dialRaw connects, and has the connection closed at the latest when the test ends.
func dialRaw(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// openRaw opens a stream on conn and returns what comes behind the head of the
// answer.
func openRaw(conn net.Conn, request string) (*bufio.Reader, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	answer := bufio.NewReaderSize(conn, 1<<10)
	status, err := answer.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if !strings.Contains(status, " 101 ") && !strings.Contains(status, " 200 ") {
		return nil, fmt.Errorf("the answer is %q", status)
	}
	for line := status; line != "\r\n"; {
		if line, err = answer.ReadString('\n'); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// abort closes a connection with RST instead of FIN: that is what a linger time of 0
// asks for (socket(7)).
func abort(conn *net.TCPConn) {
	conn.SetLinger(0)
	conn.Close()
}
