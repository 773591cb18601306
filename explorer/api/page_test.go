package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/adic-network/router/explorer/store"
)

// walk goes through the pages of a list, with what happens between them, and returns how
// often it met each row.
func (f *front) walk(t *testing.T, target, key string, between func(page int)) map[string]int {
	t.Helper()
	met := make(map[string]int)
	for n, cursor := 0, ""; ; n++ {
		var list page[map[string]any]
		f.into(t, target+cursor, &list)
		for _, item := range list.Items {
			met[fmt.Sprint(item[key])]++
		}
		if list.Next == nil {
			return met
		}
		if len(list.Items) == 0 || n > 1000 {
			t.Fatalf("%s does not end", target)
		}
		cursor = "&cursor=" + *list.Next
		between(n)
	}
}

// However large the pages are, every row is on one of them, while new rows come: in
// order of age all of those too, and else none.
func TestPagesAreStable(t *testing.T) {
	const rows = 23
	for _, limit := range []int{1, 2, 7, 22, 23, 24, 1000} {
		for name, list := range map[string]struct {
			target, key string
			row         func(i int) string
		}{
			"messages": {"messages?", "id", func(i int) string { return message(fmt.Sprint("m", i)) }},
			"events":   {"events?types=MessageAdded&", "seq", func(i int) string { return message(fmt.Sprint("m", i)) }},
			"timeline": {"timeline/v1?types=DepositEscrowed&", "seq", func(i int) string {
				return fmt.Sprintf(`{"type":"DepositEscrowed","message_id":"m%d","validator_address":"v1","amount":"1"}`, i)
			}},
		} {
			for _, order := range []string{"newest", "oldest"} {
				t.Run(fmt.Sprint(name, " by ", limit, " ", order), func(t *testing.T) {
					f := newFront(t)
					for i := range rows {
						f.add(t, list.row(i))
					}
					added := 0
					met := f.walk(t, fmt.Sprintf("/api/v1/%sorder=%s&limit=%d", list.target, order, limit), list.key, func(int) {
						if added < 10 {
							f.add(t, list.row(rows+added))
							added++
						}
					})
					want := rows
					if order == "oldest" {
						want += added
					}
					if len(met) != want {
						t.Errorf("met %d rows, want %d", len(met), want)
					}
					for row, n := range met {
						if n != 1 {
							t.Errorf("met %s %d times", row, n)
						}
					}
				})
			}
		}
	}
}

// Rows of the same value are told apart, and those without one come last.
func TestPagesByValue(t *testing.T) {
	f := newFront(t)
	var want int
	for i, amount := range strings.Fields("5 5 5 0 0 123456789012345678901234567890.5 123456789012345678901234567890.25 1e-9 0.1") {
		f.add(t, balance(fmt.Sprintf("a%d/ü", i), amount))
		want++
	}
	for i := range 5 {
		f.add(t, fmt.Sprintf(`{"type":"TransferRecorded","from_address":"b%d","to_address":"c%d","amount":"1","reason":"gift","tx_hash":null}
			{"type":"ReputationChanged","validator_address":"v%d","old_reputation":0.5,"new_reputation":%v,"reason":"timely"}
			{"type":"DepositEscrowed","message_id":"m","validator_address":"w%d","amount":"1"}`, i, i, i, float64(i/2)/3, i))
		want += 2
	}
	for limit := range 4 {
		met := f.walk(t, fmt.Sprintf("/api/v1/addresses?limit=%d", limit+1), "address", func(int) {})
		if len(met) != want {
			t.Errorf("met %d addresses by %d, want %d", len(met), limit+1, want)
		}
		if met := f.walk(t, fmt.Sprintf("/api/v1/validators?limit=%d", limit+1), "address", func(int) {}); len(met) != 10 {
			t.Errorf("met %d validators by %d, want 10", len(met), limit+1)
		}
	}
	var list page[store.Address]
	f.into(t, "/api/v1/addresses", &list)
	if first, last := list.Items[0], list.Items[len(list.Items)-1]; first.Balance != "123456789012345678901234567890.5" && first.Balance != "123456789012345678901234567890.25" || last.Balance != "" {
		t.Errorf("the list goes from %q to %q", first.Balance, last.Balance)
	}
}

// Identifiers may hold whatever UTF-8 can, and be found by it.
func TestIdentifiersOfAllKinds(t *testing.T) {
	f := newFront(t)
	for _, id := range []string{"a/b", "a%2Fb", "..", ".", "a b", "a+b", "ü", "日本", "\U0001F600", "?x=1#y", `"<script>'`, "%", "\x01", "a\x00b",
		" ", "series", "{id}", "\\", strings.Repeat("/", 100), strings.Repeat("é", 2000)} {
		quoted, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		f.add(t, fmt.Sprintf(`{"type":"MessageAdded","message_id":%s,"depth":1}`, quoted))
		var m store.Message
		f.into(t, "/api/v1/messages/"+escape(id), &m)
		if m.State != "added" || len(id) < 1024 && !strings.Contains(id, "\x00") && m.ID != id {
			t.Errorf("%.40q was found as %.40q", id, m.ID)
		}
		var story timelinePage
		f.into(t, "/api/v1/timeline/"+escape(id), &story)
		if story.ID != id || len(story.Items) != 1 {
			t.Errorf("the timeline of %.40q is that of %.40q, with %d events", id, story.ID, len(story.Items))
		}
	}
}

// Markup is sent as it is: nobody takes JSON for a page.
func TestMarkupIsNotEscaped(t *testing.T) {
	f := newFront(t)
	f.add(t, message("<b>&amp;"))
	if a := f.get(t, "/api/v1/messages"); !strings.Contains(a.body, `"id":"<b>&amp;"`) {
		t.Errorf("the answer is %s", a.body)
	}
}

// escape writes an identifier into a path, every byte of it.
func escape(id string) string {
	var b strings.Builder
	for _, c := range []byte(id) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
