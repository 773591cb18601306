package demo

// disputes are the windows in which a message can be challenged, and what
// becomes of the challenges.
type disputes struct {
	challenged *deck[bool]
	arbitrated *deck[bool]
	upheld     *deck[bool]
}

func (n *network) startDisputes() {
	n.challenged = newDeck(true, false, true, false, false)
	n.arbitrated = newDeck(true, false, true)
	n.upheld = newDeck(true, false)
	n.every(8, 22, n.openWindow)
}

// openWindow is the story of a message open to challenge: most windows close
// in silence, some see a challenge, a proof of fraud, and arbitrators.
func (n *network) openWindow() {
	subject := pick(n, n.tips)
	n.tell("ChallengeWindowOpened",
		"subject_id", subject.id,
		"window_expiry_epoch", n.epoch+2,
		"window_depth", subject.depth)
	if !draw(n, n.challenged) {
		return
	}
	challenger := n.validator()
	n.after(n.about(4), func() {
		n.tell("ChallengeSubmitted",
			"challenge_id", n.id("challenge"),
			"subject_id", subject.id,
			"challenger", challenger.address)
		n.after(n.about(4), func() { n.proveFraud(subject.id, challenger) })
	})
}

func (n *network) proveFraud(subject string, challenger *validator) {
	proof := n.id("proof")
	n.tell("FraudProofSubmitted",
		"proof_id", proof,
		"subject_id", subject,
		"challenger", challenger.address,
		"fraud_type", pick(n, []string{"double_spend", "invalid_work_result", "equivocation"}),
		"evidence_cid", n.cid())

	valid := draw(n, n.upheld)
	n.after(n.about(6), func() {
		if draw(n, n.arbitrated) {
			n.arbitrate(proof, valid, func() { n.verifyFraud(proof, subject, challenger, valid) })
		} else {
			n.verifyFraud(proof, subject, challenger, valid)
		}
	})
}

func (n *network) verifyFraud(proof, subject string, challenger *validator, valid bool) {
	n.tell("FraudProofVerified", "proof_id", proof, "subject_id", subject, "is_valid", valid)
	if valid {
		n.reputation(challenger, 0.05, "fraud_proven")
	} else {
		n.reputation(challenger, -0.05, "fraud_proof_invalid")
	}
}

// arbitrate lets arbitrators rule on a proof, and then goes on.
func (n *network) arbitrate(proof string, valid bool, then func()) {
	arbitration, count := n.id("arbitration"), 2*n.between(2, 4)+1
	n.tell("ArbitrationStarted",
		"arbitration_id", arbitration,
		"proof_id", proof,
		"arbitrator_count", count)
	n.after(n.about(12), func() {
		majority := n.between(count/2+1, count)
		inFavour, ruling := majority, "fraud_confirmed"
		if !valid {
			inFavour, ruling = count-majority, "fraud_dismissed"
		}
		n.tell("ArbitrationCompleted",
			"arbitration_id", arbitration,
			"proof_id", proof,
			"ruling", ruling,
			"votes_for", inFavour,
			"votes_against", count-inFavour)
		then()
	})
}
