package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// readAll returns everything in a file, each event with its line before it,
// each bad one as "LINE: what is wrong".
func readAll(t testing.TB, in io.Reader, limit int) []string {
	t.Helper()
	r := newEventReader(in)
	r.max = limit
	var all []string
	for {
		object, line, err := r.next()
		switch bad := new(badEventError); {
		case err == io.EOF:
			return all
		case errors.As(err, &bad):
			all = append(all, fmt.Sprintf("%d: %v", line, err))
		case err != nil:
			t.Fatalf("line %d: %v", line, err)
		default:
			all = append(all, fmt.Sprintf("%d %s", line, object))
		}
	}
}

func TestEventReader(t *testing.T) {
	const missingBrace = `not valid JSON: is a "}" missing?`
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"white space", " \r\n\t\n", nil},
		{"lines", "{\"a\":1}\n{\"b\":2}\n", []string{`1 {"a":1}`, `2 {"b":2}`}},
		{"no final newline", "{\"a\":1}\n{\"b\":2}", []string{`1 {"a":1}`, `2 {"b":2}`}},
		{"CRLF and blank lines", "{\"a\":1}\r\n\r\n\n{\"b\":2}\r\n", []string{`1 {"a":1}`, `4 {"b":2}`}},
		{"byte order mark", "\ufeff{\"a\":1}", []string{`1 {"a":1}`}},
		{"several on a line", `{"a":1} {"b":2}{"c":3}`, []string{`1 {"a":1}`, `1 {"b":2}`, `1 {"c":3}`}},
		{"over several lines", "{\n \"a\": [\n1,{\"x\":{}}]\n}\n{\"b\":2}", []string{"1 {\n \"a\": [\n1,{\"x\":{}}]\n}", `5 {"b":2}`}},
		{"braces in strings", `{"a":"}{\"]["} {"b":"\\"}`, []string{`1 {"a":"}{\"]["}`, `1 {"b":"\\"}`}},
		{"array", "[{\"a\":1},\n {\"b\":[{},[]]}]\n", []string{`1 {"a":1}`, `2 {"b":[{},[]]}`}},
		{"empty array", "[]\n", nil},
		{"array of arrays", "[[{}]]", []string{`1: expected "{", the start of an event, not '['`, `1: the array is not closed: expected "]"`}},
		{"several arrays", "[{}]\n[{}]{}", []string{"1 {}", "2 {}", "2 {}"}},
		{"array without end", "[{\"a\":1},\n", []string{`1 {"a":1}`, `2: the array is not closed: expected "]"`}},
		{"array without comma", "[{\"a\":1}\n{\"b\":2}\n,{\"c\":3}]", []string{`1 {"a":1}`,
			`2: expected "," or "]" after an element of the array, not '{'`, `3: expected "{", the start of an event, not ','`,
			`3: the array is not closed: expected "]"`}},
		{"no event", "hello\n{\"a\":1}\n42\n", []string{`1: expected "{", the start of an event, not 'h'`, `2 {"a":1}`,
			`3: expected "{", the start of an event, not '4'`}},
		{"no JSON", "{\"a\":x}\n{\"b\":2}", []string{`1: not valid JSON`, `2 {"b":2}`}},
		{"brace missing", "{\"a\":1\n{\"b\":2}\n", []string{"1: " + missingBrace, `2 {"b":2}`}},
		{"brace missing after a comma", "{\"a\":1,\n{\"b\":2}\n", []string{"1: " + missingBrace, `2 {"b":2}`}},
		{"brace missing on the same line", "{\"a\":1 {\"b\":2}}\n{\"c\":3}\n", []string{"1: " + missingBrace, `2 {"c":3}`}},
		{"brackets crossed", "{\"a\":[1}\n{\"b\":2}\n", []string{`1: not valid JSON: unexpected '}'`, `2 {"b":2}`}},
		{"string without end", "{\"a\":\"x}\n{\"b\":2}\n", []string{`1: a string is not closed at the end of the line`, `2 {"b":2}`}},
		{"cut short", "{\"a\":1}\n{\"b\":", []string{`1 {"a":1}`, `2: the file ends within the event`}},
		{"too large", "{\"a\":\"" + strings.Repeat("x", 100) + "\"}\n{\"b\":2}", []string{`1: larger than 64 bytes, the most that a router takes`, `2 {"b":2}`}},
		{"too large by newlines", "{" + strings.Repeat("\n", 63) + "\n{\"b\":2}", []string{`1: larger than 64 bytes, the most that a router takes`, `65 {"b":2}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for how, in := range map[string]io.Reader{
				"whole": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
			} {
				if got := readAll(t, in, 64); !slices.Equal(got, test.want) {
					t.Errorf("%s:\ngot  %q\nwant %q", how, got, test.want)
				}
			}
		})
	}
}

// A line without end takes no more memory than the largest event.
func TestEventReaderBoundsMemory(t *testing.T) {
	const limit, size = 1 << 10, 64 << 20
	in := io.MultiReader(strings.NewReader(`{"a":"`), io.LimitReader(letters{}, size), strings.NewReader("\n{\"b\":2}"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := readAll(t, in, limit)
	runtime.ReadMemStats(&after)
	if want := []string{"1: larger than 1024 bytes, the most that a router takes", `2 {"b":2}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("a line of %d bytes took %d bytes of memory, with a limit of %d", size, allocated, limit)
	}
}

// letters is an endless line.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestEventReaderFailsWithItsFile(t *testing.T) {
	broken := errors.New("broken disk")
	r := newEventReader(io.MultiReader(strings.NewReader("{}\n{"), iotest.ErrReader(broken)))
	if _, _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	if _, line, err := r.next(); !errors.Is(err, broken) || line != 2 {
		t.Errorf("got line %d, %v; want line 2, %v", line, err, broken)
	}
}

// Whatever the layout of a file, its events come out as they went in.
func TestEventReaderProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOf(rapid.MapOf(rapid.String(), rapid.OneOf(
			rapid.String().AsAny(), rapid.Int().AsAny(), rapid.SliceOf(rapid.MapOf(rapid.String(), rapid.Bool())).AsAny(),
		))).Draw(t, "events")
		var file strings.Builder
		var want []string
		array := rapid.Bool().Draw(t, "array")
		space := rapid.StringOf(rapid.SampledFrom([]rune(" \t\r\n")))
		if array {
			file.WriteString("[")
		}
		for i, e := range events {
			text, err := json.Marshal(e)
			if err == nil && rapid.Bool().Draw(t, "indented") {
				text, err = json.MarshalIndent(e, "", " ")
			}
			if err != nil {
				t.Fatal(err)
			}
			if array && i > 0 {
				file.WriteString(",")
			}
			file.WriteString(space.Draw(t, "space"))
			want = append(want, fmt.Sprintf("%d %s", 1+strings.Count(file.String(), "\n"), text))
			file.Write(text)
			file.WriteString(space.Draw(t, "space"))
		}
		if array {
			file.WriteString("]")
		}
		var got []string
		r := newEventReader(strings.NewReader(file.String()))
		for {
			object, line, err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("line %d: %v\n%s", line, err, file.String())
			}
			got = append(got, fmt.Sprintf("%d %s", line, object))
		}
		if !slices.Equal(got, want) {
			t.Errorf("file %q:\ngot  %q\nwant %q", file.String(), got, want)
		}
	})
}

func FuzzEventReader(f *testing.F) {
	for _, seed := range []string{
		"{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1},\n{\"b\":[{}]}]", "{\"a\":1\n{\"b\":2}", "[[{]}", "\ufeff{}", "{\"a\":\"\\\"}\n",
		"hello\r\n{}{}", "[{},,{}]", "]", "[", "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newEventReader(bytes.NewReader(in))
		r.max = 1 << 10
		before := 0
		for range len(in) + 2 {
			object, line, err := r.next()
			if err == io.EOF {
				return
			}
			if line < max(before, 1) || line > 1+bytes.Count(in, []byte("\n")) {
				t.Fatalf("line %d after line %d of %q", line, before, in)
			}
			before = line
			if bad := new(badEventError); err != nil && !errors.As(err, &bad) {
				t.Fatalf("an error that is not the file's: %v", err)
			}
			if err == nil && (object[0] != '{' || !json.Valid(object) || !bytes.Contains(in, object)) {
				t.Fatalf("%q is no object of %q", object, in)
			}
		}
		t.Fatalf("no end of %q", in)
	})
}
