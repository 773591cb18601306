package event

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const sample = `{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}`

// placed returns the event of text at stamp.
func placed(t testing.TB, text string, stamp Cursor) *Event {
	t.Helper()
	e, err := testParser().ParseEvent([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e.Place(stamp, 77)
	return e
}

func sampleStamp() Cursor { return Cursor{0x3f9c02aa71be, [...]uint64{0x1f, 0, 0x2c}} }

func TestPlace(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	if e.Seq != 0x1f || e.Global != 77 || e.Stamp != sampleStamp() {
		t.Errorf("Seq %d, Global %d, Stamp %v", e.Seq, e.Global, e.Stamp)
	}
	low := placed(t, `{"type":"NodeStarted","node_id":"1","version":"v"}`, sampleStamp())
	if low.Seq != 0x2c {
		t.Errorf("Seq of a low event is %d, want its position in its class, %d", low.Seq, 0x2c)
	}
}

func TestParseFormat(t *testing.T) {
	for _, test := range []struct {
		value   string
		want    Format
		wantErr string
	}{
		{"", Flat, ""},
		{"flat", Flat, ""},
		{"tagged", Tagged, ""},
		{"Flat", 0, `unknown format "Flat"; expected flat or tagged`},
		{"json", 0, `unknown format "json"`},
	} {
		got, err := ParseFormat(test.value)
		checkError(t, err, test.wantErr)
		if got != test.want {
			t.Errorf("ParseFormat(%q) = %v, want %v", test.value, got, test.want)
		}
		if test.value != "" && err == nil && got.String() != test.value {
			t.Errorf("%v.String() = %q", test.value, got.String())
		}
	}
	if got := Format(7).String(); got != "Format(7)" {
		t.Errorf("Format(7).String() = %q", got)
	}
}

func TestFrames(t *testing.T) {
	const (
		flat   = sample
		tagged = `{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}`
		cursor = "3f9c02aa71be-1f-0-2c"
	)
	text := func(payload string) string { return string(AppendTextFrame(nil, []byte(payload))) }
	e := placed(t, sample, sampleStamp())
	for _, test := range []struct {
		name string
		enc  Encoding
		want string
	}{
		{"WSFlat", WSFlat, text(`{"type":"Event","event":` + flat + `}`)},
		{"WSTagged", WSTagged, text(`{"type":"Event","event":` + tagged + `}`)},
		{"WSFlatID", WSFlatID, text(`{"type":"Event","id":"` + cursor + `","event":` + flat + `}`)},
		{"WSTaggedID", WSTaggedID, text(`{"type":"Event","id":"` + cursor + `","event":` + tagged + `}`)},
		{"SSEFlat", SSEFlat, "id: " + cursor + "\nevent: MessageAdded\ndata: " + flat + "\n\n"},
		{"SSETagged", SSETagged, "id: " + cursor + "\nevent: message.new\ndata: " + tagged + "\n\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := e.Frame(test.enc)
			if string(got) != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if again := e.Frame(test.enc); &again[0] != &got[0] {
				t.Error("the frame was made twice")
			}
		})
	}
}

func TestHasCursor(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	for i := range NumEncodings {
		enc := Encoding(i)
		if got, want := enc.HasCursor(), strings.Contains(string(inflate(t, e.Frame(enc))), sampleStamp().String()); got != want {
			t.Errorf("encoding %d: HasCursor %t, but the frame says %t", enc, got, want)
		}
	}
}

// inflate returns what the receiver of a frame makes of it: of a WebSocket
// frame the message, of anything else the bytes.
func inflate(t rapid.TB, frame []byte) []byte {
	t.Helper()
	if bytes.HasPrefix(frame, []byte(sseHead)) {
		return frame
	}
	first, payload, rest := readFrame(t, frame)
	if len(rest) != 0 {
		t.Fatalf("%d bytes behind the frame", len(rest))
	}
	switch first {
	case fin | opText:
		return payload
	case fin | rsv1 | opText:
		// RFC 7692 §7.2.2. The message ends without a final block, hence in an
		// unexpected end.
		r := flate.NewReader(io.MultiReader(bytes.NewReader(payload), strings.NewReader("\x00\x00\xff\xff")))
		message, err := io.ReadAll(r)
		if err != io.ErrUnexpectedEOF {
			t.Fatalf("inflating: %v", err)
		}
		return message
	}
	t.Fatalf("first byte %#x", first)
	return nil
}

func TestDeflate(t *testing.T) {
	long := placed(t, strings.Replace(sample, "ab12", strings.Repeat("abcdefgh", 20000), 1), sampleStamp())
	incompressible := placed(t, strings.Replace(sample, "ab12", string(noise(60)), 1), sampleStamp())
	short := placed(t, sample, sampleStamp())
	for _, test := range []struct {
		name    string
		e       *Event
		smaller bool
	}{
		{"short", short, true}, {"long", long, true}, {"incompressible", incompressible, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for enc := WSFlatDeflate; enc < NumEncodings; enc++ {
				plain, small := test.e.Frame(encodings[enc].plain), test.e.Frame(enc)
				if got := inflate(t, small); !bytes.Equal(got, inflate(t, plain)) {
					t.Errorf("encoding %d inflates to %.200q", enc, got)
				}
				if compressed := small[0]&rsv1 != 0; compressed != test.smaller || compressed != (len(small) < len(plain)) {
					t.Errorf("encoding %d: %d bytes of %d, compressed %t", enc, len(small), len(plain), compressed)
				}
				if shared := &small[0] == &plain[0]; shared == test.smaller {
					t.Errorf("encoding %d: is the uncompressed frame: %t", enc, shared)
				}
			}
		})
	}
}

