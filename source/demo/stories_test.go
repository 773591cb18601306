package demo

import (
	"slices"
	"testing"

	"github.com/adic-network/router/event"
)

// What an event refers to has happened before, and in the right order.
func TestReferences(t *testing.T) {
	references := []struct {
		name, field string
		to          []string // the types that introduce it, in a field of the same name unless toField says otherwise
		toField     string
	}{
		{"MessageFinalized", "message_id", []string{"MessageAdded"}, ""},
		{"MessageRejected", "message_id", []string{"MessageAdded"}, ""},
		{"DepositReleased", "message_id", []string{"DepositEscrowed"}, ""},
		{"DepositSlashed", "message_id", []string{"DepositEscrowed"}, ""},
		{"DepositSlashed", "message_id", []string{"MessageRejected"}, ""},
		{"PeerDisconnected", "peer_id", []string{"PeerConnected"}, ""},
		{"SyncStarted", "peer_id", []string{"PeerConnected"}, ""},
		{"SyncProgress", "peer_id", []string{"SyncStarted"}, ""},
		{"SyncCompleted", "peer_id", []string{"SyncProgress"}, ""},
		{"VRFRevealOpened", "commit_id", []string{"VRFCommitSubmitted"}, ""},
		{"ChallengeSubmitted", "subject_id", []string{"ChallengeWindowOpened"}, ""},
		{"ChallengeWindowOpened", "subject_id", []string{"MessageAdded"}, "message_id"},
		{"FraudProofSubmitted", "subject_id", []string{"ChallengeSubmitted"}, ""},
		{"FraudProofVerified", "proof_id", []string{"FraudProofSubmitted"}, ""},
		{"ArbitrationStarted", "proof_id", []string{"FraudProofSubmitted"}, ""},
		{"ArbitrationCompleted", "arbitration_id", []string{"ArbitrationStarted"}, ""},
		{"EscrowReleased", "lock_id", []string{"EscrowLocked"}, ""},
		{"EscrowSlashed", "lock_id", []string{"EscrowLocked"}, ""},
		{"EscrowRefunded", "lock_id", []string{"EscrowLocked"}, ""},
		{"VoteCast", "proposal_id", []string{"ProposalSubmitted"}, ""},
		{"ProposalStatusChanged", "proposal_id", []string{"ProposalSubmitted"}, ""},
		{"ProposalTallied", "proposal_id", []string{"VoteCast"}, ""},
		{"GovernanceReceiptEmitted", "proposal_id", []string{"ProposalTallied"}, ""},
		{"ProposalEnacted", "proposal_id", []string{"GovernanceReceiptEmitted"}, ""},
		{"ParameterChanged", "proposal_id", []string{"ProposalEnacted"}, ""},
		{"TreasuryGrantExecuted", "proposal_id", []string{"ProposalEnacted"}, ""},
		{"TreasuryGrantClawedBack", "grant_id", []string{"TreasuryMilestoneCompleted"}, ""},
		{"WorkersSelected", "task_id", []string{"TaskSubmitted"}, ""},
		{"WorkResultSubmitted", "task_id", []string{"WorkersSelected"}, ""},
	}
	events := play(t, 11, 15_000)
	for _, ref := range references {
		toField := ref.toField
		if toField == "" {
			toField = ref.field
		}
		introduced, found := map[string]bool{}, 0
		for i, e := range events {
			if slices.Contains(ref.to, e.name()) {
				introduced[e.text(toField)] = true
			}
			// The first tips are older than the story.
			if e.name() != ref.name || (ref.name == "ChallengeWindowOpened" && i < 200) {
				continue
			}
			found++
			if !introduced[e.text(ref.field)] {
				t.Errorf("event %d refers to a %s that no %v introduced: %v", i, ref.field, ref.to, e)
				break
			}
		}
		if found == 0 {
			t.Errorf("no %s in the story", ref.name)
		}
	}
}

