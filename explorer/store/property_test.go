package store

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// names are identifiers that clash, and some that mean something in SQL.
var names = []string{"a", "b", "A", "a%", "a_", "' OR 1=1 --", `"; DROP TABLE events`, "ü", "日本", "a\\", ""}

// drawEvent tells a random event to f.
func drawEvent(t *rapid.T, f *feed) {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	id := func(label string) string {
		quoted, err := json.Marshal(rapid.SampledFrom(names[:len(names)-1]).Draw(t, label))
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	number := func(label string) float64 { return float64(rapid.IntRange(0, 1000).Draw(t, label)) / 10 }
	f.clock = f.clock.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Millisecond)
	at := f.clock
	switch rapid.IntRange(0, 9).Draw(t, "time") {
	case 0:
		at = at.Add(-time.Duration(rapid.IntRange(0, 1e6).Draw(t, "late")) * time.Second)
	case 1:
		at = at.AddDate(rapid.IntRange(0, 5000).Draw(t, "years ahead"), 0, 0)
	}
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		f.tellAt(at, "MessageAdded", fmt.Sprintf(`"message_id":%s,"depth":%d`, id("message"), rapid.IntRange(0, 99).Draw(t, "depth")))
	case 1:
		f.tellAt(at, "MessageFinalized", fmt.Sprintf(`"message_id":%s,"finality_type":%q`, id("message"), pick("finality", "kcore", "homology")))
	case 2:
		f.tellAt(at, "MessageRejected", fmt.Sprintf(`"message_id":%s,"reason":%s,"rejection_type":"validation_failed"`, id("message"), id("reason")))
	case 3:
		typ := pick("deposit", "DepositEscrowed", "DepositReleased", "DepositSlashed")
		f.tellAt(at, typ, fmt.Sprintf(`"message_id":%s,"validator_address":%s,"amount":"%v","reason":%s`, id("message"), id("validator"), number("amount"), id("reason")))
	case 4:
		f.tellAt(at, "ReputationChanged", fmt.Sprintf(`"validator_address":%s,"old_reputation":1,"new_reputation":%v,"reason":"r"`, id("validator"), number("reputation")))
	case 5:
		f.tellAt(at, "BalanceChanged", fmt.Sprintf(`"address":%s,"balance_before":"1","balance_after":"%v","change_amount":"2","change_type":%q`, id("address"), number("balance"), pick("change", "credit", "transfer_in")))
	case 6:
		f.tellAt(at, "TransferRecorded", fmt.Sprintf(`"from_address":%s,"to_address":%s,"amount":"5","reason":"r"`, id("from"), id("to")))
	case 7:
		proposal := id("proposal")
		switch rapid.IntRange(0, 2).Draw(t, "governance") {
		case 0:
			f.tellAt(at, "ProposalSubmitted", fmt.Sprintf(`"proposal_id":%s,"proposer":%s,"proposal_class":"c"`, proposal, id("proposer")))
		case 1:
			f.tellAt(at, "VoteCast", fmt.Sprintf(`"proposal_id":%s,"voter":%s,"vote_credits":%v,"ballot":%q`, proposal, id("voter"), number("credits"), pick("ballot", "yes", "no")))
		case 2:
			f.tellAt(at, "ProposalStatusChanged", fmt.Sprintf(`"proposal_id":%s,"old_status":"o","new_status":%q`, proposal, pick("status", "voting", "passed")))
		}
	case 8:
		tips := rapid.SliceOfNDistinct(rapid.SampledFrom(names[:len(names)-1]), 0, 4, rapid.ID).Draw(t, "tips")
		list, err := json.Marshal(tips)
		if err != nil {
			t.Fatal(err)
		}
		f.tellAt(at, "TipsUpdated", fmt.Sprintf(`"tips":%s,"count":%d`, list, len(tips)))
	case 9:
		f.tellAt(at, "EnergyUpdated", fmt.Sprintf(`"total_energy":%v,"active_conflicts":%d`, number("energy"), rapid.IntRange(0, 9).Draw(t, "conflicts")))
	}
}

// Whatever comes, in whatever batches, however often a batch is sent again, and wherever
// the program ends and begins anew: what is known is what the events say.
func TestSameWhateverTheBatches(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		// Making a database takes long: one is emptied for each try.
		s := open(t, dsn)
		rapid.Check(t, func(t *rapid.T) {
			empty(t, s)
			f, m := newFeed(), newModel()
			for range rapid.IntRange(0, 40).Draw(t, "events") {
				if rapid.IntRange(0, 30).Draw(t, "gap") == 0 {
					f.entries = append(f.entries, Entry{Lost: &event.Dropped{Counts: [event.NumPriorities]uint64{0, 3, 1}}})
				}
				drawEvent(t, f)
			}
			entries, _ := f.take()
			for _, e := range entries {
				m.add(e)
			}
			for stored := 0; stored < len(entries); {
				size := rapid.IntRange(1, len(entries)-stored).Draw(t, "batch")
				from, err := s.Position(ctx)
				if err != nil {
					t.Fatal(err)
				}
				// A batch may begin with what is known already, as after a crash.
				begin := stored - rapid.IntRange(0, stored).Draw(t, "again")
				batch := append(withoutLosses(entries[begin:stored]), entries[stored:stored+size]...)
				to := from
				for _, e := range batch {
					if e.Lost == nil {
						to.At.Epoch, to.Cursor = 7, e.ID
						to.At.Pos[e.Class] = max(to.At.Pos[e.Class], e.Position)
					}
				}
				if err := s.Append(ctx, from, batch, to); err != nil {
					t.Fatal(err)
				}
				stored += size
			}
			m.check(t, s, rapid.IntRange(5, 50).Draw(t, "page"))
		})
	})
}

// withoutLosses leaves out losses: a node tells of them once.
func withoutLosses(entries []Entry) []Entry {
	var events []Entry
	for _, e := range entries {
		if e.Lost == nil {
			events = append(events, e)
		}
	}
	return events
}

// empty makes the database what it is at first.
func empty(t rapid.TB, s *Store) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.transact(context.Background(), func(w *writer) error {
		for _, table := range []string{"events", "types", "spans", "identifiers", "timeline", "messages", "tips", "accounts", "validators", "proposals", "series", "latest", "totals", "position"} {
			if _, err := w.conn.ExecContext(context.Background(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		_, err := w.conn.ExecContext(context.Background(), "INSERT INTO position VALUES (1, '', 0, 0, 0, 0, FALSE, 0, 0)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.names.names = nil
}
