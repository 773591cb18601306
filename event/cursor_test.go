package event

import (
	"math"
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func drawCursor(t *rapid.T, label string) Cursor {
	pos := func(class string) uint64 {
		return rapid.Uint64().Draw(t, label+" "+class) >> rapid.IntRange(0, 63).Draw(t, label+" shift")
	}
	return Cursor{
		Epoch: Epoch(rapid.Uint64Range(0, epochMask).Draw(t, label+" epoch")),
		Pos:   [NumPriorities]uint64{pos("high"), pos("medium"), pos("low")},
	}
}

func TestCursorText(t *testing.T) {
	for _, test := range []struct {
		name string
		c    Cursor
		text string
	}{
		{"zero", Cursor{}, "000000000000-0-0-0"},
		{"small", Cursor{0x1f, [...]uint64{1, 0, 0xab}}, "00000000001f-1-0-ab"},
		{"greatest", Cursor{epochMask, [...]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64}},
			"ffffffffffff-ffffffffffffffff-ffffffffffffffff-ffffffffffffffff"},
		{"powers of sixteen", Cursor{1, [...]uint64{15, 16, 256}}, "000000000001-f-10-100"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.c.String(); got != test.text {
				t.Errorf("String() = %q, want %q", got, test.text)
			}
			if got, err := ParseCursor(test.text); err != nil || got != test.c {
				t.Errorf("ParseCursor(%q) = %v, %v; want %v", test.text, got, err, test.c)
			}
		})
	}
}

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCursor(t, "cursor")
		text := c.String()
		if len(text) > MaxCursorLen || len(text) != c.textLen() {
			t.Fatalf("%q has %d bytes; textLen is %d, the most is %d", text, len(text), c.textLen(), MaxCursorLen)
		}
		if url.QueryEscape(text) != text {
			t.Fatalf("%q needs escaping in URLs", text)
		}
		if back, err := ParseCursor(text); err != nil || back != c {
			t.Fatalf("ParseCursor(%q) = %v, %v; want %v", text, back, err, c)
		}
	})
}

func TestMalformedCursors(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                "",
		"earliest":             "earliest",
		"no positions":         "0123456789ab",
		"two positions":        "0123456789ab-1-2",
		"four positions":       "0123456789ab-1-2-3-4",
		"empty position":       "0123456789ab-1--3",
		"short epoch":          "0123456789a-1-2-3",
		"long epoch":           "00123456789ab-1-2-3",
		"upper case":           "0123456789AB-1-2-3",
		"upper case position":  "0123456789ab-A-2-3",
		"leading zero":         "0123456789ab-01-2-3",
		"two zeros":            "0123456789ab-00-2-3",
		"over 64 bits":         "0123456789ab-10000000000000000-2-3",
		"sign":                 "0123456789ab-+1-2-3",
		"prefix":               "0123456789ab-0x1-2-3",
		"space before":         " 0123456789ab-1-2-3",
		"space behind":         "0123456789ab-1-2-3 ",
		"newline":              "0123456789ab-1-2-3\n",
		"hyphen at the end":    "0123456789ab-1-2-3-",
		"not hexadecimal":      "0123456789ab-g-2-3",
		"other separator":      "0123456789ab.1.2.3",
		"not ASCII":            "0123456789ab-１-2-3",
		"hyphen in the epoch":  "01234567-9ab-1-2-3",
		"longer than the most": "ffffffffffff-ffffffffffffffff-ffffffffffffffff-ffffffffffffffff0",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCursor(text)
			checkError(t, err, "malformed cursor")
		})
	}
}

func TestNewEpoch(t *testing.T) {
	seen := make(map[Epoch]bool)
	for range 1000 {
		e := NewEpoch()
		if e == 0 || e > epochMask {
			t.Fatalf("epoch %#x is not from 1 to 48 bits", uint64(e))
		}
		seen[e] = true
	}
	if len(seen) < 1000 {
		t.Errorf("1000 epochs, only %d different", len(seen))
	}
}

func TestCursorAllocatesNothing(t *testing.T) {
	c := Cursor{0xabcdef, [...]uint64{1, 1 << 40, math.MaxUint64}}
	text := c.String()
	buf := make([]byte, 0, MaxCursorLen)
	if n := testing.AllocsPerRun(100, func() { buf = c.AppendText(buf[:0]) }); n != 0 {
		t.Errorf("AppendText: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseCursor(text); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ParseCursor: %v allocations", n)
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{
		"", "earliest", "000000000000-0-0-0", "0123456789ab-1-2-3", "0123456789ab-01-2-3", "0123456789AB-1-2-3",
		"ffffffffffff-ffffffffffffffff-ffffffffffffffff-ffffffffffffffff", "0123456789ab-1-2-3-4", "0123456789ab---",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text)
		if err != nil {
			checkErrorText(t, err, text)
			return
		}
		if c.String() != text {
			t.Errorf("%q was accepted but is written %q", text, c.String())
		}
	})
}
