package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A told is an event of a table.
type told struct{ typ, fields string }

// knows stores events, and holds what is then asked against the JSON in want, in which the
// times are left out.
func knows(t *testing.T, events []told, ask func(s *Store) (any, error), want string) {
	t.Helper()
	onBoth(t, func(t *testing.T, dsn string) {
		t.Helper()
		s := open(t, dsn)
		f := newFeed()
		for _, e := range events {
			f.tell(e.typ, e.fields)
		}
		f.store(t, s)
		v, err := ask(s)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := timeless(string(text)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// timeless puts the second of the story for a time.
func timeless(text string) string {
	for i := range 60 {
		text = strings.ReplaceAll(text, firstDay.Add(time.Duration(i)*time.Second).Format(time.RFC3339), fmt.Sprint(i))
	}
	return text
}

func TestMessageStates(t *testing.T) {
	added := told{"MessageAdded", `"message_id":"m","depth":18446744073709551615`}
	finalized := told{"MessageFinalized", `"message_id":"m","finality_type":"KCore"`}
	rejected := told{"MessageRejected", `"message_id":"m","reason":"bad","rejection_type":"ValidationFailed"`}
	deposit := func(what string) told {
		return told{"Deposit" + what, `"message_id":"m","validator_address":"v","amount":"0.10","reason":"late"`}
	}
	for _, test := range []struct {
		name   string
		events []told
		want   string
	}{
		{"added", []told{added}, `{"id":"m","seq":1,"state":"added","depth":18446744073709551615,"added":"1","tip":false,"updated":"1"}`},
		{"finalised", []told{added, finalized}, `{"id":"m","seq":1,"state":"finalized","depth":18446744073709551615,"added":"1","settled":"2","finality_type":"kcore","tip":false,"updated":"2"}`},
		{"added late", []told{finalized, added}, `{"id":"m","seq":1,"state":"finalized","depth":18446744073709551615,"added":"2","settled":"1","finality_type":"kcore","tip":false,"updated":"2"}`},
		{"rejected", []told{rejected}, `{"id":"m","seq":1,"state":"rejected","settled":"1","rejection_type":"validation_failed","reason":"bad","tip":false,"updated":"1"}`},
		{"rejected when it was final", []told{finalized, rejected}, `{"id":"m","seq":1,"state":"finalized","settled":"1","finality_type":"kcore","tip":false,"updated":"2"}`},
		{"deposit only", []told{deposit("Escrowed")}, `{"id":"m","seq":1,"state":"pending","deposit":{"state":"escrowed","amount":"0.10","validator":"v","updated":"1"},"tip":false,"updated":"1"}`},
		{"deposit slashed", []told{deposit("Escrowed"), deposit("Slashed")}, `{"id":"m","seq":1,"state":"pending","deposit":{"state":"slashed","amount":"0.10","validator":"v","reason":"late","updated":"2"},"tip":false,"updated":"2"}`},
		{"deposit escrowed late", []told{deposit("Released"), deposit("Escrowed")}, `{"id":"m","seq":1,"state":"pending","deposit":{"state":"released","amount":"0.10","validator":"v","updated":"1"},"tip":false,"updated":"2"}`},
		{"a tip", []told{added, {"TipsUpdated", `"tips":["m"],"count":1`}}, `{"id":"m","seq":1,"state":"added","depth":18446744073709551615,"added":"1","tip":true,"updated":"1"}`},
		{"a tip no more", []told{added, {"TipsUpdated", `"tips":["m"],"count":1`}, {"TipsUpdated", `"tips":[],"count":0`}}, `{"id":"m","seq":1,"state":"added","depth":18446744073709551615,"added":"1","tip":false,"updated":"1"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			knows(t, test.events, func(s *Store) (any, error) { return s.Message(context.Background(), "m") }, test.want)
		})
	}
}

func TestMessageLists(t *testing.T) {
	events := []told{
		{"MessageAdded", `"message_id":"a","depth":1`},
		{"DepositEscrowed", `"message_id":"b","validator_address":"v","amount":"1"`},
		{"MessageAdded", `"message_id":"b","depth":1`},
		{"MessageFinalized", `"message_id":"a","finality_type":"kcore"`},
		{"MessageAdded", `"message_id":"c","depth":1`},
		{"DepositReleased", `"message_id":"c","validator_address":"v","amount":"1"`},
		{"MessageFinalized", `"message_id":"c","finality_type":"kcore"`},
	}
	second := func(n int) time.Time { return firstDay.Add(time.Duration(n) * time.Second) }
	for _, test := range []struct {
		name string
		q    MessageQuery
		want string
	}{
		{"all", MessageQuery{}, `["c","b","a"]`},
		{"oldest first", MessageQuery{Page: Page{Oldest: true}}, `["a","b","c"]`},
		{"finalised", MessageQuery{State: "finalized"}, `["c","a"]`},
		{"a state that is none", MessageQuery{State: "lost"}, `null`},
		{"with a deposit", MessageQuery{Deposit: "released"}, `["c"]`},
		{"state and deposit", MessageQuery{State: "added", Deposit: "escrowed"}, `["b"]`},
		{"from", MessageQuery{Span: Span{From: second(3)}}, `["c","b"]`},
		{"to", MessageQuery{Span: Span{To: second(3)}}, `["a"]`},
		{"a span", MessageQuery{Span: Span{From: second(2), To: second(4)}}, `["b"]`},
		{"a span without any", MessageQuery{Span: Span{From: second(90000)}}, `null`},
		{"a span that ends before it begins", MessageQuery{Span: Span{From: second(4), To: second(2)}}, `null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.q.Limit = 10
			knows(t, events, func(s *Store) (any, error) {
				list, err := s.Messages(context.Background(), test.q)
				var ids []string
				for _, m := range list {
					ids = append(ids, m.ID)
				}
				return ids, err
			}, test.want)
		})
	}
}

func TestEventLists(t *testing.T) {
	events := []told{
		{"NodeStarted", `"node_id":"n","version":"1"`},
		{"MessageAdded", `"message_id":"a","depth":1`},
		{"Unheard", `"x":1`},
		{"MessageAdded", `"message_id":"b","depth":1`},
	}
	second := func(n int) time.Time { return firstDay.Add(time.Duration(n) * time.Second) }
	for _, test := range []struct {
		name string
		q    EventQuery
		want string
	}{
		{"all", EventQuery{Page: Page{Limit: 9}}, `[4,3,2,1]`},
		{"a page", EventQuery{Page: Page{Limit: 2, After: Key{Seq: 4}}}, `[3,2]`},
		{"the last page", EventQuery{Page: Page{Limit: 2, After: Key{Seq: 1}}}, `null`},
		{"oldest first", EventQuery{Page: Page{Limit: 2, After: Key{Seq: 1}, Oldest: true}}, `[2,3]`},
		{"by type", EventQuery{Page: Page{Limit: 9}, Types: []string{"MessageAdded"}}, `[4,2]`},
		{"by types", EventQuery{Page: Page{Limit: 2, Oldest: true}, Types: []string{"Unheard", "NodeStarted", "MessageAdded"}}, `[1,2]`},
		{"of a type that never was", EventQuery{Page: Page{Limit: 9}, Types: []string{"EnergyUpdated"}}, `null`},
		{"of types that say SQL", EventQuery{Page: Page{Limit: 9}, Types: []string{"') OR 1=1 --"}}, `null`},
		{"in a span", EventQuery{Page: Page{Limit: 9}, Span: Span{From: second(2), To: second(4)}}, `[3,2]`},
		{"in a span, by type", EventQuery{Page: Page{Limit: 9}, Span: Span{From: second(3)}, Types: []string{"MessageAdded"}}, `[4]`},
		{"in a span of long ago", EventQuery{Page: Page{Limit: 9}, Span: Span{To: time.Unix(0, 0)}}, `null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			knows(t, events, func(s *Store) (any, error) {
				list, err := s.Events(context.Background(), test.q)
				var seqs []int64
				for _, e := range list {
					seqs = append(seqs, e.Seq)
				}
				return seqs, err
			}, test.want)
		})
	}
}

func TestTips(t *testing.T) {
	knows(t, []told{
		{"TipsUpdated", `"tips":["c","a","c"],"count":2`},
		{"TipsUpdated", `"tips":["b","a"],"count":1000000000000`},
	}, func(s *Store) (any, error) { return s.Tips(context.Background()) },
		`{"count":1000000000000,"updated":"2","tips":[{"message_id":"b","since":"2"},{"message_id":"a","since":"1"}]}`)
}

// A tip is on its message's timeline when it becomes one, and not with every update.
func TestTimelineOfATip(t *testing.T) {
	knows(t, []told{
		{"TipsUpdated", `"tips":["a","b"],"count":2`},
		{"TipsUpdated", `"tips":["a"],"count":1`},
		{"TipsUpdated", `"tips":["a","b"],"count":2`},
	}, func(s *Store) (any, error) {
		a, err := s.Identifiers(context.Background(), "a")
		if err != nil {
			return nil, err
		}
		b, err := s.Identifiers(context.Background(), "b")
		return append(a, b...), err
	}, `[{"id":"a","kind":"message","events":1,"first":"1","last":"1"},{"id":"b","kind":"message","events":2,"first":"1","last":"3"}]`)
}

func TestAddress(t *testing.T) {
	events := []told{
		{"BalanceChanged", `"address":"a","balance_before":"1","balance_after":"100000000000000000000.10","change_amount":"7","change_type":"TransferIn"`},
		{"TransferRecorded", `"from_address":"a","to_address":"b","amount":"1","reason":"r"`},
		{"ReputationChanged", `"validator_address":"a","old_reputation":1,"new_reputation":2.5,"reason":"good"`},
		{"DepositSlashed", `"message_id":"m","validator_address":"v","amount":"1","reason":"r"`},
		{"EscrowLocked", `"lock_id":"l","owner":"o","amount_adic":1`},
	}
	for _, test := range []struct{ address, want string }{
		{"a", `{"address":"a","balance":"100000000000000000000.10","changes":1,"last_amount":"7","last_change":"transfer_in","sent":1,"received":0,"updated":"2",` +
			`"validator":{"address":"a","reputation":2.5,"changes":1,"reason":"good","escrowed":0,"released":0,"slashed":0,"updated":"3"}}`},
		{"b", `{"address":"b","changes":0,"sent":0,"received":1,"updated":"2"}`},
		{"v", `{"address":"v","changes":0,"sent":0,"received":0,"validator":{"address":"v","changes":0,"escrowed":0,"released":0,"slashed":1,"updated":"4"}}`},
		{"o", `{"address":"o","changes":0,"sent":0,"received":0}`},
		{"m", `"address \"m\": not found"`},
		{"", `"address \"\": not found"`},
	} {
		t.Run(test.address, func(t *testing.T) {
			knows(t, events, func(s *Store) (any, error) {
				a, err := s.Address(context.Background(), test.address)
				if err != nil {
					return err.Error(), nil
				}
				return a, nil
			}, test.want)
		})
	}
}

// Balances are told as they came, and in the order of what they are worth; those that are
// no number come last.
func TestOrderOfAddresses(t *testing.T) {
	var events []told
	for i, balance := range []string{"9", "10", "1e3", "-1", "0x10", "", "NaN", "10", "99999999999999999999999"} {
		events = append(events, told{"BalanceChanged", fmt.Sprintf(`"address":"a%d","balance_after":%q`, i, balance)})
	}
	knows(t, events, func(s *Store) (any, error) {
		return func() (list []string) {
			for _, a := range pages(t, 1, func(p Page) ([]Address, error) { return s.Addresses(context.Background(), p) }, func(a *Address) Key { return a.Key() }) {
				list = append(list, a.Address+"="+a.Balance)
			}
			return list
		}(), nil
	}, `["a8=99999999999999999999999","a2=1e3","a1=10","a7=10","a0=9","a3=-1","a4=0x10","a5=","a6=NaN"]`)
}

func TestProposal(t *testing.T) {
	events := []told{
		{"VoteCast", `"proposal_id":"p","voter":"v","vote_credits":1.5,"ballot":"yes"`},
		{"ProposalSubmitted", `"proposal_id":"p","proposer":"a","proposal_class":"treasury","param_keys":["k"],"enact_epoch":12`},
		{"ProposalStatusChanged", `"proposal_id":"p","old_status":"submitted","new_status":"voting"`},
		{"VoteCast", `"proposal_id":"p","voter":"w","vote_credits":2,"ballot":"yes"`},
		{"VoteCast", `"proposal_id":"p","voter":"x","vote_credits":1,"ballot":"no"`},
		{"ProposalTallied", `"proposal_id":"p","tally_yes":3.5,"tally_no":1,"tally_abstain":0,"total_eligible_credits":9,"participation_rate":0.5,"quorum_met":true,"threshold_met":false`},
		{"GovernanceReceiptEmitted", `"proposal_id":"p","result":"rejected"`},
		{"ProposalEnacted", `"proposal_id":"p","enact_epoch":13,"param_changes":["k=2"]`},
	}
	want := `{"id":"p","seq":1,"proposer":"a","class":"treasury","parameters":["k"],"enact_epoch":13,"status":"voting",` +
		`"votes":[{"ballot":"yes","votes":2,"credits":3.5},{"ballot":"no","votes":1,"credits":1}],` +
		`"tally":{"yes":3.5,"no":1,"abstain":0,"eligible":9,"participation":0.5,"quorum_met":true,"threshold_met":false,"time":"6"},` +
		`"result":"rejected","changed":["k=2"],"submitted":"2","updated":"8"}`
	knows(t, events, func(s *Store) (any, error) { return s.Proposal(context.Background(), "p") }, want)
	knows(t, events, func(s *Store) (any, error) {
		return s.Proposals(context.Background(), ProposalQuery{Page: Page{Limit: 5}, Status: "voting"})
	}, "["+want+"]")
	knows(t, events, func(s *Store) (any, error) {
		return s.Proposals(context.Background(), ProposalQuery{Page: Page{Limit: 5}, Status: "passed"})
	}, "null")
}

func TestSeries(t *testing.T) {
	ctx := context.Background()
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		f := newFeed()
		for i := range 30 { // 12:00:01 to 12:00:30
			f.tell("EnergyUpdated", fmt.Sprintf(`"total_energy":%d,"active_conflicts":%d`, i, 100-i))
		}
		f.tellAt(f.clock.AddDate(5000, 0, 0), "EnergyUpdated", `"total_energy":1000`) // counts when it came
		f.tellAt(time.Unix(-5, 0), "EnergyUpdated", `"total_energy":-2`)              // before 1970
		f.tell("EconomicsUpdated", `"total_supply":"1000000.5","circulating_supply":"x","treasury_balance":1e400`)
		f.store(t, s)
		ask := func(q SeriesQuery, want string) {
			t.Helper()
			points, err := s.Series(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(points)
			if err != nil {
				t.Fatal(err)
			}
			if got := timeless(string(text)); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", q.Metric, got, want)
			}
		}
		span := Span{From: firstDay.Add(time.Second), To: firstDay.Add(time.Hour)}
		ask(SeriesQuery{Metric: "energy.total", Step: 10 * time.Second, Span: span},
			`[{"time":"10","count":10,"sum":135,"min":9,"max":18,"last":18},{"time":"20","count":10,"sum":235,"min":19,"max":28,"last":28},{"time":"30","count":2,"sum":1029,"min":29,"max":1000,"last":1000}]`)
		ask(SeriesQuery{Metric: "energy.active_conflicts", Step: 20 * time.Second, Span: span},
			`[{"time":"20","count":11,"sum":836,"min":71,"max":81,"last":71}]`)
		ask(SeriesQuery{Metric: "energy.total", Step: 10 * time.Minute, Span: Span{From: firstDay}},
			`[{"time":"0","count":31,"sum":1435,"min":0,"max":1000,"last":1000}]`)
		ask(SeriesQuery{Metric: "energy.total", Step: time.Hour, Span: Span{To: firstDay}},
			`[{"time":"1969-12-31T23:00:00Z","count":1,"sum":-2,"min":-2,"max":-2,"last":-2}]`)
		ask(SeriesQuery{Metric: "events.medium", Step: 20 * time.Second, Span: Span{From: firstDay}},
			`[{"time":"0","count":19,"sum":19,"min":0,"max":0,"last":0},{"time":"20","count":12,"sum":12,"min":0,"max":0,"last":0}]`)
		ask(SeriesQuery{Metric: "economics.total", Step: 10 * time.Minute}, `[{"time":"0","count":1,"sum":1000000.5,"min":1000000.5,"max":1000000.5,"last":1000000.5}]`)
		ask(SeriesQuery{Metric: "economics.treasury", Step: 10 * time.Minute}, `null`)
		for _, q := range []SeriesQuery{{Metric: "energy", Step: time.Minute}, {Metric: "tips", Step: 15 * time.Second}, {Metric: "tips"}} {
			if _, err := s.Series(ctx, q); err == nil {
				t.Errorf("%+v was answered", q)
			}
		}
	})
}

func TestMetricsAreOfTheCatalogue(t *testing.T) {
	for _, m := range Metrics() {
		if m.Kind == MetricGauge {
			f := fieldOf(m.typ, m.field)
			if f == "" {
				t.Errorf("%s is of %s.%s, which there is not", m.Name, m.typ, m.field)
			}
		}
		if _, ok := LookupMetric(m.Name); !ok || m.Description == "" {
			t.Errorf("%s cannot be looked up, or has no description", m.Name)
		}
	}
}
