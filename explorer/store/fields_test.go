package store

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/event"
)

// sounds is how the names of identifiers sound.
var sounds = regexp.MustCompile(`^tips$|(^|_)(id|hash|cid|key|keys|address|epoch|owner|from|to|recipient|sponsor|worker|proposer|voter|challenger|committer|revealer|aggregator)$`)

// Every field of the catalogue that sounds like an identifier is one, or it is said why not.
func TestEveryIdentifierIsIndexed(t *testing.T) {
	used := map[string]bool{}
	for _, typ := range event.Default().Types() {
		for _, field := range typ.Fields {
			name := typ.Name + "." + field.Name
			used[field.Name], used[name] = true, true
			if field.Kind != event.KindString && field.Kind != event.KindUint {
				continue
			}
			if sounds.MatchString(field.Name) && fieldKinds[field.Name] == "" && noIdentifier[name] == "" {
				t.Errorf("%s is neither in fieldKinds nor, with a reason, in noIdentifier", name)
			}
		}
	}
	for name := range fieldKinds {
		if !used[name] {
			t.Errorf("no type has the field %s", name)
		}
	}
	for name := range noIdentifier {
		if !used[name] {
			t.Errorf("there is no field %s", name)
		}
	}
}

func TestKinds(t *testing.T) {
	kinds := Kinds()
	if !slices.IsSorted(kinds) || len(slices.Compact(slices.Clone(kinds))) != len(kinds) {
		t.Errorf("%v are not sorted, or not once each", kinds)
	}
	for _, kind := range []string{"message", "address", "validator", "proposal", "task", "challenge", "escrow", "epoch", "peer"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("there is no kind %s", kind)
		}
	}
}

func TestMentions(t *testing.T) {
	for _, test := range []struct {
		name, typ, data string
		want            string // kind:id by field
	}{
		{"each field", "EscrowReleased", `{"lock_id":"l","from":"a","to":"b"}`, "address:a by from, escrow:l by lock_id, address:b by to"},
		{"the same twice is once", "EscrowReleased", `{"lock_id":"l","from":"a","to":"a"}`, "address:a by from, escrow:l by lock_id"},
		{"the same as two kinds is both", "X", `{"subject_id":"m","message_id":"m"}`, "message:m by message_id, subject:m by subject_id"},
		{"a number", "QuorumSelected", `{"epoch":18446744073709551615,"committee_size":3}`, "epoch:18446744073709551615 by epoch"},
		{"a list", "ProposalSubmitted", `{"proposal_id":"p","param_keys":["k","q","k"]}`, "parameter:k by param_keys, parameter:q by param_keys, proposal:p by proposal_id"},
		{"nothing in it", "TransferRecorded", `{"from_address":"a","to_address":"","tx_hash":null}`, "address:a by from_address"},
		{"no account's address", "PeerConnected", `{"peer_id":"p","address":"/ip4/203.0.113.1"}`, "peer:p by peer_id"},
		{"a number within something", "TreasuryMilestoneCompleted", `{"grant_id":"g","milestone_id":1,"deliverable_cid":"c"}`, "content:c by deliverable_cid, grant:g by grant_id"},
		{"unknown type", "Unheard", `{"message_id":"m","other":"x"}`, "message:m by message_id"},
		{"unlikely values", "Unheard", `{"message_id":{"a":1},"owner":true,"peer_id":["x",{},1]}`, "peer:x by peer_id, peer:1 by peer_id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := newFact(&Entry{Type: test.typ, Data: []byte(test.data)}, 1)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range f.mentions() {
				got = append(got, m.kind+":"+m.id+" by "+m.field)
			}
			if s := strings.Join(got, ", "); s != test.want {
				t.Errorf("got %s, want %s", s, test.want)
			}
		})
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("ü", 4000)
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"most texts", "adic1q", "adic1q"},
		{"any letter", "日本 'x' %_\\\n", "日本 'x' %_\\\n"},
		{"NUL", "a\x00b", "a\uFFFDb"},
		{"no UTF-8", "a\xffb", "a\uFFFDb"},
		{"the longest", long[:maxText], long[:maxText]},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := clean(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	cut := clean(long)
	if len(cut) > maxText || !strings.HasPrefix(cut, "üüü") || clean(cut) != cut {
		t.Errorf("a long text became one of %d bytes: %q", len(cut), cut)
	}
	if clean(long+"a") == clean(long+"b") {
		t.Error("two long texts became the same")
	}
}

// fieldOf returns the type of a field of the catalogue; empty if there is none.
func fieldOf(typ, name string) string {
	id, ok := event.Default().Lookup(typ)
	if !ok {
		return ""
	}
	for _, f := range event.Default().Type(id).Fields {
		if f.Name == name {
			return f.Type()
		}
	}
	return ""
}
