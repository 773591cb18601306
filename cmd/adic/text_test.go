package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"grün, 漢字, 🚀":            "grün, 漢字, 🚀",
		"\x1b[31mred\x1b[0m":     `\x1b[31mred\x1b[0m`,
		"bell\a, delete\x7f":     `bell\a, delete\x7f`,
		"C1 \u009b2J":            `C1 \u009b2J`,
		"turned \u202egnp.exe":   `turned \u202egnp.exe`,
		"nothing \u200b\u2060":   `nothing \u200b\u2060`,
		"\U000e0041 is a tag":    `\U000e0041 is a tag`,
		"lines\r\n and\ttabs":    "lines   and tabs",
		"no UTF-8: \xff\xc3":     "no UTF-8: \ufffd\ufffd",
		"a line separator\u2028": `a line separator\u2028`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q is printed as %q, want %q", in, got, want)
		}
	}
}

func TestPrintableJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"grün \u001b"}`:             `{"a":"grün \u001b"}`,
		"{\"a\":\r\n\t1}":                 `{"a":   1}`,
		"{\"a\":\"\x7f\u009b\u202e\"}":    `{"a":"\u007f\u009b\u202e"}`,
		"{\"\u202e\":\"\U000e0041\"}":     `{"\u202e":"\udb40\udc41"}`,
		"{\"a\":\"\xff\"}":                "{\"a\":\"\ufffd\"}",
		"{\"a\":\"\u2028 \u00a0\u3000\"}": `{"a":"\u2028 \u00a0\u3000"}`,
		"\x1b[2J":                         `\u001b[2J`,
	} {
		if got := string(printableJSON([]byte(in))); got != want {
			t.Errorf("%q is printed as %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""}, {"short", 5, "short"}, {"longer", 5, "long…"}, {"漢字漢字漢字", 4, "漢字漢…"}, {"漢字漢字", 4, "漢字漢字"}, {"ab", 1, "…"},
	} {
		if got := clip(test.in, test.limit); got != test.want {
			t.Errorf("%q cut to %d is %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

// Nothing that a terminal might obey gets through, and JSON stays what it is.
func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31m", `{"a":"\u001b"}`, "{\"a\":\"\u202e\x7f\"}", "\xff\u009b", "[\n\"\u00ad\"\r]", "{\"\U000e0041\":1}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		safe := func(s string) bool {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
				return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Zl, c) || unicode.Is(unicode.Zp, c)
			})
		}
		if out := printable(in); !safe(out) {
			t.Errorf("%q is printed as %q", in, out)
		}
		out := printableJSON([]byte(in))
		if !safe(string(out)) {
			t.Errorf("%q is printed as JSON as %q", in, out)
		}
		var before, after any
		if json.Unmarshal([]byte(in), &before) == nil {
			if err := json.Unmarshal(out, &after); err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("%q became %q: %v", in, out, err)
			}
		}
		if line, err := parseShown([]byte(in), time.UTC); err == nil {
			for _, field := range line.fields {
				if out := compact(field.value); !safe(out) {
					t.Errorf("%q is shown as %q", field.value, out)
				}
			}
		}
	})
}
