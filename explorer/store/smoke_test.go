package store

import (
	"context"
	"encoding/json"
	"testing"
)

const roleVariable = "STORE_TEST_ROLE"

func play(string) int { return 1 }

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		entries, to := demoEntries(t, 1, 3000)
		if err := s.Append(ctx, Position{}, entries, to); err != nil {
			t.Fatal(err)
		}
		show := func(v any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(v)
			t.Logf("%.1500s", b)
		}
		page := Page{Limit: 2}
		show(s.Position(ctx))
		show(s.Stats(ctx))
		show(s.Events(ctx, EventQuery{Page: page, Types: []string{"MessageAdded", "VoteCast"}}))
		m, err := s.Messages(ctx, MessageQuery{Page: page, State: "finalized"})
		show(m, err)
		show(s.Messages(ctx, MessageQuery{Page: page, Span: Span{From: firstDay}, Deposit: "slashed"}))
		show(s.Timeline(ctx, m[0].ID, TimelineQuery{EventQuery: EventQuery{Page: page}}))
		show(s.Identifiers(ctx, m[0].ID))
		show(s.Message(ctx, m[0].ID))
		show(s.Tips(ctx))
		a, err := s.Addresses(ctx, page)
		show(a, err)
		show(s.Addresses(ctx, Page{Limit: 1, After: a[0].Key()}))
		show(s.Address(ctx, a[0].Address))
		show(s.Validators(ctx, page))
		p, err := s.Proposals(ctx, ProposalQuery{Page: page})
		show(p, err)
		show(s.Proposal(ctx, p[0].ID))
		show(s.Search(ctx, "adic1", 3))
		show(s.Series(ctx, SeriesQuery{Metric: "tips", Step: 30e9}))
		show(s.Recent(ctx, [3]int{1, 1, 1}))
		show(s.Prune(ctx, firstDay.Add(30e9)))
		show(s.Stats(ctx))
	})
}