// A message comes to one end at most, and gets its deposit back or loses it,
// once and whole.
func TestMessagesEndOnce(t *testing.T) {
	ended, deposits := map[string]string{}, map[string]amount{}
	for i, e := range play(t, 12, 15_000) {
		switch e.name() {
		case "MessageFinalized", "MessageRejected":
			id := e.text("message_id")
			if before, ok := ended[id]; ok {
				t.Fatalf("event %d: %s after %s of the same message", i, e.name(), before)
			}
			ended[id] = e.name()
		case "DepositEscrowed":
			deposits[e.text("message_id")] = e.amount(t, "amount")
		case "DepositReleased", "DepositSlashed":
			id := e.text("message_id")
			if got, want := e.amount(t, "amount"), deposits[id]; got != want {
				t.Fatalf("event %d: deposit of %v, put down were %v", i, got, want)
			}
			delete(deposits, id)
		}
	}
	if waiting := len(deposits); waiting > 100 {
		t.Errorf("%d deposits are still put down in the end", waiting)
	}
}

// The books are kept to the last digit: a balance goes on from where it was,
// transfers move what they say, escrows take and give what they hold, and the
// supply neither grows nor shrinks.
func TestBalancesAddUp(t *testing.T) {
	for seed := range uint64(8) {
		balances, locks := map[string]amount{}, map[string]amount{}
		var moves []happening // of a transfer, still to be seen
		for i, e := range play(t, seed, 3000) {
			switch e.name() {
			case "BalanceChanged":
				before, after, by := e.amount(t, "balance_before"), e.amount(t, "balance_after"), e.amount(t, "change_amount")
				kind := e.text("change_type")
				if kind == "debit" || kind == "transfer_out" {
					by = -by
				}
				if known, ok := balances[e.text("address")]; ok && known != before {
					t.Fatalf("event %d: the balance was %v: %v", i, known, e)
				}
				if before+by != after || after < 0 {
					t.Fatalf("event %d does not add up: %v", i, e)
				}
				balances[e.text("address")] = after
				if kind == "transfer_out" || kind == "transfer_in" {
					if len(moves) == 0 {
						t.Fatalf("event %d: %s without a transfer", i, kind)
					}
					side := map[string]string{"transfer_out": "from_address", "transfer_in": "to_address"}[kind]
					if moves[0].text(side) != e.text("address") || moves[0].amount(t, "amount") != max(by, -by) {
						t.Fatalf("event %d is not what the transfer said:\n%v\n%v", i, moves[0], e)
					}
					moves = moves[1:]
				}
			case "TransferRecorded":
				moves = append(moves, e, e) // both sides
			case "EscrowLocked":
				sum := e.amount(t, "amount_adic")
				locks[e.text("lock_id")] = sum
				if e.amount(t, "balance_before_adic")-sum != e.amount(t, "balance_after_adic") {
					t.Fatalf("event %d does not add up: %v", i, e)
				}
			case "EscrowReleased", "EscrowRefunded", "EscrowSlashed":
				id := e.text("lock_id")
				if locks[id] -= e.amount(t, "amount_adic"); locks[id] < 0 {
					t.Fatalf("event %d pays more than was locked: %v", i, e)
				}
			case "EconomicsUpdated":
				if e.amount(t, "circulating_supply")+e.amount(t, "treasury_balance") != totalSupply ||
					e.amount(t, "total_supply") != totalSupply {
					t.Fatalf("event %d does not add up: %v", i, e)
				}
			}
		}
	}
}

// What addresses hold and what is in escrow is the supply, at all times.
func TestNothingIsLost(t *testing.T) {
	n, locked := newNetwork(4, event.Default()), amount(0)
	for i := range 10_000 {
		switch e := parse(t, n.next(someTime)); e.name() {
		case "EscrowLocked":
			locked += e.amount(t, "amount_adic")
		case "EscrowReleased", "EscrowRefunded", "EscrowSlashed":
			locked -= e.amount(t, "amount_adic")
		}
		if len(n.told) > 0 {
			continue // in the middle of a step, whose balances are final already
		}
		held := locked
		for _, balance := range n.balances {
			held += balance
		}
		if held != totalSupply {
			t.Fatalf("after event %d there are %v of a supply of %v", i, held, amount(totalSupply))
		}
	}
}

