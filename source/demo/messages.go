package demo

// dag is the tangle of messages: what nothing has approved yet, and how many
// are on their way to finality.
type dag struct {
	tips       []tip
	added      int
	pending    int
	finalized  int
	fates      *deck[string]
	finalities *deck[string]
	rejections *deck[string]
}

type tip struct {
	id    string
	depth int
}

func (n *network) startMessages() {
	for range 4 {
		n.tips = append(n.tips, tip{n.hash(), 0})
	}
	// Messages that nothing approves in time are left behind without a word:
	// fewer finalities than messages.
	n.fates = newDeck(
		"finalized", "finalized", "rejected", "finalized", "finalized",
		"forgotten", "finalized", "forgotten", "finalized", "finalized",
		"finalized", "forgotten", "finalized", "finalized", "forgotten",
		"finalized", "finalized", "forgotten", "finalized", "forgotten")
	n.finalities = newDeck(
		"kcore", "kcore", "homology", "kcore", "composite",
		"kcore", "kcore", "kcore", "homology", "kcore")
	n.rejections = newDeck("validation_failed", "admissibility_failed", "insufficient_deposit")
	n.after(1, n.message)
}

// message is the story of a message: added, and later finalised, rejected or
// forgotten.
func (n *network) message() {
	id, author, fate := n.hash(), n.validator(), draw(n, n.fates)
	depth := n.attach(id)
	n.added++
	n.pending++

	// A validator's standing deposit covers its routine messages; the others
	// put down one of their own.
	var deposit amount
	if fate == "rejected" || n.chance(0.35) {
		deposit = n.affordable(author.address, n.adicBetween(1, 10))
		n.tell("DepositEscrowed", "message_id", id, "validator_address", author.address, "amount", deposit)
	}
	n.tell("MessageAdded", "message_id", id, "depth", depth)
	if n.chance(0.12) {
		from, to := n.twoUsers()
		n.transfer(from, to, n.affordable(from, n.adicBetween(1, 500)), "payment", id)
	}
	if n.chance(0.9) {
		n.tell("TipsUpdated", "tips", n.tipIDs(), "count", len(n.tips))
	}

	switch fate {
	case "finalized":
		n.after(n.about(12), func() { n.finalize(id, author, deposit) })
	case "rejected":
		n.after(n.about(5), func() { n.reject(id, author, deposit) })
	default:
		n.after(n.about(40), func() {
			n.pending--
			n.returnDeposit(id, author, deposit)
		})
	}
	n.after(n.rand.ExpFloat64(), n.message)
}

// attach puts a message on top of some of the tips and returns its depth.
func (n *network) attach(id string) (depth int) {
	parents := 1
	switch {
	case len(n.tips) >= 6:
		parents = 2
	case len(n.tips) <= 3:
		parents = 0 // it approves messages that others have approved as well
	case n.chance(0.3):
		parents = n.between(0, 2)
	}
	for _, t := range n.tips {
		depth = max(depth, t.depth+1)
	}
	for range parents {
		i := n.rand.IntN(len(n.tips))
		n.tips = append(n.tips[:i], n.tips[i+1:]...)
	}
	n.tips = append(n.tips, tip{id, depth})
	return depth
}

func (n *network) tipIDs() []string {
	ids := make([]string, len(n.tips))
	for i, t := range n.tips {
		ids[i] = t.id
	}
	return ids
}

func (n *network) twoUsers() (from, to string) {
	two := sample(n, n.users, 2)
	return two[0], two[1]
}

func (n *network) finalize(id string, author *validator, deposit amount) {
	n.pending--
	n.finalized++
	n.tell("MessageFinalized", "message_id", id, "finality_type", draw(n, n.finalities))
	n.returnDeposit(id, author, deposit)
	if n.chance(0.08) {
		n.reputation(author, 0.01, "message_finalized")
	}
}

func (n *network) reject(id string, author *validator, deposit amount) {
	n.pending--
	kind := draw(n, n.rejections)
	n.tell("MessageRejected",
		"message_id", id,
		"reason", map[string]string{
			"validation_failed":    "the signature does not match the author's key",
			"admissibility_failed": "the parents cover too few distinct balls (C2)",
			"insufficient_deposit": "the deposit is below the minimum of this epoch",
		}[kind],
		"rejection_type", kind)
	if kind != "validation_failed" {
		n.returnDeposit(id, author, deposit)
		return
	}
	n.tell("DepositSlashed",
		"message_id", id,
		"validator_address", author.address,
		"amount", deposit,
		"reason", "invalid_signature")
	n.change(author.address, -deposit, "debit")
	n.change(n.treasury, deposit, "credit")
	n.reputation(author, -0.1, "deposit_slashed")
}

func (n *network) returnDeposit(id string, author *validator, deposit amount) {
	if deposit > 0 {
		n.tell("DepositReleased", "message_id", id, "validator_address", author.address, "amount", deposit)
	}
}

// reputation moves a validator's reputation by about so much.
func (n *network) reputation(v *validator, by float64, reason string) {
	old := v.reputation
	v.reputation = round(min(max(old+by*(0.5+n.rand.Float64()), 0.1), 10), 4)
	n.tell("ReputationChanged",
		"validator_address", v.address,
		"old_reputation", old,
		"new_reputation", v.reputation,
		"reason", reason)
}
