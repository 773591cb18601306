package event

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// scan reads data as one document.
func scan(data []byte) (value, error) {
	s := scanner{data: data}
	s.space()
	v, err := s.value(0)
	if err != nil {
		return v, err
	}
	s.space()
	if s.pos < len(data) {
		return v, s.unexpected("nothing more")
	}
	return v, nil
}

func TestScannerRefusals(t *testing.T) {
	for _, test := range []struct{ name, data, wantErr string }{
		{"nothing", "", "byte 0: unexpected end, expected a value"},
		{"word", "nul", "byte 3: unexpected end, expected null"},
		{"other word", "True", "byte 0: unexpected 'T', expected a value"},
		{"NaN", "NaN", "byte 0: unexpected 'N'"},
		{"minus", "-", "byte 1: unexpected end, expected a digit"},
		{"plus", "+1", "unexpected '+'"},
		{"leading zero", "01", "byte 1: unexpected '1', expected nothing more"},
		{"leading point", ".5", "unexpected '.'"},
		{"trailing point", "5.", "byte 2: unexpected end, expected a digit"},
		{"no exponent", "5e", "expected a digit"},
		{"open string", `"abc`, "expected '\"' at the end of a string"},
		{"newline in a string", "\"a\nb\"", `byte 2: unescaped control character '\n' in a string`},
		{"single quotes", "'a'", `unexpected '\'', expected a value`},
		{"unknown escape", `"\x41"`, "unexpected 'x', expected an escape sequence"},
		{"open escape", `"\`, "unexpected end, expected an escape sequence"},
		{"short \\u", `"\u12"`, `\u not followed by four hexadecimal digits`},
		{"high surrogate alone", `"\ud83d"`, "byte 1: escape of half a surrogate pair"},
		{"high surrogate and letter", `"\ud83dx"`, "half a surrogate pair"},
		{"high surrogate and other escape", `"\ud83d\n"`, "half a surrogate pair"},
		{"two high surrogates", `"\ud83d\ud83d"`, "half a surrogate pair"},
		{"low surrogate alone", `"\ude00"`, "half a surrogate pair"},
		{"invalid UTF-8", "\"a\xffb\"", "byte 2: invalid UTF-8"},
		{"cut UTF-8", "\"\xc3\"", "byte 1: invalid UTF-8"},
		{"UTF-8 of a surrogate", "\"\xed\xa0\x80\"", "invalid UTF-8"},
		{"overlong UTF-8", "\"\xc0\x80\"", "invalid UTF-8"},
		{"invalid UTF-8 outside", "\xff", "byte 0: invalid UTF-8"},
		{"byte order mark", "\xef\xbb\xbf{}", `unexpected '\ufeff', expected a value`},
		{"open array", "[1", "expected ',' or ']' after a value in an array"},
		{"comma in an array", "[1,]", "byte 3: unexpected ']', expected a value"},
		{"no comma", "[1 2]", "byte 3: unexpected '2', expected ',' or ']'"},
		{"open object", `{"a":1`, "expected ',' or '}' after a value in an object"},
		{"comma in an object", `{"a":1,}`, "byte 7: unexpected '}', expected a key in double quotes"},
		{"bare key", `{a:1}`, "expected a key in double quotes"},
		{"no colon", `{"a" 1}`, "expected ':' after a key"},
		{"comment", "[1] // one", "unexpected '/', expected nothing more"},
		{"other white space", "\u00a01", `unexpected '\u00a0', expected a value`},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "byte 64: nested deeper than 64"},
		{"much too deep", strings.Repeat(`{"a":`, 1e6), "nested deeper than 64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := scan([]byte(test.data))
			checkError(t, err, test.wantErr)
		})
	}
}

func TestScannerDepth(t *testing.T) {
	for _, pair := range []string{"[]", "{}"} {
		open, end := pair[:1], pair[1:]
		if open == "{" {
			open = `{"a":`
		}
		deepest := strings.Repeat(open, 63) + pair + strings.Repeat(end, 63)
		if _, err := scan([]byte(deepest)); err != nil {
			t.Errorf("64 of %s: %v", pair, err)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`""`:                                "",
		`"plain é"`:                         "plain é",
		`"\"\\\/\b\f\n\r\t"`:                "\"\\/\b\f\n\r\t",
		`"\u0041\u00e9\u00E9\uFEFF\ufeffx"`: "Aéé\ufeff\ufeffx",
		`"\ud83d\ude00x\uD83D\uDE00"`:       "😀x😀",
	} {
		v, err := scan([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := string(text([]byte(in), v, nil)); got != want {
			t.Errorf("%s says %q, want %q", in, got, want)
		}
		if !says([]byte(in), v, want) || says([]byte(in), v, want+"x") {
			t.Errorf("%s does not say just %q", in, want)
		}
	}
}

func TestCompact(t *testing.T) {
	for in, want := range map[string]string{
		`[1,[],{}]`:              `[1,[],{}]`,
		`[ [],1]`:                `[[],1]`,
		`[[ ],1]`:                `[[],1]`,
		`[[],1 ]`:                `[[],1]`,
		`[{"a":{ }},[]]`:         `[{"a":{}},[]]`,
		`{"a" :1}`:               `{"a":1}`,
		"{\"a\":\r\n\t1}":        `{"a":1}`,
		`[ "a b","c\" d","\\" ]`: `["a b","c\" d","\\"]`,
	} {
		v, err := scan([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := string(appendCompact(nil, []byte(in), v)); got != want || v.spaced != (in != want) {
			t.Errorf("%s is compacted to %s, spaced %t", in, got, v.spaced)
		}
	}
}

// drawDocument draws JSON, and often something close to it.
func drawDocument(t *rapid.T) []byte {
	token := rapid.SampledFrom([]string{
		"{", "}", "[", "]", ",", ":", `"a"`, `"é\u00e9\uD83d\uDe00\b\f\n\r\t\"\\\/"`, `"b":`, "0", "-1.5e+10", "12", "-", "01", "1.", "true", "false",
		"null", "nul", " ", "\n", "\t\r", `"`, `\`, `\u12`, "\x00", "\x7f", "é", "\u2028",
	})
	var doc func(depth int) string
	doc = func(depth int) string {
		kind := rapid.IntRange(0, 7).Draw(t, "kind")
		if depth > 4 {
			kind %= 4
		}
		space := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")
		switch kind {
		case 0:
			return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word") + space
		case 1:
			return rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number") + space
		case 2, 3:
			b, err := json.Marshal(rapid.String().Draw(t, "string"))
			if err != nil {
				t.Fatal(err)
			}
			return string(b) + space
		case 4, 5:
			var parts []string
			for range rapid.IntRange(0, 4).Draw(t, "elements") {
				parts = append(parts, doc(depth+1))
			}
			return "[" + space + strings.Join(parts, ","+space) + "]" + space
		default:
			var parts []string
			for range rapid.IntRange(0, 4).Draw(t, "members") {
				parts = append(parts, `"k`+rapid.StringMatching(`[a-z\\]{0,3}`).Draw(t, "key")+`"`+space+":"+space+doc(depth+1))
			}
			return "{" + space + strings.Join(parts, ","+space) + "}" + space
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "form") == 0 {
		return []byte(strings.Join(rapid.SliceOfN(token, 0, 12).Draw(t, "tokens"), ""))
	}
	b := []byte(doc(0))
	if rapid.Bool().Draw(t, "broken") && len(b) > 0 {
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b = append(b[:i:i], append([]byte(token.Draw(t, "put in")), b[i+rapid.IntRange(0, 1).Draw(t, "cut"):]...)...)
	}
	return b
}

// halfSurrogate reports whether a valid document has the escape of half a
// surrogate pair: encoding/json turns each into the replacement character.
func halfSurrogate(t testing.TB, doc []byte) bool {
	var plain bytes.Buffer
	// Replacement characters that were there before must not count.
	plain.Write(bytes.ReplaceAll(bytes.ReplaceAll(doc, []byte("\ufffd"), nil), []byte(`\ufffd`), nil))
	d := json.NewDecoder(&plain)
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if s, ok := token.(string); ok && strings.ContainsRune(s, utf8.RuneError) {
			return true
		}
	}
}

// TestScannerAgainstEncodingJSON: both accept the same documents.
func TestScannerAgainstEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawDocument(t)
		v, err := scan(doc)
		want := json.Valid(doc) && utf8.Valid(doc)
		if (err == nil) != want {
			t.Fatalf("%q: %v, but json.Valid says %t", doc, err, want)
		}
		if err != nil {
			return
		}
		if trimmed := bytes.TrimSpace(doc); !bytes.Equal(v.raw(doc), trimmed) {
			t.Fatalf("%q is found at %q", doc, v.raw(doc))
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, doc); err != nil {
			t.Fatal(err)
		}
		if got := appendCompact(nil, doc, v); !bytes.Equal(got, compact.Bytes()) {
			t.Fatalf("%q is compacted to %q, want %q", doc, got, compact.Bytes())
		}
		switch v.kind {
		case stringValue:
			var want string
			if err := json.Unmarshal(doc, &want); err != nil {
				t.Fatal(err)
			}
			if got := string(text(doc, v, nil)); got != want || !says(doc, v, want) {
				t.Fatalf("%s says %q, want %q", doc, got, want)
			}
		case arrayValue:
			var want []json.RawMessage
			if err := json.Unmarshal(doc, &want); err != nil {
				t.Fatal(err)
			}
			n := 0
			for i, elem := range elements(doc, v) {
				if i != n || string(elem.raw(doc)) != string(want[i]) {
					t.Fatalf("element %d of %s is %s", i, doc, elem.raw(doc))
				}
				n++
			}
			if n != len(want) {
				t.Fatalf("%d elements in %s", n, doc)
			}
		}
	})
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		"", "null", `{"a":[1,2.5e-3,"\ud83d\ude00",true,{}],"b":{"c":null}}`, "[1,]", `"\ud800"`, "\"\xff\"", " [ ] ", `"\\\""`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		_, err := scan(doc)
		if err == nil {
			if !json.Valid(doc) || !utf8.Valid(doc) {
				t.Errorf("%q was accepted", doc)
			}
			return
		}
		deep := strings.Contains(err.Error(), "nested deeper")
		if json.Valid(doc) && utf8.Valid(doc) && !deep && !halfSurrogate(t, doc) {
			t.Errorf("%q was refused: %v", doc, err)
		}
	})
}
