package store

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		f := newFeed()
		f.clock = time.Now().AddDate(0, 0, -30).UTC().Truncate(time.Second)
		for i := range 700 { // more than one transaction takes
			f.tell("MessageAdded", fmt.Sprintf(`"message_id":"old%d","depth":1`, i))
			f.tell("MessageFinalized", fmt.Sprintf(`"message_id":"old%d","finality_type":"kcore"`, i))
		}
		f.tell("MessageAdded", `"message_id":"open","depth":1`)
		f.tell("MessageAdded", `"message_id":"late","depth":1`)
		f.tell("BalanceChanged", `"address":"a","balance_after":"5","change_amount":"5","change_type":"credit"`)
		f.tell("ReputationChanged", `"validator_address":"v","old_reputation":1,"new_reputation":2,"reason":"r"`)
		f.tell("ProposalSubmitted", `"proposal_id":"p","proposer":"a","proposal_class":"c","param_keys":["k"],"enact_epoch":1`)
		f.tell("PeerConnected", `"peer_id":"peer","address":"x"`)
		old := int64(len(f.entries))
		before := f.clock.Add(time.Hour)
		f.clock = time.Now().AddDate(0, 0, -5).UTC().Truncate(time.Second)
		f.tell("MessageFinalized", `"message_id":"late","finality_type":"kcore"`)
		f.tell("MessageAdded", `"message_id":"new","depth":1`)
		f.tell("TipsUpdated", `"tips":["new"],"count":1`)
		f.store(t, s)

		removed, err := s.Prune(ctx, before)
		if err != nil || removed != old {
			t.Fatalf("removed %d, %v, want %d", removed, err, old)
		}
		events, err := s.Events(ctx, EventQuery{Page: Page{Limit: 100}})
		if err != nil || len(events) != 3 || events[2].Seq != old+1 {
			t.Errorf("%d events are left, %v", len(events), err)
		}
		for id, there := range map[string]bool{"old0": false, "old699": false, "open": true, "late": true, "new": true} {
			if _, err := s.Message(ctx, id); (err == nil) != there {
				t.Errorf("message %s: %v", id, err)
			}
		}
		if a, err := s.Address(ctx, "a"); err != nil || a.Balance != "5" {
			t.Errorf("address: %v, %v", a, err)
		}
		if a, err := s.Address(ctx, "v"); err != nil || a.Validator == nil {
			t.Errorf("validator: %v, %v", a, err)
		}
		if _, err := s.Proposal(ctx, "p"); err != nil {
			t.Error(err)
		}
		for id, events := range map[string]int64{"old0": -1, "peer": -1, "k": -1, "open": -1, "a": 0, "v": 0, "p": 0, "late": 1, "new": 2} {
			list, err := s.Identifiers(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if events < 0 {
				if len(list) != 0 {
					t.Errorf("%s is still an identifier: %v", id, list)
				}
			} else if len(list) != 1 || list[0].Events != events {
				t.Errorf("identifier %s: %v, want %d events", id, list, events)
			}
		}
		stats, err := s.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if stats.Events != old+3 || stats.Stored != 3 || stats.Messages["finalized"] != 1 || stats.Messages["added"] != 2 || !stats.Oldest.Equal(events[2].Time) {
			t.Errorf("totals: %+v", stats)
		}
		// The coarse series begin with the events, the fine ones two days ago.
		for _, test := range []struct {
			step   time.Duration
			points int
		}{{10 * time.Minute, 1}, {10 * time.Second, 0}} {
			points, err := s.Series(ctx, SeriesQuery{Metric: "events", Step: test.step})
			if err != nil || len(points) != test.points {
				t.Errorf("%d points of %v, %v, want %d", len(points), test.step, err, test.points)
			}
		}
		spans, err := column[int64](ctx, s.read, "SELECT COUNT(*) FROM spans WHERE last_seq < (SELECT MIN(seq) FROM messages)")
		if err != nil || spans[0] != 0 {
			t.Errorf("%v spans of what is gone, %v", spans, err)
		}

		// It goes on as before, with numbers that were never given out.
		f.tell("MessageAdded", `"message_id":"old0","depth":1`)
		f.store(t, s)
		if m, err := s.Message(ctx, "old0"); err != nil || m.Seq != old+4 {
			t.Errorf("message: %+v, %v", m, err)
		}
		if removed, err := s.Prune(ctx, time.Now().Add(time.Hour)); err != nil || removed != 4 {
			t.Errorf("removed %d, %v, want all 4", removed, err)
		}
		f.tell("MessageAdded", `"message_id":"z","depth":1`)
		f.store(t, s)
		if e, err := s.Event(ctx, old+5); err != nil || e.Type != "MessageAdded" {
			t.Errorf("event: %+v, %v", e, err)
		}
	})
}

// Pruning does not keep others from writing, and they do not keep it from going on.
func TestPruneWhileWriting(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		pruned := make(chan error)
		stop := make(chan struct{})
		var removed int64
		go func() {
			for {
				n, err := s.Prune(ctx, firstDay.Add(24*time.Hour))
				removed += n
				select {
				case <-stop:
					pruned <- err
					return
				default:
					if err != nil {
						pruned <- err
						return
					}
				}
			}
		}()
		var from Position
		for i := range 10 {
			entries, to := story(uint64(i*50), 50)
			if err := s.Append(ctx, from, entries, to); err != nil {
				t.Error(err)
				break
			}
			from = to
		}
		close(stop)
		if err := <-pruned; err != nil {
			t.Error(err)
		}
		stats, err := s.Stats(ctx)
		if err != nil || stats.Events != 500 || stats.Stored != 500-removed {
			t.Errorf("%d events, %d stored, %d removed, %v", stats.Events, stats.Stored, removed, err)
		}
	})
}
