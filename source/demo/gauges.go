package demo

// gauges are the figures that the network reports from time to time. They
// drift, and those that count something agree with the stories told.
type gauges struct {
	conflicts [2]int // all there ever were, and those resolved
	energy    float64
	diversity float64
	rates     [3]float64 // of the admissibility conditions C1 to C3
	sampled   int        // messages at the last look at admissibility
}

// axis is an object of the type "axis" in the default catalogue.
type axis struct {
	axis, radius, distinctBalls, requiredDiversity int
	meetsRequirement                               bool
}

func (n *network) startGauges() {
	n.conflicts = [2]int{3, 1}
	n.energy = 4.2
	n.diversity = 0.78
	n.rates = [3]float64{0.985, 0.962, 0.974}

	n.every(3, 9, n.tellKCore)
	n.every(6, 12, n.tellEnergy)
	n.every(9, 14, n.tellDiversity)
	n.every(12, 25, n.tellAdmissibility)
	n.every(30, 120, n.tellEconomics)
}

func (n *network) tellKCore() {
	var k any // there is none while nothing has been finalised
	if n.finalized > 0 {
		k = n.between(4, 7)
	}
	n.tell("KCoreUpdated", "finalized_count", n.finalized, "pending_count", n.pending, "current_k_value", k)
}

func (n *network) tellEnergy() {
	total, resolved := n.conflicts[0], n.conflicts[1]
	if n.chance(0.5) {
		total++
	}
	resolved += n.rand.IntN(min(total-resolved, 3) + 1)
	n.conflicts = [2]int{total, resolved}
	n.energy = n.drift(n.energy, 0.4, 0, 12)
	n.tell("EnergyUpdated",
		"total_conflicts", total,
		"resolved_conflicts", resolved,
		"active_conflicts", total-resolved,
		"total_energy", n.energy)
}

func (n *network) tellDiversity() {
	n.diversity = n.drift(n.diversity, 0.03, 0.4, 0.99)
	axes := make([]axis, 3)
	for i := range axes {
		const required = 3
		balls := n.between(2, 2+len(n.tips))
		axes[i] = axis{i, n.between(2, 4), balls, required, balls >= required}
	}
	n.tell("DiversityUpdated", "diversity_score", n.diversity, "axes", axes, "total_tips", len(n.tips))
}

func (n *network) tellAdmissibility() {
	overall := 1.0
	for i, rate := range n.rates {
		n.rates[i] = n.drift(rate, 0.008, 0.9, 1)
		overall *= n.rates[i]
	}
	n.tell("AdmissibilityUpdated",
		"c1_rate", n.rates[0],
		"c2_rate", n.rates[1],
		"c3_rate", n.rates[2],
		"overall_rate", round(overall, 4),
		"sample_size", n.added-n.sampled)
	n.sampled = n.added
}

func (n *network) tellEconomics() {
	n.tell("EconomicsUpdated",
		"total_supply", amount(totalSupply),
		"circulating_supply", totalSupply-n.balances[n.treasury],
		"treasury_balance", n.balances[n.treasury])
}
