package demo

import "math"

// council is governance: proposals, the parameters they change and the grants
// they make.
type council struct {
	classes    *deck[string]
	outcomes   *deck[bool]
	honoured   *deck[bool] // whether grants keep what they promise
	parameters []*parameter
}

// parameter is a value that proposals change within bounds.
type parameter struct {
	key              string
	value, low, high int
}

// A proposal and the votes for it. Credits count by ballot: yes, no, abstain.
type proposal struct {
	id      string
	class   string
	changes []*parameter
	passes  bool
	enacted int // the epoch to enact it in
	status  string
	credits map[string]float64
}

func (n *network) startCouncil() {
	n.classes = newDeck("operational", "treasury", "treasury", "operational", "constitutional")
	n.outcomes = newDeck(true, true, true, true, false)
	n.honoured = newDeck(true, false, true)
	n.parameters = []*parameter{
		{"k", 20, 10, 40},
		{"depth_d_star", 12, 8, 24},
		{"q_diversity", 3, 2, 6},
		{"min_deposit_milli_adic", 100, 50, 500},
		{"challenge_window_depth", 50, 20, 100},
		{"committee_size", 9, 7, 21},
	}
	n.every(5, 45, n.propose)
}

// propose is the story of a proposal: submitted, voted on, tallied, and where
// it passes enacted.
func (n *network) propose() {
	proposer := n.validator()
	p := &proposal{
		id:      n.id("proposal"),
		class:   draw(n, n.classes),
		passes:  draw(n, n.outcomes),
		enacted: n.epoch + 1,
		status:  "submitted",
		credits: map[string]float64{},
	}
	keys := []string{}
	if p.class != "treasury" {
		p.changes = sample(n, n.parameters, n.between(1, 2))
		for _, c := range p.changes {
			keys = append(keys, c.key)
		}
	}
	n.tell("ProposalSubmitted",
		"proposal_id", p.id,
		"proposer", proposer.address,
		"proposal_class", p.class,
		"param_keys", keys,
		"enact_epoch", p.enacted,
		"proposer_reputation", proposer.reputation)

	n.after(2, func() { n.setStatus(p, "voting") })
	for i, v := range sample(n, n.validators, n.between(5, 8)) {
		n.after(3+15*n.rand.Float64(), func() { n.castVote(p, v, i) })
	}
	n.after(20, func() { n.tally(p) })
}

func (n *network) setStatus(p *proposal, status string) {
	n.tell("ProposalStatusChanged", "proposal_id", p.id, "old_status", p.status, "new_status", status)
	p.status = status
}

// castVote casts the i-th vote. The first three go the way of the outcome and
// weigh the most, so that the tally agrees with it.
func (n *network) castVote(p *proposal, v *validator, i int) {
	ballot := "yes"
	if !p.passes {
		ballot = "no"
	}
	credits := round(40+10*math.Sqrt(v.reputation), 2)
	if i >= 3 {
		ballot = pick(n, []string{"yes", "yes", "no", "abstain"})
		credits = round(credits/8, 2)
	}
	p.credits[ballot] = round(p.credits[ballot]+credits, 2)
	n.tell("VoteCast",
		"proposal_id", p.id,
		"voter", v.address,
		"vote_credits", credits,
		"ballot", ballot,
		"voter_reputation", v.reputation)
}

func (n *network) tally(p *proposal) {
	const eligible = 600.0
	yes, no, abstain := p.credits["yes"], p.credits["no"], p.credits["abstain"]
	n.tell("ProposalTallied",
		"proposal_id", p.id,
		"tally_yes", yes,
		"tally_no", no,
		"tally_abstain", abstain,
		"total_eligible_credits", eligible,
		"participation_rate", round((yes+no+abstain)/eligible, 4),
		"quorum_met", true,
		"threshold_met", p.passes)
	result := "passed"
	if !p.passes {
		result = "rejected"
	}
	n.setStatus(p, result)
	n.after(1, func() {
		n.tell("GovernanceReceiptEmitted",
			"proposal_id", p.id,
			"result", result,
			"quorum_yes", yes,
			"quorum_no", no,
			"quorum_abstain", abstain,
			"has_bls_signature", true,
			"committee_size", n.committee)
		if p.passes {
			n.awaitEpoch(p)
		}
	})
}

// awaitEpoch enacts p in its epoch.
func (n *network) awaitEpoch(p *proposal) {
	if n.epoch < p.enacted {
		n.after(5, func() { n.awaitEpoch(p) })
		return
	}
	changes := []string{}
	for _, c := range p.changes {
		changes = append(changes, c.key)
	}
	n.tell("ProposalEnacted", "proposal_id", p.id, "enact_epoch", n.epoch, "param_changes", changes)
	n.setStatus(p, "enacted")
	for _, c := range p.changes {
		old := c.value
		// A step up or down, the other way at the bounds, never none at all.
		move := n.between(1, max(1, (c.high-c.low)/8))
		if old+move > c.high || (n.chance(0.5) && old-move >= c.low) {
			move = -move
		}
		c.value += move
		n.tell("ParameterChanged",
			"proposal_id", p.id,
			"parameter_key", c.key,
			"old_value", itoa(old),
			"new_value", itoa(c.value))
	}
	if p.class == "treasury" {
		n.grant(p)
	}
}

// grant is the story of a grant: half paid at once, half at its milestone, and
// the first half taken back from those that do not deliver.
func (n *network) grant(p *proposal) {
	recipient, half := n.user(), n.adicBetween(500, 5_000)
	id := n.id("grant")
	pay := func(milestone string) {
		n.tell("TreasuryGrantExecuted",
			"proposal_id", p.id,
			"recipient", recipient,
			"amount_adic", half,
			"milestone", milestone)
		n.transfer(n.treasury, recipient, half, "treasury_grant", nil)
	}
	pay("start")

	delivered := draw(n, n.honoured)
	n.after(n.about(25), func() {
		n.tell("TreasuryMilestoneCompleted",
			"grant_id", id,
			"milestone_id", 1,
			"amount_adic", half,
			"verification_scheme", "committee_review",
			"deliverable_cid", n.cid(),
			"is_verified", delivered)
		if delivered {
			pay("milestone 1")
			return
		}
		n.after(n.about(10), func() {
			back := n.affordable(recipient, half)
			n.tell("TreasuryGrantClawedBack",
				"grant_id", id,
				"clawed_back_amount_adic", back,
				"reason", "milestone_not_verified")
			n.transfer(recipient, n.treasury, back, "grant_clawback", nil)
		})
	})
}