// noise returns n characters without a pattern. Whatever is text can be
// compressed a little, but in a message so short the table of codes takes more.
func noise(n int) []rune {
	runes := make([]rune, n)
	state := uint32(1)
	for i := range runes {
		state = state*1664525 + 1013904223
		runes[i] = rune(0x80 + state>>16%0x700)
	}
	return runes
}

func TestFramesAreMadeOnce(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	var frames [8][NumEncodings][]byte
	var wg sync.WaitGroup
	for i := range frames {
		wg.Go(func() {
			for enc := range NumEncodings {
				frames[i][enc] = e.Frame(Encoding(enc))
			}
		})
	}
	wg.Wait()
	for i := range frames {
		for enc := range NumEncodings {
			if &frames[i][enc][0] != &frames[0][enc][0] {
				t.Errorf("goroutine %d got another frame of encoding %d", i, enc)
			}
		}
	}
}

func TestJSONIsShared(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	for _, f := range []Format{Flat, Tagged} {
		if a, b := e.JSON(f), e.JSON(f); &a[0] != &b[0] {
			t.Errorf("%s form is made every time", f)
		}
	}
}

func TestSizeIsConstant(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	before := e.Size()
	if before < len(e.JSON(Flat)) {
		t.Errorf("Size %d is smaller than the %d bytes of JSON", before, len(e.JSON(Flat)))
	}
	for enc := range NumEncodings {
		e.Frame(Encoding(enc))
	}
	if after := e.Size(); after != before {
		t.Errorf("Size was %d and is %d", before, after)
	}
}

// TestCursorAcrossHeaderSizes: another cursor can make a frame need a longer or
// shorter header.
func TestCursorAcrossHeaderSizes(t *testing.T) {
	long := Cursor{1, [...]uint64{1 << 63, 1 << 63, 1 << 63}}
	short := Cursor{1, [...]uint64{1, 1, 1}}
	for _, n := range []int{0, 10, 20, 30, 65350, 65360, 65370, 65380, 65390, 65400, 65410, 65420} {
		text := strings.Replace(`{"type":"NodeStarted","node_id":"@","version":"","timestamp":0}`, "@", strings.Repeat("n", n), 1)
		for _, stamps := range [][2]Cursor{{long, short}, {short, long}} {
			e := placed(t, text, stamps[0])
			for _, enc := range []Encoding{WSFlatID, WSTaggedID, SSEFlat, SSETagged} {
				checkFrame(t, e, enc, e.AppendFrame(nil, enc, stamps[1]), stamps[1])
			}
		}
	}
}

func TestDeliveryAllocatesNothing(t *testing.T) {
	e := placed(t, sample, sampleStamp())
	other := sampleStamp()
	other.Pos[Low]--
	dst := make([]byte, 0, 1024)
	for i := range NumEncodings {
		enc := Encoding(i)
		e.Frame(enc)
		e.Frame(encodings[enc].plain)
		if n := testing.AllocsPerRun(100, func() { e.Frame(enc) }); n != 0 {
			t.Errorf("encoding %d: Frame: %v allocations", enc, n)
		}
		if n := testing.AllocsPerRun(100, func() { dst = e.AppendFrame(dst[:0], enc, e.Stamp) }); n != 0 {
			t.Errorf("encoding %d: AppendFrame at the stamp: %v allocations", enc, n)
		}
		if n := testing.AllocsPerRun(100, func() { dst = e.AppendFrame(dst[:0], enc, other) }); n != 0 {
			t.Errorf("encoding %d: AppendFrame elsewhere: %v allocations", enc, n)
		}
	}
	for _, f := range []Format{Flat, Tagged} {
		if n := testing.AllocsPerRun(100, func() { e.JSON(f) }); n != 0 {
			t.Errorf("JSON(%s): %v allocations", f, n)
		}
	}
}
