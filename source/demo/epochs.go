package demo

// epochs are the rounds of the randomness beacon and of the committees that it
// draws.
type epochs struct {
	epoch     int // the present one
	committee int // the number of members it has
	domains   *deck[string]
	results   *deck[bool]
}

// epochLength is in beats; what belongs to an epoch happens within it.
const epochLength = 40

func (n *network) startEpochs() {
	n.epoch = 100
	n.domains = newDeck("finality", "arbitration", "pouw", "governance")
	n.results = newDeck(true, true, false, true, true, true, true)
	n.after(2, n.beginEpoch)
}

// beginEpoch is the story of an epoch: committees are drawn and vote, and
// validators commit to and reveal the randomness of the next one.
func (n *network) beginEpoch() {
	n.epoch++
	epoch := n.epoch
	n.committee = n.between(7, 11)
	size := n.committee
	n.tell("AggregatorSelected",
		"epoch_id", epoch,
		"primary_aggregator", n.validator().address,
		"committee_size", size,
		"selection_method", "vrf_weighted")
	n.tell("QuorumSelected",
		"epoch", epoch,
		"committee_size", size,
		"domain", draw(n, n.domains),
		"axes_covered", n.between(2, 3))
	for _, at := range []float64{8, 21, 34} {
		n.after(at*(0.9+0.2*n.rand.Float64()), func() { n.vote(size) })
	}

	reveals := 0
	for i, v := range sample(n, n.validators, n.between(4, 6)) {
		// The last one may keep its secret, which costs it reputation.
		silent := i > 2 && n.chance(0.2)
		n.after(1+10*n.rand.Float64(), func() {
			commit := n.id("commit")
			n.tell("VRFCommitSubmitted",
				"commit_id", commit,
				"committer", v.address,
				"target_epoch", epoch+1,
				"commitment_hash", n.hash(),
				"committer_reputation", v.reputation)
			n.after(12+6*n.rand.Float64(), func() {
				if silent {
					n.reputation(v, -0.05, "vrf_reveal_missed")
					return
				}
				reveals++
				n.tell("VRFRevealOpened",
					"reveal_id", n.id("reveal"),
					"commit_id", commit,
					"revealer", v.address,
					"target_epoch", epoch+1,
					"vrf_proof_hash", n.hash())
			})
		})
	}
	n.after(31, func() {
		n.tell("VRFRandomnessFinalized",
			"epoch", epoch+1,
			"randomness_hash", n.hash(),
			"contributor_count", reveals)
	})
	n.after(33, func() {
		n.tell("CommitteeCertificateGenerated",
			"epoch_id", epoch,
			"member_count", size,
			"diversity_score", n.diversity,
			"axes_covered", n.between(2, 3),
			"has_threshold_signature", true)
	})
	n.after(epochLength, n.beginEpoch)
}

// vote is a committee of this size deciding something; two thirds carry it.
func (n *network) vote(size int) {
	passed := draw(n, n.results)
	quorum := (2*size + 2) / 3
	inFavour, result := n.between(quorum, size), "accepted"
	if !passed {
		inFavour, result = n.between(1, quorum-1), "rejected"
	}
	n.tell("QuorumVoteCompleted",
		"vote_id", n.id("vote"),
		"votes_for", inFavour,
		"votes_against", size-inFavour,
		"threshold_met", passed,
		"result", result)
}
