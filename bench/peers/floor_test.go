package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/adic-network/router/event"
)

// startTestFloor serves a floor in this process until the test ends.
func startTestFloor(t *testing.T) server {
	t.Helper()
	s, err := startFloor("127.0.0.1:0", options{channelOf: toEverything}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dialFloor(t *testing.T, s server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.addr+"/ws?channel="+everything, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A client that does not read holds nobody up, is not cut off, and has it all in
// the end, with the answer to a ping that it sent meanwhile.
func TestFloorSlowClient(t *testing.T) {
	s := startTestFloor(t)
	door := running{door: s.addr}
	slow, healthy := dialFloor(t, s), dialFloor(t, s)
	pongs := 0
	slow.SetPongHandler(func(body string) error {
		if body == "there?" {
			pongs++
		}
		return nil
	})
	// More than the kernel keeps for a connection.
	const n, size = 100, 200 << 10
	large := func(i int) string { return fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("x", size)) }
	for i := range n {
		door.publish(t, []string{large(i)})
		if i == n/2 {
			if err := slow.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
		}
		if _, got, err := healthy.ReadMessage(); err != nil || string(got) != large(i) {
			t.Fatalf("healthy client: event %d: %v, %d bytes", i, err, len(got))
		}
	}
	for i := range n {
		if _, got, err := slow.ReadMessage(); err != nil || string(got) != large(i) {
			t.Fatalf("slow client: event %d: %v, %d bytes", i, err, len(got))
		}
	}
	door.publish(t, []string{"{}"})
	for _, client := range []*websocket.Conn{slow, healthy} {
		if _, got, err := client.ReadMessage(); err != nil || string(got) != "{}" {
			t.Fatalf("after all: %v, %q", err, got)
		}
	}
	if pongs != 1 {
		t.Errorf("%d pongs, want 1", pongs)
	}
}

func TestFloorEchoesClose(t *testing.T) {
	conn := dialFloor(t, startTestFloor(t))
	bye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "bye")
	if err := conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("got %v, want status %d", err, websocket.CloseGoingAway)
	}
}

// Requests and frames may come in any pieces; what is no request ends the
// connection.
func TestFloorReadsPieces(t *testing.T) {
	s := startTestFloor(t)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for _, tt := range []struct{ name, send, want string }{
		// The key and its answer are those of RFC 6455 §1.3, the ping that of §5.7.
		{"websocket and a ping", "GET /ws?channel=all HTTP/1.1\r\n" + key + "\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x8a\x05Hello"},
		{"sse", "GET /sse?channel=all HTTP/1.1\r\nHost: x\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"},
		{"two requests to publish", strings.Repeat("POST /v1/events HTTP/1.1\r\nContent-Length: 14\r\n\r\n[{},\n{\"a\":1}] ", 2),
			strings.Repeat("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"accepted\":2}", 2)},
		{"a bad event", "POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\n\r\n7",
			"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n" +
				`{"error":"event 0: not a JSON object on one line"}`},
		{"another path", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"another method", "PUT /ws HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"no end", strings.Repeat("x", maxUnread+1), ""},
		{"an unmasked frame", "GET /ws?channel=all HTTP/1.1\r\n" + key + "\x89\x05Hello",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"},
	} {
		for _, piece := range []int{1, 7, len(tt.send)} {
			t.Run(tt.name, func(t *testing.T) {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				// What the server refuses it may refuse before the end.
				for rest := []byte(tt.send); len(rest) > 0 && err == nil; rest = rest[min(piece, len(rest)):] {
					_, err = conn.Write(rest[:min(piece, len(rest))])
				}
				got := make([]byte, len(tt.want))
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != tt.want {
					t.Fatalf("got %q, %v, want %q", got, err, tt.want)
				}
				if tt.want == "" {
					var netErr net.Error
					if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &netErr) && netErr.Timeout() {
						t.Errorf("the connection is not closed: %v", err)
					}
				}
			})
		}
	}
}

func FuzzClientFrame(f *testing.F) {
	f.Add([]byte("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"))
	f.Add([]byte("\x88\x80\x00\x00\x00\x00"))
	f.Add(append([]byte("\x81\xfe\x01\x00abcd"), make([]byte, 256)...))
	f.Add([]byte("\x89\xfe\x00\x7eabcd"))
	f.Add([]byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		opcode, payload, n, ok := clientFrame(bytes.Clone(b))
		if !ok || n == 0 {
			return
		}
		if n > len(b) || len(payload) > n {
			t.Fatalf("%d of %d bytes, payload of %d", n, len(b), len(payload))
		}
		if opcode >= opClose && len(payload) > event.MaxControlPayload {
			t.Fatalf("control frame of %d bytes", len(payload))
		}
		for cut := range n {
			if _, _, m, ok := clientFrame(bytes.Clone(b[:cut])); m != 0 || !ok {
				t.Fatalf("the first %d of %d bytes give %d, %t", cut, n, m, ok)
			}
		}
	})
}
