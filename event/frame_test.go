package event

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// readFrame takes one server frame apart, straight from RFC 6455 §5.2.
func readFrame(t rapid.TB, b []byte) (first byte, payload, rest []byte) {
	t.Helper()
	if len(b) < 2 {
		t.Fatalf("frame of %d bytes", len(b))
	}
	first, second := b[0], b[1]
	if second&0x80 != 0 {
		t.Fatal("masked frame from a server")
	}
	n, b := uint64(second), b[2:]
	switch n {
	case 126:
		n, b = uint64(binary.BigEndian.Uint16(b)), b[2:]
		if n < 126 {
			t.Fatalf("length %d in 16 bits", n)
		}
	case 127:
		n, b = binary.BigEndian.Uint64(b), b[8:]
		if n < 1<<16 {
			t.Fatalf("length %d in 64 bits", n)
		}
	}
	if uint64(len(b)) < n {
		t.Fatalf("length %d, but only %d bytes follow", n, len(b))
	}
	return first, b[:n], b[n:]
}

func TestAppendTextFrame(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		want := bytes.Repeat([]byte{'x'}, n)
		b := AppendTextFrame([]byte("before"), want)
		if !bytes.HasPrefix(b, []byte("before")) {
			t.Errorf("%d bytes: what was in dst is gone", n)
		}
		first, payload, rest := readFrame(t, b[len("before"):])
		if first != 0x81 || !bytes.Equal(payload, want) || len(rest) != 0 {
			t.Errorf("%d bytes: first byte %#x, %d bytes of payload, %d behind", n, first, len(payload), len(rest))
		}
		if header := len(b) - len("before") - n; header != frameHeaderLen(n) {
			t.Errorf("%d bytes: header of %d, frameHeaderLen says %d", n, header, frameHeaderLen(n))
		}
	}
}

func TestAppendCloseFrame(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   uint16
		reason string
		want   string
	}{
		{"code and reason", 1001, "going away", "\x88\x0c\x03\xe9going away"},
		{"code alone", 1002, "", "\x88\x02\x03\xea"},
		{"no code", 0, "ignored", "\x88\x00"},
		{"longest reason", 4408, strings.Repeat("x", 123), "\x88\x7d\x11\x38" + strings.Repeat("x", 123)},
		{"cut reason", 4408, strings.Repeat("x", 200), "\x88\x7d\x11\x38" + strings.Repeat("x", 123)},
		{"cut between characters", 4408, strings.Repeat("é", 100), "\x88\x7c\x11\x38" + strings.Repeat("é", 61)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := AppendCloseFrame(nil, test.code, test.reason)
			if string(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !utf8.Valid(got[min(len(got), 4):]) {
				t.Error("the reason is not UTF-8")
			}
		})
	}
}

func TestPingAndPong(t *testing.T) {
	if got := AppendPing(nil, []byte("p")); string(got) != "\x89\x01p" {
		t.Errorf("AppendPing = %q", got)
	}
	longest := bytes.Repeat([]byte{'x'}, MaxControlPayload)
	if got := AppendPong(nil, longest); string(got) != "\x8a\x7d"+string(longest) {
		t.Errorf("AppendPong = %q", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("AppendPong with 126 bytes did not panic")
		}
	}()
	AppendPong(nil, append(longest, 'x'))
}
