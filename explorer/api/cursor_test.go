package api

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/explorer/store"
)

func keys(t *rapid.T) store.Key {
	return store.Key{
		Seq:   rapid.Int64Min(0).Draw(t, "seq"),
		Value: rapid.Float64().Draw(t, "value"),
		ID:    rapid.String().Draw(t, "id"),
	}
}

// A cursor comes back as it went, as text that needs no escaping, and for its list only.
func TestCursorsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, of := keys(t), bind(rapid.String().Draw(t, "list"), nil)
		text := encodeCursor(of, key)
		if url.QueryEscape(text) != text {
			t.Fatalf("%q needs escaping", text)
		}
		if got, err := decodeCursor(text, of); err != nil || got != key {
			t.Fatalf("%v came back as %v, %v", key, got, err)
		}
		of[rapid.IntRange(0, len(of)-1).Draw(t, "byte")] ^= 1
		if got, err := decodeCursor(text, of); err != errForeign {
			t.Fatalf("another list took it as %v, %v", got, err)
		}
	})
}

// Whatever is changed in a cursor, it is refused.
func TestCursorsAreNotTamperedWith(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := bind("events", nil)
		text := encodeCursor(of, keys(t))
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		with := rapid.StringN(0, 2, 8).Draw(t, "with")
		changed := text[:at] + with + text[at+1:]
		if changed == text {
			return
		}
		if got, err := decodeCursor(changed, of); err == nil {
			t.Fatalf("%q was taken as %v", changed, got)
		}
	})
}

// What no list would make is refused even if its checksum is right.
func TestForgedCursors(t *testing.T) {
	of := bind("events", nil)
	for name, key := range map[string]store.Key{
		"a negative seq": {Seq: -1}, "not a number": {Value: math.NaN()}, "infinity": {Value: math.Inf(1)}, "no UTF-8": {ID: "\xff"},
	} {
		if _, err := decodeCursor(encodeCursor(of, key), of); err != errDamaged {
			t.Errorf("%s: the error is %v, want %v", name, err, errDamaged)
		}
	}
}

func TestBadCursors(t *testing.T) {
	f := newFront(t)
	f.add(t, network)
	var list page[store.Event]
	f.into(t, "/api/v1/events?limit=1&types=MessageAdded&order=oldest", &list)
	good := *list.Next
	var story timelinePage
	f.into(t, "/api/v1/timeline/m1?limit=1", &story)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	raw[0]++
	newer := base64.RawURLEncoding.EncodeToString(raw)
	const damaged, foreign = "it was cut or changed", "of another list, or of other filters"
	for name, tt := range map[string]struct{ target, want string }{
		"as it came":          {"events?types=MessageAdded&order=oldest&cursor=" + good, ""},
		"with another limit":  {"events?types=MessageAdded&order=oldest&limit=7&cursor=" + good, ""},
		"the type's alias":    {"events?types=message.new&order=oldest&cursor=" + good, ""},
		"truncated":           {"events?types=MessageAdded&order=oldest&cursor=" + good[:len(good)-4], damaged},
		"one character":       {"events?types=MessageAdded&order=oldest&cursor=A", damaged},
		"with a line break":   {"events?types=MessageAdded&order=oldest&cursor=" + good[:9] + "%0A" + good[9:], damaged},
		"with padding":        {"events?types=MessageAdded&order=oldest&cursor=" + good + "=", damaged},
		"not base64":          {"events?types=MessageAdded&order=oldest&cursor=!!!!", damaged},
		"far too long":        {"events?types=MessageAdded&order=oldest&cursor=" + strings.Repeat("A", 9000), damaged},
		"of another version":  {"events?types=MessageAdded&order=oldest&cursor=" + newer, "another version"},
		"with another filter": {"events?types=TipsUpdated&order=oldest&cursor=" + good, foreign},
		"without its filter":  {"events?order=oldest&cursor=" + good, foreign},
		"in another order":    {"events?types=MessageAdded&cursor=" + good, foreign},
		"of another span":     {"events?types=MessageAdded&order=oldest&from=2020-01-01T00:00:00Z&cursor=" + good, foreign},
		"on another list":     {"addresses?cursor=" + good, foreign},
		"of another timeline": {"timeline/m2?cursor=" + *story.Next, foreign},
		"on a timeline":       {"timeline/m1?types=MessageAdded&order=oldest&cursor=" + good, foreign},
	} {
		t.Run(name, func(t *testing.T) {
			a := f.get(t, "/api/v1/"+tt.target)
			if tt.want == "" {
				if a.StatusCode != http.StatusOK {
					t.Errorf("%d %s, want 200", a.StatusCode, a.body)
				}
				return
			}
			wantError(t, a, http.StatusBadRequest, "cursor: ", tt.want)
		})
	}
}

func FuzzCursor(f *testing.F) {
	of := bind("events", nil)
	f.Add(encodeCursor(of, store.Key{Seq: 1}))
	f.Add(encodeCursor(of, store.Key{Value: 2.5, ID: "a"}))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := decodeCursor(text, of)
		if err == nil && encodeCursor(of, key) != text {
			t.Errorf("%q is taken as well as %q", text, encodeCursor(of, key))
		}
	})
}
