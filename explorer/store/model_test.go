package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// A model is what a store should know, found out in the simplest way: all events are kept,
// and each is applied by itself.
type model struct {
	events     []Entry
	messages   map[string]*Message
	tips       Tips
	accounts   map[string]*Address
	validators map[string]*Validator
	proposals  map[string]*Proposal
	timelines  map[Identifier][]int64 // ID and Kind only
	last       map[string]float64
	gaps       int64
	lost       event.Dropped
}

func newModel() *model {
	return &model{
		tips: Tips{Tips: []Tip{}}, messages: map[string]*Message{}, accounts: map[string]*Address{}, validators: map[string]*Validator{},
		proposals: map[string]*Proposal{}, timelines: map[Identifier][]int64{}, last: map[string]float64{},
	}
}

// modelled are the fields that the model knows of, by the kind of identifier.
var modelled = map[string]string{
	"message_id": "message", "validator_address": "validator", "address": "address", "from_address": "address",
	"to_address": "address", "proposal_id": "proposal", "proposer": "address", "voter": "address",
}

// made returns the element of a map, which it makes first if it is not there.
func made[T any](all map[string]*T, id string) *T {
	if all[id] == nil {
		all[id] = new(T)
	}
	return all[id]
}

func (m *model) add(e Entry) {
	if e.Lost != nil {
		m.gaps++
		m.lost.Add(*e.Lost)
		return
	}
	m.events = append(m.events, e)
	seq := int64(len(m.events))
	var f map[string]any
	if err := json.Unmarshal(e.Data, &f); err != nil {
		panic(err)
	}
	text := func(name string) string { s, _ := f[name].(string); return s }
	number := func(name string) float64 { v, _ := f[name].(float64); return v }
	at := e.Time.UTC()

	seen := map[Identifier]bool{}
	mention := func(kind, id string) {
		if key := (Identifier{ID: id, Kind: kind}); id != "" && !seen[key] {
			seen[key] = true
			m.timelines[key] = append(m.timelines[key], seq)
		}
	}
	for field, kind := range modelled {
		mention(kind, text(field))
	}

	message := func() *Message {
		msg := made(m.messages, text("message_id"))
		if msg.ID == "" {
			*msg = Message{ID: text("message_id"), Seq: seq, State: "pending"}
		}
		msg.Updated = at
		return msg
	}
	settle := func(state string) bool {
		msg := message()
		if msg.State == "finalized" || msg.State == "rejected" {
			return false
		}
		msg.State, msg.Settled = state, &at
		return true
	}
	deposit := func(state string) {
		msg := message()
		if msg.Deposit == nil || state != "escrowed" && msg.Deposit.State == "escrowed" {
			msg.Deposit = &Deposit{State: state, Amount: text("amount"), Validator: text("validator_address"), Updated: at}
			if state == "slashed" {
				msg.Deposit.Reason = text("reason")
			}
		}
	}
	validator := func() *Validator {
		v := made(m.validators, text("validator_address"))
		v.Address, v.Updated = text("validator_address"), &at
		return v
	}
	account := func(field string) *Address {
		a := made(m.accounts, text(field))
		a.Address, a.Updated = text(field), &at
		return a
	}
	proposal := func() *Proposal {
		p := made(m.proposals, text("proposal_id"))
		if p.ID == "" {
			*p = Proposal{ID: text("proposal_id"), Seq: seq, Status: "submitted"}
		}
		p.Updated = at
		return p
	}

	switch e.Type {
	case "MessageAdded":
		msg := message()
		depth := json.Number(strconv.FormatFloat(number("depth"), 'f', -1, 64))
		msg.Depth = &depth
		if msg.Added == nil {
			msg.Added = &at
		}
		if msg.State == "pending" {
			msg.State = "added"
		}
	case "MessageFinalized":
		if settle("finalized") {
			message().FinalityType = text("finality_type")
		}
	case "MessageRejected":
		if settle("rejected") {
			message().Reason, message().RejectionType = text("reason"), text("rejection_type")
		}
	case "DepositEscrowed":
		deposit("escrowed")
		validator().Escrowed++
	case "DepositReleased":
		deposit("released")
		validator().Released++
	case "DepositSlashed":
		deposit("slashed")
		validator().Slashed++
	case "ReputationChanged":
		v := validator()
		r := number("new_reputation")
		v.Reputation, v.Reason = &r, text("reason")
		v.Changes++
	case "BalanceChanged":
		a := account("address")
		a.Balance, a.LastAmount, a.LastChange = text("balance_after"), text("change_amount"), text("change_type")
		a.Changes++
	case "TransferRecorded":
		account("from_address").Sent++
		account("to_address").Received++
	case "ProposalSubmitted":
		p := proposal()
		p.Proposer, p.Class, p.Submitted = text("proposer"), text("proposal_class"), &at
	case "VoteCast":
		p := proposal()
		i := slices.IndexFunc(p.Votes, func(b Ballot) bool { return b.Ballot == text("ballot") })
		if i < 0 {
			i = len(p.Votes)
			p.Votes = append(p.Votes, Ballot{Ballot: text("ballot")})
		}
		p.Votes[i].Votes++
		p.Votes[i].Credits += number("vote_credits")
	case "ProposalStatusChanged":
		proposal().Status = text("new_status")
	case "TipsUpdated":
		before := m.tips.Tips
		m.tips = Tips{Count: int64(number("count")), Updated: at, Tips: []Tip{}}
		for _, tip := range f["tips"].([]any) {
			since := at
			i := slices.IndexFunc(before, func(t Tip) bool { return t.MessageID == tip })
			if i >= 0 {
				since = before[i].Since
			} else {
				mention("message", tip.(string))
			}
			m.tips.Tips = append(m.tips.Tips, Tip{MessageID: tip.(string), Since: since})
		}
		m.last["tips"] = number("count")
	case "EnergyUpdated":
		m.last["energy.total"] = number("total_energy")
		m.last["energy.active_conflicts"] = number("active_conflicts")
	}
}

