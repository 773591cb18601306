package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/client/events"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/source/demo"
)

func ExampleDecode() {
	decoded, err := events.Decode("BalanceChanged", []byte(`{"type":"BalanceChanged","address":"adic1x","balance_before":"5",
		"balance_after":"7","change_amount":"2","change_type":"TransferIn","timestamp":1705314600.25}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if e, ok := decoded.(*events.BalanceChanged); ok && e.ChangeType == events.ChangeTypeTransferIn {
		fmt.Println(e.Address, "+"+e.ChangeAmount, e.Timestamp.Format(time.RFC3339Nano))
	}
	// Output: adic1x +2 2024-01-15T10:30:00.25Z
}

func TestTypesAreCurrent(t *testing.T) {
	made := filepath.Join(t.TempDir(), "types.go")
	if out, err := exec.Command("go", "run", "./generate", made).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("types.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("types.go is not what the catalogue says: run go generate ./client/events")
	}
}

// realistic returns events of all types.
func realistic(t testing.TB) (all [][]byte) {
	t.Helper()
	source, err := demo.New(demo.MaxRate, 3, event.Default())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := source.Run(ctx, func(p []byte) error {
		if all = append(all, bytes.Clone(p)); len(all) == 3000 {
			stop()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func object(t testing.TB, data []byte) (o map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNothingIsLost(t *testing.T) {
	seen := map[string]bool{}
	for _, data := range realistic(t) {
		want := object(t, data)
		name := want["type"].(string)
		seen[name] = true
		decoded, err := events.Decode(name, data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		again, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		got := object(t, again)
		delete(want, "type")
		for key, value := range want {
			if value == nil {
				delete(want, key) // an optional field that is null
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
	if len(seen) != event.Default().Len() {
		t.Errorf("saw %d types, want %d", len(seen), event.Default().Len())
	}
}

func TestDecode(t *testing.T) {
	const when = `"timestamp":"2024-01-15T11:30:00+01:00"`
	tests := []struct{ name, typ, data, want string }{
		{"alias", "message.new", `{"message_id":"a","depth":18446744073709551615,` + when + `}`,
			`{"message_id":"a","depth":18446744073709551615,"timestamp":"2024-01-15T10:30:00Z"}`},
		{"keys in another case are others", "MessageAdded", `{"message_id":"a","depth":1,"Depth":2,` + when + `}`,
			`{"message_id":"a","depth":1,"timestamp":"2024-01-15T10:30:00Z"}`},
		{"optional field missing", "PeerDisconnected", `{"peer_id":"p",` + when + `}`, `{"peer_id":"p","timestamp":"2024-01-15T10:30:00Z"}`},
		{"optional field null", "PeerDisconnected", `{"peer_id":"p","reason":null,` + when + `}`, `{"peer_id":"p","timestamp":"2024-01-15T10:30:00Z"}`},
		{"optional field empty", "PeerDisconnected", `{"peer_id":"p","reason":"",` + when + `}`, `{"peer_id":"p","reason":"","timestamp":"2024-01-15T10:30:00Z"}`},
		{"time before 1970", "PeerDisconnected", `{"peer_id":"p","timestamp":-1.25}`, `{"peer_id":"p","timestamp":"1969-12-31T23:59:58.75Z"}`},
		{"enum value of a newer node", "MessageFinalized", `{"message_id":"a","finality_type":"new",` + when + `}`,
			`{"message_id":"a","finality_type":"new","timestamp":"2024-01-15T10:30:00Z"}`},
		{"unknown type", "Nonsense", `{}`, `unknown event type "Nonsense"`},
		{"missing", "MessageAdded", `{"message_id":"a",` + when + `}`, `missing field "depth"`},
		{"null", "MessageAdded", `{"message_id":"a","depth":null,` + when + `}`, `field "depth" is null`},
		{"negative", "MessageAdded", `{"message_id":"a","depth":-1,` + when + `}`, `field "depth": json:`},
		{"huge exponent", "MessageAdded", `{"message_id":"a","depth":1,"timestamp":1e999999999}`, `not a number of Unix seconds`},
		{"far year", "MessageAdded", `{"message_id":"a","depth":1,"timestamp":1e20}`, `not a number of Unix seconds`},
		{"time of no form", "MessageAdded", `{"message_id":"a","depth":1,"timestamp":true}`, `expected a time of RFC 3339`},
		{"number in a string", "SyncProgress", `{"peer_id":"p","synced_messages":1,"progress_percent":"1",` + when + `}`, `expected a number`},
		{"no object", "MessageAdded", `[]`, `cannot decode MessageAdded`},
		{"null event", "MessageAdded", `null`, `expected an object`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			decoded, err := events.Decode(test.typ, []byte(test.data))
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("got the error %q, want %q", err, test.want)
				}
				return
			}
			if got, err := json.Marshal(decoded); err != nil || string(got) != test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

// What the router takes can be decoded, whatever else Decode is given.
func FuzzDecode(f *testing.F) {
	seen := map[string]bool{}
	for _, data := range realistic(f) {
		if name := object(f, data)["type"].(string); !seen[name] {
			seen[name] = true
			f.Add(name, data)
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		decoded, err := events.Decode(name, data)
		if (decoded == nil) == (err == nil) {
			t.Fatalf("got %v and the error %v", decoded, err)
		}
		if err != nil {
			return
		}
		again, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := events.Decode(name, again); err != nil {
			t.Fatalf("what was decoded cannot be decoded again: %v\n%s", err, again)
		}
	})
}
