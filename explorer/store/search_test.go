package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSearch(t *testing.T) {
	long := strings.Repeat("x", 5000)
	ids := []string{"ab", "abc", "abd", "ABC", "a%c", "a_c", "b", "' OR 1=1 --", `\`, "日本", "日本語", "\U0010FFFFz", "q\x00r", long, "\uD7FFx"}
	for _, test := range []struct {
		name, q, want string
	}{
		{"exact first", "ab", "[ab] abc abd"},
		{"only exact", "abc", "[abc]"},
		{"case as given", "A", "ABC"},
		{"a percent sign is one", "a%", "a%c"},
		{"an underscore is one", "a_", "a_c"},
		{"SQL is text", "' OR 1=1 --", "[' OR 1=1 --]"},
		{"more SQL", "'; DROP TABLE events; --", ""},
		{"a backslash", `\`, `[\]`},
		{"any letters", "日", "日本 日本語"},
		{"the last letter there is", "\U0010FFFF", "\U0010FFFFz"},
		{"the last one before the surrogates", "\uD7FF", "\uD7FFx"},
		{"NUL", "q\x00", "q\uFFFDr"},
		{"no UTF-8", "q\xff", "q\uFFFDr"},
		{"very long", long, "[" + clean(long) + "]"},
		{"nothing", "", ""},
		{"unknown", "zzz", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, dsn string) {
				s := open(t, dsn)
				f := newFeed()
				for _, id := range ids {
					quoted, err := json.Marshal(id)
					if err != nil {
						t.Fatal(err)
					}
					f.tell("MessageAdded", fmt.Sprintf(`"message_id":%s,"depth":1`, quoted))
				}
				f.store(t, s)
				hits, err := s.Search(context.Background(), test.q, 10)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, hit := range hits {
					if hit.Exact {
						hit.ID = "[" + hit.ID + "]"
					}
					got = append(got, hit.ID)
				}
				if s := strings.Join(got, " "); s != test.want {
					t.Errorf("got %q, want %q", s, test.want)
				}
				// What has the identifier is found under it as well.
				if test.q != "" && strings.HasPrefix(test.want, "[") {
					if _, err := s.Message(context.Background(), test.q); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// The texts before behind(p) that are not before p are those that begin with p.
func TestBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune{'a', 'b', 0x7F, 0x80, 0x7FF, 0xD7FF, 0xE000, 0xFFFF, 0x10000, utf8.MaxRune})
		prefix := rapid.StringOfN(letters, 1, 3, -1).Draw(t, "prefix")
		text := rapid.StringOfN(letters, 0, 5, -1).Draw(t, "text")
		end, ok := behind(prefix)
		if !utf8.ValidString(end) {
			t.Fatalf("%q is no text", end)
		}
		within := text >= prefix && (!ok || text < end)
		if within != strings.HasPrefix(text, prefix) {
			t.Errorf("%q is within %q and %q: %v", text, prefix, end, within)
		}
	})
}

// Everything that JSON can say goes in and comes out, in both databases.
func TestStrangeTexts(t *testing.T) {
	texts := []string{`\u0000`, `a\u0000b`, `\ud83d\ude00`, `\\u0000`, `\"; DROP TABLE events; --`, `'`, `%s`, `$1`, `?`, "\u2028", strings.Repeat("long ", 20_000)}
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		f := newFeed()
		for _, text := range texts {
			f.tell("MessageRejected", fmt.Sprintf(`"message_id":"%s","reason":"%[1]s","rejection_type":"%[1]s"`, text))
			f.tell("DepositSlashed", fmt.Sprintf(`"message_id":"%s","validator_address":"%[1]s","amount":"%[1]s","reason":"%[1]s"`, text))
			f.tell("BalanceChanged", fmt.Sprintf(`"address":"%s","balance_after":"%[1]s","change_amount":"%[1]s","change_type":"%[1]s"`, text))
			f.tell("ReputationChanged", fmt.Sprintf(`"validator_address":"%s","new_reputation":1e999,"reason":"%[1]s"`, text))
			f.tell("ProposalSubmitted", fmt.Sprintf(`"proposal_id":"%s","proposer":"%[1]s","proposal_class":"%[1]s","param_keys":["%[1]s"],"enact_epoch":1`, text))
			f.tell("ProposalStatusChanged", fmt.Sprintf(`"proposal_id":"%s","old_status":"%[1]s","new_status":"%[1]s"`, text))
			f.tell("VoteCast", fmt.Sprintf(`"proposal_id":"%s","voter":"%[1]s","vote_credits":1e308,"ballot":"%[1]s"`, text))
			f.tell("VoteCast", fmt.Sprintf(`"proposal_id":"%s","voter":"%[1]s","vote_credits":1e308,"ballot":"%[1]s"`, text))
			f.tell("TipsUpdated", fmt.Sprintf(`"tips":["%s"],"count":18446744073709551615`, text))
		}
		f.add(f.clock, "MessageAdded", "{\"message_id\":\"\xff\",\"depth\":1}")
		f.store(t, s)
		for _, text := range texts {
			var id string
			if err := json.Unmarshal([]byte(`"`+text+`"`), &id); err != nil {
				t.Fatal(err)
			}
			m, err := s.Message(ctx, id)
			if err != nil || m.Reason != clean(id) {
				t.Errorf("message %.20q: %.50q, %v", id, m.Reason, err)
			}
			if _, err := s.Address(ctx, id); err != nil {
				t.Error(err)
			}
			p, err := s.Proposal(ctx, id)
			if err != nil || p.Status != clean(id) {
				t.Errorf("proposal %.20q: %.50q, %v", id, p.Status, err)
			}
			list, err := s.Timeline(ctx, id, TimelineQuery{EventQuery: EventQuery{Page: Page{Limit: 100}}})
			if err != nil || len(list) == 0 {
				t.Errorf("timeline of %.20q: %d, %v", id, len(list), err)
			}
		}
		events, err := s.Events(ctx, EventQuery{Page: Page{Limit: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if !json.Valid(e.Event) || !utf8.Valid(e.Event) {
				t.Errorf("event %d is no JSON: %.100q", e.Seq, e.Event)
			}
		}
		for _, ask := range []func() (any, error){
			func() (any, error) { return s.Stats(ctx) },
			func() (any, error) { return s.Validators(ctx, Page{Limit: 100}) },
			func() (any, error) { return s.Addresses(ctx, Page{Limit: 100}) },
			func() (any, error) { return s.Proposals(ctx, ProposalQuery{Page: Page{Limit: 100}}) },
			func() (any, error) { return s.Tips(ctx) },
		} {
			v, err := ask()
			if err == nil {
				_, err = json.Marshal(v)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
}
