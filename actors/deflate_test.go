package actors

import (
	"bytes"
	"compress/flate"
	"runtime"
	"strings"
	"testing"
)

// compress makes the payload of a compressed message (RFC 7692 §7.2.1).
func compress(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

func TestInflate(t *testing.T) {
	const limit = 1000
	for _, test := range []struct {
		name string
		data []byte
		want string
		code uint16
	}{
		{"a message", compress(t, `{"type":"Ping"}`), `{"type":"Ping"}`, 0},
		{"an empty one (RFC 7692 §7.2.3.6)", []byte{0}, "", 0},
		{"no compression (§7.2.3.3)", []byte{0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00}, "Hello", 0},
		{"BFINAL is set (§7.2.3.4)", []byte{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}, "Hello", 0},
		{"two blocks (§7.2.3.5)", []byte{0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00}, "Hello", 0},
		{"at the limit", compress(t, strings.Repeat("x", limit)), strings.Repeat("x", limit), 0},
		{"a byte over it", compress(t, strings.Repeat("x", limit+1)), "", CloseTooBig},
		{"garbage", []byte("\xff\xff\xff\xffgarbage"), "", CloseInvalidText},
		{"cut", compress(t, `{"type":"Subscribe","events":["Alarm"]}`)[:10], "", CloseInvalidText},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := inflate(test.data, limit)
			if string(got) != test.want || closeCode(err) != test.code {
				t.Errorf("got %q, %v; want %q, close code %d", got, err, test.want, test.code)
			}
		})
	}
}

// A small message that would be huge is given up at the limit.
func TestInflateStopsAtTheLimit(t *testing.T) {
	bomb := compress(t, strings.Repeat("\x00", 8<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := inflate(bomb, 4<<10)
	runtime.ReadMemStats(&after)
	if closeCode(err) != CloseTooBig {
		t.Errorf("%d bytes that stand for 8 MiB: %v", len(bomb), err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated to refuse a message over 4 KiB", n)
	}
}
