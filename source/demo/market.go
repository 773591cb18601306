package demo

// market is proof of useful work: tasks, the workers drawn for them, and what
// they are paid.
type market struct {
	tasks *deck[string]
}

func (n *network) startMarket() {
	n.tasks = newDeck("model_inference", "proof_generation", "data_validation", "simulation")
	n.every(10, 30, n.task)
}

// task is the story of a task: the reward goes into escrow, workers are drawn
// and hand in results, and each whose result is accepted gets its share.
func (n *network) task() {
	sponsor, workers := n.user(), sample(n, n.validators, n.between(3, 5))
	id := n.id("task")
	reward := n.affordable(sponsor, n.adicBetween(30, 300))
	share := (reward / amount(len(workers))).truncate()
	reward = share * amount(len(workers))
	deadline := n.epoch + 2
	n.tell("TaskSubmitted",
		"task_id", id,
		"sponsor", sponsor,
		"task_type", draw(n, n.tasks),
		"reward_adic", reward,
		"worker_count", len(workers),
		"deadline_epoch", deadline)
	lock := n.lock(sponsor, reward, "pouw_reward")
	n.after(n.about(3), func() {
		n.tell("WorkersSelected",
			"task_id", id,
			"worker_count", len(workers),
			"total_eligible", len(n.validators),
			"selection_method", "vrf_reputation_weighted")
		agreed := n.hash() // of the result that honest workers find
		var accepted []*validator
		for i, w := range workers {
			wrong := i == len(workers)-1 && n.chance(0.2)
			n.after(4+14*n.rand.Float64(), func() {
				result := agreed
				if wrong {
					result = n.hash()
				} else {
					accepted = append(accepted, w)
				}
				n.tell("WorkResultSubmitted", "task_id", id, "worker", w.address, "result_hash", result)
			})
		}
		n.after(20, func() { n.settle(lock, sponsor, share, accepted, len(workers)) })
	})
}

// settle pays the accepted among the workers and gives the sponsor the rest
// back.
func (n *network) settle(lock, sponsor string, share amount, accepted []*validator, workers int) {
	rejected := workers - len(accepted)
	n.tell("ReceiptValidated",
		"receipt_id", n.id("receipt"),
		"epoch_id", n.epoch,
		"accepted_count", len(accepted),
		"rejected_count", rejected,
		"is_valid", true,
		"fraud_proofs_count", rejected)
	for _, w := range accepted {
		n.release(lock, sponsor, w.address, share)
	}
	if rest := share * amount(rejected); rest > 0 {
		n.tell("EscrowRefunded", "lock_id", lock, "owner", sponsor, "amount_adic", rest)
		n.change(sponsor, rest, "credit")
	}
}
