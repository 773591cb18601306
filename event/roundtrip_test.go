package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawValue draws a value for a field, and null for optional ones now and then.
func drawValue(t *rapid.T, f *Field) string {
	if f.Optional && rapid.Bool().Draw(t, "null") {
		return "null"
	}
	if f.List {
		list, one := []string{}, *f
		one.List, one.Optional = false, false
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, drawValue(t, &one))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	switch f.Kind {
	case KindUint:
		return fmt.Sprint(rapid.Uint64().Draw(t, "uint"))
	case KindFloat:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "float")
	case KindBool:
		return fmt.Sprint(rapid.Bool().Draw(t, "bool"))
	case KindEnum:
		return `"` + rapid.SampledFrom(f.Enum).Draw(t, "enum") + `"`
	case KindRecord:
		return "{" + strings.Join(drawMembers(t, f.Record.Fields), ",") + "}"
	}
	b, err := json.Marshal(rapid.String().Draw(t, "string"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drawMembers draws members for the fields, in any order and with others among
// them. Optional ones and timestamps may be missing.
func drawMembers(t *rapid.T, fields []Field) []string {
	var members []string
	for i := range fields {
		f := &fields[i]
		if (f.Optional || f.Kind == KindTimestamp) && rapid.Bool().Draw(t, "missing") {
			continue
		}
		value := ""
		if f.Kind == KindTimestamp {
			value = rapid.StringMatching(`[1-9][0-9]{8}(\.[0-9]{1,12})?|"20[0-9]{2}-0[1-9]-1[0-9]T0[0-9]:00:00(\.[0-9]{1,12})?(Z|[+-]0[0-9]:30)"`).Draw(t, "timestamp")
		} else {
			value = drawValue(t, f)
		}
		members = append(members, `"`+f.Name+`":`+value)
	}
	for range rapid.IntRange(0, 2).Draw(t, "others") {
		members = append(members, `"x`+rapid.StringMatching(`[a-z]{0,3}`).Draw(t, "other")+`":`+rapid.SampledFrom([]string{"1", `{"a":[]}`, `""`}).Draw(t, "value"))
	}
	return rapid.Permutation(members).Draw(t, "order")
}

// drawEvent draws the text of a valid event of the default catalogue.
func drawEvent(t *rapid.T) string {
	typ := Default().Type(TypeID(rapid.IntRange(0, Default().Len()-1).Draw(t, "type")))
	name := rapid.SampledFrom([]string{typ.Name, typ.Alias}).Draw(t, "name")
	members := strings.Join(drawMembers(t, typ.Fields), ",")
	if rapid.Bool().Draw(t, "tagged") {
		return `{"type":"` + name + `","data":{` + members + `}}`
	}
	if members != "" {
		members = "," + members
	}
	return `{"type":"` + name + `"` + members + `}`
}

// checkForms makes sure that both forms of e are what they promise.
func checkForms(t rapid.TB, e *Event) {
	t.Helper()
	for _, f := range []Format{Flat, Tagged} {
		form := e.JSON(f)
		if !json.Valid(form) {
			t.Fatalf("%s form is no JSON: %s", f, form)
		}
		if bytes.ContainsAny(form, "\r\n") {
			t.Fatalf("%s form is not one line: %q", f, form)
		}
		again, err := testParser().ParseEvent(form)
		if err != nil {
			t.Fatalf("%s form %s: %v", f, form, err)
		}
		if again.Type != e.Type || !bytes.Equal(again.JSON(Tagged), e.JSON(Tagged)) {
			t.Fatalf("from %s\n tagged form %s\nbecomes %s", form, e.JSON(Tagged), again.JSON(Tagged))
		}
		if f == Flat && !bytes.Equal(again.JSON(Flat), form) {
			t.Fatalf("flat form %s\nbecomes %s", form, again.JSON(Flat))
		}
	}
}

func TestFormsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawEvent(t)
		e, err := testParser().ParseEvent([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		checkForms(t, e)
	})
}

// TestFramesRoundTrip takes frames apart as a client does.
func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, err := testParser().ParseEvent([]byte(drawEvent(t)))
		if err != nil {
			t.Fatal(err)
		}
		stamp, at := drawCursor(t, "stamp"), drawCursor(t, "at")
		e.Place(stamp, 1)
		for i := range NumEncodings {
			enc := Encoding(i)
			checkFrame(t, e, enc, e.Frame(enc), stamp)
			if got := e.AppendFrame(nil, enc, stamp); !bytes.Equal(got, e.Frame(enc)) {
				t.Fatalf("encoding %d: AppendFrame at the stamp gives %q, Frame %q", enc, got, e.Frame(enc))
			}
			got := e.AppendFrame([]byte("before"), enc, at)
			if !bytes.HasPrefix(got, []byte("before")) {
				t.Fatalf("encoding %d: what was in dst is gone", enc)
			}
			checkFrame(t, e, enc, got[len("before"):], at)
		}
	})
}

func checkFrame(t rapid.TB, e *Event, enc Encoding, frame []byte, cursor Cursor) {
	t.Helper()
	how := encodings[enc]
	message := inflate(t, frame)
	if how.sse {
		name := e.Name()
		if how.format == Tagged {
			name = e.Alias()
		}
		if want := fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", cursor, name, e.JSON(how.format)); string(message) != want {
			t.Fatalf("encoding %d: got %q, want %q", enc, message, want)
		}
		return
	}
	var got struct {
		Type  string
		ID    *string
		Event json.RawMessage
	}
	if err := json.Unmarshal(message, &got); err != nil {
		t.Fatalf("encoding %d: %v: %q", enc, err, message)
	}
	if got.Type != "Event" || !bytes.Equal(got.Event, e.JSON(how.format)) || (got.ID != nil) != how.cursor {
		t.Fatalf("encoding %d: message %s", enc, message)
	}
	if got.ID != nil && *got.ID != cursor.String() {
		t.Fatalf("encoding %d: id %s, want %s", enc, *got.ID, cursor)
	}
}

func FuzzParseBatch(f *testing.F) {
	for _, seed := range []string{
		"", "[]", "[ ]", sample, sample + "\n" + sample + "\r\n", "[" + sample + " , " + sample + "]", sample + sample,
		`{"type":"message.new","data":{"message_id":"ab12","depth":42,"timestamp":1705314600.5}}`,
		`{"type":"DiversityUpdated","diversity_score":1e-9,"axes":[{"axis":0,"radius":1,"distinct_balls":2,"required_diversity":3,"meets_requirement":true}],"total_tips":1}`,
		`{"\u0074ype":"MessageFinalized","message_id":"\ud83d\ude00","finality_type":"K_Core","timestamp":"1969-12-31T23:59:59.5-01:00"}`,
		`{"type":"KCoreUpdated","finalized_count":1,"pending_count":2,"current_k_value":null,"x":[[{}]]}`,
		`[{"type":"MessageAdded","message_id":"a","depth":-1}]`, `{"type":"MessageAdded","data":{"type":1}}`, "[1]", "{", "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		was := bytes.Clone(body)
		p := testParser()
		p.MaxEventSize = 1 << 12
		events, err := p.ParseBatch(body)
		if !bytes.Equal(body, was) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			checkErrorText(t, err, string(body))
			if events != nil {
				t.Error("events came with the error")
			}
			return
		}
		for i := range body {
			body[i] = 0 // the caller's to use again
		}
		for _, e := range events {
			checkForms(t, e)
			e.Place(sampleStamp(), 1)
			for enc := range NumEncodings {
				checkFrame(t, e, Encoding(enc), e.Frame(Encoding(enc)), sampleStamp())
			}
		}
	})
}
