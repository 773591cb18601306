package event

import (
	"errors"
	"strings"
	"testing"
)

func TestParseBatch(t *testing.T) {
	const (
		one   = `{"type":"NodeStarted","node_id":"1","version":"v"}`
		two   = `{"type":"NodeStopped","node_id":"2","reason":"r"}`
		three = `{"type":"node.started","data":{"node_id":"3","version":"v"}}`
	)
	for _, test := range []struct {
		name, body string
		want       int
		index      int // of the refused event
		wantErr    string
	}{
		{name: "one", body: one, want: 1},
		{name: "one over several lines", body: strings.ReplaceAll(one, ",", "\n,\n"), want: 1},
		{name: "array", body: "[" + one + "," + two + "," + three + "]", want: 3},
		{name: "array with white space", body: " \r\n[ " + one + " ,\n" + two + "\t] \n", want: 2},
		{name: "empty array", body: "[]"},
		{name: "empty array with white space", body: " [\n] "},
		{name: "lines", body: one + "\n" + two + "\n" + three, want: 3},
		{name: "lines with a final newline", body: one + "\n" + two + "\n", want: 2},
		{name: "lines with CRLF and blank lines", body: "\r\n" + one + "\r\n\r\n" + two + "\r\n", want: 2},
		{name: "any white space", body: one + " " + two + "\t" + three, want: 3},

		{name: "bad one", body: `{"type":"Nope"}`, index: 0, wantErr: `event 0: unknown event type "Nope"`},
		{name: "bad line", body: one + "\n" + two + "\n{}\n" + three, index: 2, wantErr: `event 2: missing field "type"`},
		{name: "bad element", body: "[" + one + `,{"type":"NodeStopped"}]`, index: 1, wantErr: `event 1: missing field "node_id" (string), "reason" (string)`},
		{name: "element no object", body: "[" + one + ",null]", index: 1, wantErr: "event 1: expected an object, got null"},
		{name: "line no object", body: one + "\n[]", index: 1, wantErr: "event 1: expected an object, got an array"},
		{name: "array in an array", body: "[[]]", index: 0, wantErr: "event 0: expected an object, got an array"},
		{name: "open array", body: "[" + one, index: 1, wantErr: "event 1: invalid JSON at byte 51: unexpected end, expected ',' or ']'"},
		{name: "nothing but a bracket", body: "[", index: 0, wantErr: "event 0: invalid JSON at byte 1: unexpected end"},
		{name: "comma at the end of an array", body: "[" + one + ",]", index: 1, wantErr: "unexpected ']', expected an event after ','"},
		{name: "comma at the start of an array", body: "[," + one + "]", index: 0, wantErr: "unexpected ','"},
		{name: "something behind the array", body: "[" + one + "]" + two, index: 1, wantErr: "unexpected '{', expected nothing behind the array"},
		{name: "two arrays", body: "[][]", index: 0, wantErr: "expected nothing behind the array"},
		{name: "lines with commas", body: one + ",\n" + two, index: 1, wantErr: "unexpected ',', expected white space between events (or an array of them)"},
		{name: "no white space", body: one + two, index: 1, wantErr: "unexpected '{', expected white space between events"},
		{name: "garbage", body: "hello", index: 0, wantErr: "event 0: invalid JSON at byte 0: unexpected 'h', expected a value"},
		{name: "form", body: "type=NodeStarted", index: 0, wantErr: "invalid JSON"},
		{name: "NUL", body: "\x00", index: 0, wantErr: `unexpected '\x00'`},
	} {
		t.Run(test.name, func(t *testing.T) {
			events, err := testParser().ParseBatch([]byte(test.body))
			checkError(t, err, test.wantErr)
			if len(events) != test.want {
				t.Errorf("%d events, want %d", len(events), test.want)
			}
			var bad *BatchError
			if err != nil && (!errors.As(err, &bad) || bad.Index != test.index) {
				t.Errorf("error %#v; want index %d", err, test.index)
			}
		})
	}
}

// TestDepthIsThatOfTheEvent: one event may be deeper in its tagged form than
// the next may be in its flat form.
func TestDepthIsThatOfTheEvent(t *testing.T) {
	deepest := `{"type":"NodeStarted","data":{"node_id":"1","version":"v","x":` + strings.Repeat("[", 62) + strings.Repeat("]", 62) + `}}`
	events, err := testParser().ParseBatch([]byte(deepest + "\n" + `{"type":"NodeStarted","node_id":"2","version":"v"}`))
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	checkForms(t, events[0])
}

func TestEmptyBody(t *testing.T) {
	for _, body := range []string{"", " ", "\r\n\r\n"} {
		_, err := testParser().ParseBatch([]byte(body))
		checkError(t, err, "no event; expected one event, an array of events, or events separated by white space")
		var bad *BatchError
		if errors.As(err, &bad) {
			t.Errorf("%q: the error names event %d", body, bad.Index)
		}
	}
}

func TestMaxEventSize(t *testing.T) {
	const small = `{"type":"NodeStarted","node_id":"1","version":"v"}`
	p := testParser()
	p.MaxEventSize = len(small)
	if _, err := p.ParseBatch([]byte(small + "\n" + small)); err != nil {
		t.Errorf("events of just the size: %v", err)
	}
	_, err := p.ParseBatch([]byte(small + "\n" + strings.Replace(small, `"v"`, `"vv"`, 1)))
	checkError(t, err, "event 1: too large: 51 bytes, at most 50 are allowed")
	var bad *BatchError
	if !errors.Is(err, ErrTooLarge) || !errors.As(err, &bad) || bad.Index != 1 {
		t.Errorf("error %#v", err)
	}
	if _, err := testParser().ParseEvent([]byte(strings.Replace(small, `"v"`, `"`+strings.Repeat("v", 1<<20)+`"`, 1))); err != nil {
		t.Errorf("no limit: %v", err)
	}
}