// series returns the points of the two metrics that stand for the others.
func (m *model) series(metric string, step time.Duration) []Point {
	points := map[time.Time]*Point{}
	for _, e := range m.events {
		at := e.Time
		if at.After(e.Received.Add(5 * time.Minute)) {
			at = e.Received
		}
		p := points[at.Truncate(step).UTC()]
		if p == nil {
			p = &Point{Time: at.Truncate(step).UTC(), Min: math.Inf(1), Max: math.Inf(-1)}
		}
		switch {
		case metric == "messages" && e.Type == "MessageAdded":
			p.Count, p.Sum, p.Min, p.Max = p.Count+1, p.Sum+1, 0, 0
		case metric == "energy.total" && e.Type == "EnergyUpdated":
			var f struct {
				Energy float64 `json:"total_energy"`
			}
			if err := json.Unmarshal(e.Data, &f); err != nil {
				panic(err)
			}
			p.Count, p.Sum, p.Min, p.Max, p.Last = p.Count+1, p.Sum+f.Energy, min(p.Min, f.Energy), max(p.Max, f.Energy), f.Energy
		default:
			continue
		}
		points[p.Time] = p
	}
	var list []Point
	for _, p := range points {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Point) int { return a.Time.Compare(b.Time) })
	return list
}

// check compares everything that can be asked of s with the model. Lists are read in pages
// of limit.
func (m *model) check(t rapid.TB, s *Store, limit int) {
	t.Helper()
	ctx := context.Background()
	all := pages(t, limit, func(p Page) ([]Event, error) { return s.Events(ctx, EventQuery{Page: p}) }, func(e *Event) Key { return e.Key() })
	var want []Event
	for i, e := range slices.Backward(m.events) {
		want = append(want, Event{Seq: int64(i + 1), ID: e.ID, Type: e.Type, Priority: e.Class.String(), Time: e.Time.UTC(), Received: e.Received.UTC(), Event: e.Data})
	}
	equal(t, "events", all, want)

	tip := map[string]bool{}
	for _, x := range m.tips.Tips {
		tip[x.MessageID] = true
	}
	var messages []Message
	states := map[string]int64{"pending": 0, "added": 0, "finalized": 0, "rejected": 0}
	for _, msg := range m.messages {
		states[msg.State]++
		c := *msg
		c.Tip = tip[c.ID]
		messages = append(messages, c)
	}
	slices.SortFunc(messages, func(a, b Message) int { return cmp.Compare(b.Seq, a.Seq) })
	equal(t, "messages", pages(t, limit, func(p Page) ([]Message, error) { return s.Messages(ctx, MessageQuery{Page: p}) }, func(m *Message) Key { return m.Key() }), messages)

	tips, err := s.Tips(ctx)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "tips", tips, m.tips)

	validators := slices.Collect(maps.Values(m.validators))
	slices.SortFunc(validators, func(a, b *Validator) int {
		return cmp.Or(cmp.Compare(b.Key().Value, a.Key().Value), cmp.Compare(a.Address, b.Address))
	})
	equal(t, "validators", pages(t, limit, func(p Page) ([]Validator, error) { return s.Validators(ctx, p) }, func(v *Validator) Key { return v.Key() }), validators)

	addresses := slices.Collect(maps.Values(m.accounts))
	slices.SortFunc(addresses, func(a, b *Address) int {
		return cmp.Or(cmp.Compare(b.Key().Value, a.Key().Value), cmp.Compare(a.Address, b.Address))
	})
	equal(t, "addresses", pages(t, limit, func(p Page) ([]Address, error) { return s.Addresses(ctx, p) }, func(a *Address) Key { return a.Key() }), addresses)

	proposals := slices.Collect(maps.Values(m.proposals))
	slices.SortFunc(proposals, func(a, b *Proposal) int { return cmp.Compare(b.Seq, a.Seq) })
	equal(t, "proposals", pages(t, limit, func(p Page) ([]Proposal, error) { return s.Proposals(ctx, ProposalQuery{Page: p}) }, func(p *Proposal) Key { return p.Key() }), proposals)

	for key, seqs := range m.timelines {
		moments := pages(t, limit, func(p Page) ([]Moment, error) {
			p.Oldest = true
			return s.Timeline(ctx, key.ID, TimelineQuery{EventQuery: EventQuery{Page: p}, Kind: key.Kind})
		}, func(m *Moment) Key { return m.Key() })
		var got []int64
		for _, moment := range moments {
			got = append(got, moment.Seq)
		}
		equal(t, fmt.Sprintf("timeline of %s %q", key.Kind, key.ID), got, seqs)
		ids, err := s.Identifiers(ctx, key.ID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(ids, func(i Identifier) bool { return i.Kind == key.Kind })
		if i < 0 {
			t.Fatalf("no identifier %v", key)
		}
		key.Events, key.First, key.Last = int64(len(seqs)), m.events[seqs[0]-1].Time.UTC(), m.events[seqs[len(seqs)-1]-1].Time.UTC()
		equal(t, "identifier", ids[i], key)
	}

	for _, metric := range []string{"messages", "energy.total"} {
		for _, step := range []time.Duration{10 * time.Second, 10 * time.Minute} {
			points, err := s.Series(ctx, SeriesQuery{Metric: metric, Step: step})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "series of "+metric, points, m.series(metric, step))
		}
	}

	stats, err := s.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	total := Stats{
		Events: int64(len(m.events)), Stored: int64(len(m.events)), ByType: map[string]int64{},
		ByPriority: map[string]int64{"high": 0, "medium": 0, "low": 0}, Messages: states,
		Addresses: int64(len(m.accounts)), Validators: int64(len(m.validators)), Proposals: int64(len(m.proposals)),
		Tips: m.tips.Count, Gaps: m.gaps, Last: m.last,
		Lost: map[string]int64{"high": int64(m.lost.Counts[0]), "medium": int64(m.lost.Counts[1]), "low": int64(m.lost.Counts[2])},
	}
	for _, e := range m.events {
		total.ByType[e.Type]++
		total.ByPriority[e.Class.String()]++
	}
	if n := len(m.events); n > 0 {
		oldest, newest := m.events[0].Time.UTC(), m.events[n-1].Time.UTC()
		total.Oldest, total.Newest = &oldest, &newest
	}
	equal(t, "totals", stats, total)
}

// pages reads a whole list.
func pages[T any](t rapid.TB, limit int, read func(Page) ([]T, error), key func(*T) Key) []T {
	t.Helper()
	var all []T
	for p := (Page{Limit: limit}); ; {
		list, err := read(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list...)
		if len(list) < limit {
			return all
		}
		p.After = key(&list[len(list)-1])
	}
}

// equal compares as JSON, which is what callers make of it.
func equal(t rapid.TB, what string, got, want any) {
	t.Helper()
	g, err1 := json.MarshalIndent(got, "", " ")
	w, err2 := json.MarshalIndent(want, "", " ")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if string(g) != string(w) {
		t.Fatalf("%s: got\n%s\nwant\n%s", what, g, w)
	}
}
