package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNextFrame(t *testing.T) {
	long := strings.Repeat("x", 200)
	huge := strings.Repeat("x", 70000)
	tests := []struct {
		name  string
		in    string
		want  frame
		error string
	}{
		{"text", "\x81\x02hi", frame{opText, true, []byte("hi")}, ""},
		{"empty", "\x81\x00", frame{opText, true, []byte("")}, ""},
		{"fragment", "\x01\x02hi", frame{opText, false, []byte("hi")}, ""},
		{"continuation", "\x80\x02hi", frame{opContinuation, true, []byte("hi")}, ""},
		{"length of 16 bits", "\x81\x7e\x00\xc8" + long, frame{opText, true, []byte(long)}, ""},
		{"length of 64 bits", "\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70" + huge, frame{opText, true, []byte(huge)}, ""},
		{"least length of 16 bits", "\x81\x7e\x00\x7e" + long[:126], frame{opText, true, []byte(long[:126])}, ""},
		{"least length of 64 bits", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + huge[:65536], frame{opText, true, []byte(huge[:65536])}, ""},
		{"close", "\x88\x02\x03\xe9", frame{opClose, true, []byte("\x03\xe9")}, ""},
		{"ping", "\x89\x01p", frame{opPing, true, []byte("p")}, ""},

		{"compressed", "\xc1\x02hi", frame{}, errReservedBits.Error()},
		{"masked", "\x81\x82abcdhi", frame{}, errMaskedFrame.Error()},
		{"reserved opcode", "\x83\x00", frame{}, "reserved opcode 0x3"},
		{"fragmented ping", "\x09\x00", frame{}, errLongControl.Error()},
		{"long ping", "\x89\x7e\x00\xc8" + long, frame{}, errLongControl.Error()},
		{"long form of a short length", "\x81\x7e\x00\x7d" + long[:125], frame{}, errLengthNotShort.Error()},
		{"longest form of a short length", "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff" + huge[:65535], frame{}, errLengthNotShort.Error()},
		{"over the limit", "\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x00", frame{}, "message of 1048576 bytes"},
		{"negative as int64", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", frame{}, "message of 18446744073709551615 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, n, err := nextFrame([]byte(tt.in + "rest"))
			if tt.error != "" {
				if err == nil || !strings.Contains(err.Error(), tt.error) {
					t.Errorf("error %v, want %q", err, tt.error)
				}
				return
			}
			if err != nil || n != len(tt.in) || f.opcode != tt.want.opcode || f.fin != tt.want.fin || !bytes.Equal(f.payload, tt.want.payload) {
				t.Errorf("got %+v, %d, %v, want %+v, %d", f, n, err, tt.want, len(tt.in))
			}
			for i := range len(tt.in) {
				if f, n, err := nextFrame([]byte(tt.in[:i])); n != 0 || err != nil || f.payload != nil {
					t.Fatalf("the first %d bytes: %+v, %d, %v, want nothing yet", i, f, n, err)
				}
			}
		})
	}
}

func TestNextFrameAllocatesNothing(t *testing.T) {
	stream := []byte(strings.Repeat("\x81\x7e\x00\xc8"+strings.Repeat("x", 200)+"\x89\x01p", 50))
	if n := testing.AllocsPerRun(100, func() {
		for b := stream; len(b) > 0; {
			_, n, err := nextFrame(b)
			if n == 0 || err != nil {
				t.Fatal(n, err)
			}
			b = b[n:]
		}
	}); n != 0 {
		t.Errorf("%g allocations for 100 frames", n)
	}
}

func TestControlFrame(t *testing.T) {
	got := appendFrame(nil, opPong, 0x01020304, []byte("hello"))
	want := []byte{0x8a, 0x85, 1, 2, 3, 4, 'h' ^ 1, 'e' ^ 2, 'l' ^ 3, 'l' ^ 4, 'o' ^ 1}
	if !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}

func TestCloseCode(t *testing.T) {
	for payload, want := range map[string]int{"": 1005, "\x03": 1005, "\x03\xe9": 1001, "\x11\x38stalled": 4408} {
		if got := closeCode([]byte(payload)); got != want {
			t.Errorf("closeCode(%q) = %d, want %d", payload, got, want)
		}
	}
}

// frames reads whole frames until the stream ends or breaks. Payloads are
// copied.
func frames(b []byte) (got []frame, rest []byte, err error) {
	for {
		f, n, err := nextFrame(b)
		if n == 0 || err != nil {
			return got, b, err
		}
		f.payload = bytes.Clone(f.payload)
		got, b = append(got, f), b[n:]
	}
}

// However a stream is cut into reads, the frames are the same; and what was
// read, written again, is what was there.
func FuzzNextFrame(f *testing.F) {
	f.Add([]byte("\x81\x02hi\x89\x00\x88\x02\x03\xe9"), uint16(3))
	f.Add([]byte("\x01\x02hi\x80\x02ho"), uint16(5))
	f.Add([]byte("\x81\x7e\x00\xc8"+strings.Repeat("x", 200)), uint16(100))
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70"), uint16(9))
	f.Add([]byte("\x81\x82abcdhi"), uint16(1))
	f.Add([]byte("\xff\xff"), uint16(1))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		whole, rest, err := frames(stream)
		var again []byte
		for _, f := range whole {
			again = appendServerFrame(again, f)
		}
		if again = append(again, rest...); !bytes.Equal(again, stream) {
			t.Fatalf("frames %v and %q left are not %q", whole, rest, stream)
		}
		at := int(cut) % (len(stream) + 1)
		first, kept, err1 := frames(stream[:at])
		if err1 == nil {
			var second []frame
			second, _, err1 = frames(slices.Concat(kept, stream[at:]))
			first = append(first, second...)
		}
		if !errors.Is(err1, err) && (err == nil || err1 == nil || err1.Error() != err.Error()) || len(first) != len(whole) {
			t.Fatalf("cut at %d: %d frames and %v, whole: %d and %v", at, len(first), err1, len(whole), err)
		}
		for i := range first {
			if first[i].opcode != whole[i].opcode || first[i].fin != whole[i].fin || !bytes.Equal(first[i].payload, whole[i].payload) {
				t.Fatalf("cut at %d: frame %d is %v, whole: %v", at, i, first[i], whole[i])
			}
		}
	})
}

func appendServerFrame(dst []byte, f frame) []byte {
	first := f.opcode
	if f.fin {
		first |= 0x80
	}
	dst = append(dst, first)
	switch n := len(f.payload); {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	return append(dst, f.payload...)
}