func TestVotesAddUp(t *testing.T) {
	arbitrators, credits := map[string]int{}, map[string]map[string]float64{}
	rulings, disputed := map[string]string{}, 0
	status, reveals, commits := map[string]string{}, map[int]int{}, map[string]int{}
	for i, e := range play(t, 13, 15_000) {
		switch e.name() {
		case "ArbitrationStarted":
			arbitrators[e.text("arbitration_id")] = e.int("arbitrator_count")
		case "ArbitrationCompleted":
			inFavour, against := e.int("votes_for"), e.int("votes_against")
			if inFavour+against != arbitrators[e.text("arbitration_id")] {
				t.Errorf("event %d: votes of %d arbitrators: %v", i, arbitrators[e.text("arbitration_id")], e)
			}
			if (inFavour > against) != (e.text("ruling") == "fraud_confirmed") {
				t.Errorf("event %d rules against the majority: %v", i, e)
			}
			rulings[e.text("proof_id")] = e.text("ruling")
		case "FraudProofVerified":
			if ruling, ok := rulings[e.text("proof_id")]; ok {
				disputed++
				if (ruling == "fraud_confirmed") != e["is_valid"].(bool) {
					t.Errorf("event %d is not what the arbitrators ruled, %s: %v", i, ruling, e)
				}
			}
		case "VoteCast":
			id := e.text("proposal_id")
			if credits[id] == nil {
				credits[id] = map[string]float64{}
			}
			credits[id][e.text("ballot")] += e.float("vote_credits")
		case "ProposalTallied":
			cast := credits[e.text("proposal_id")]
			for ballot, field := range map[string]string{"yes": "tally_yes", "no": "tally_no", "abstain": "tally_abstain"} {
				if round(cast[ballot], 2) != e.float(field) {
					t.Errorf("event %d: %v cast, tallied: %v", i, cast, e)
				}
			}
			if (e.float("tally_yes") > e.float("tally_no")) != e["threshold_met"].(bool) {
				t.Errorf("event %d decides against the votes: %v", i, e)
			}
		case "ProposalSubmitted":
			status[e.text("proposal_id")] = "submitted"
		case "ProposalStatusChanged":
			id := e.text("proposal_id")
			if status[id] != e.text("old_status") {
				t.Errorf("event %d: the status was %s: %v", i, status[id], e)
			}
			status[id] = e.text("new_status")
		case "VRFCommitSubmitted":
			commits[e.text("commit_id")] = e.int("target_epoch")
		case "VRFRevealOpened":
			if commits[e.text("commit_id")] != e.int("target_epoch") {
				t.Errorf("event %d is of another epoch than its commit: %v", i, e)
			}
			reveals[e.int("target_epoch")]++
		case "VRFRandomnessFinalized":
			if reveals[e.int("epoch")] != e.int("contributor_count") {
				t.Errorf("event %d: %d have revealed: %v", i, reveals[e.int("epoch")], e)
			}
		}
	}
	if disputed == 0 {
		t.Error("no proof was verified after a ruling")
	}
}

// Figures that count something agree with what was told.
func TestGaugesAgree(t *testing.T) {
	finalized, parameters, reputations := 0, map[string]string{}, map[string]float64{}
	conflicts := 0
	for i, e := range play(t, 14, 15_000) {
		switch e.name() {
		case "MessageFinalized":
			finalized++
		case "KCoreUpdated":
			if e.int("finalized_count") != finalized {
				t.Fatalf("event %d: %d were finalised: %v", i, finalized, e)
			}
		case "TipsUpdated":
			if e.int("count") != len(e["tips"].([]any)) {
				t.Fatalf("event %d counts wrong: %v", i, e)
			}
		case "EnergyUpdated":
			if e.int("total_conflicts")-e.int("resolved_conflicts") != e.int("active_conflicts") || e.int("total_conflicts") < conflicts {
				t.Fatalf("event %d does not add up: %v", i, e)
			}
			conflicts = e.int("total_conflicts")
		case "ParameterChanged":
			key := e.text("parameter_key")
			if before, ok := parameters[key]; ok && before != e.text("old_value") {
				t.Fatalf("event %d: the value was %s: %v", i, before, e)
			}
			if e.text("old_value") == e.text("new_value") {
				t.Fatalf("event %d changes nothing: %v", i, e)
			}
			parameters[key] = e.text("new_value")
		case "ReputationChanged":
			address := e.text("validator_address")
			if before, ok := reputations[address]; ok && before != e.float("old_reputation") {
				t.Fatalf("event %d: the reputation was %v: %v", i, before, e)
			}
			reputations[address] = e.float("new_reputation")
		}
	}
}
