package demo

import (
	"fmt"
	"strings"
)

// An amount is a sum of ADIC in its smallest unit. Whole numbers, because
// balances have to add up to the last digit.
type amount int64

const (
	amountDecimals        = 9
	adic           amount = 1_000_000_000
	cent                  = adic / 100 // people and programs deal in these

	totalSupply   = 300_400_000 * adic
	treasuryShare = 60_000_000 * adic
)

// String returns a in ADIC, as "12.5".
func (a amount) String() string {
	if a < 0 {
		return "-" + (-a).String()
	}
	s := fmt.Sprintf("%d.%0*d", a/adic, amountDecimals, a%adic)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// truncate cuts a to whole cents.
func (a amount) truncate() amount { return a - a%cent }

// ledger holds what each address can spend. What is in escrow belongs to
// nobody, and deposits stay in the depositor's balance until they are slashed.
type ledger struct {
	balances map[string]amount
	escrows  *deck[string] // how escrows end
}

func (n *network) startLedger() {
	n.balances = map[string]amount{n.treasury: treasuryShare}
	members := n.users
	for _, v := range n.validators {
		members = append(members, v.address)
	}
	share := ((totalSupply - treasuryShare) / amount(len(members))).truncate()
	for _, address := range members {
		n.balances[address] = share
	}
	// The treasury keeps what cannot be shared out evenly.
	n.balances[n.treasury] += totalSupply - treasuryShare - share*amount(len(members))

	n.escrows = newDeck("released", "slashed", "refunded", "released", "released", "released", "refunded", "released")
	n.every(4, 30, n.escrow)
}

// adicBetween returns a sum from low to high ADIC.
func (n *network) adicBetween(low, high int) amount {
	return amount(n.between(low*100, high*100)) * cent
}

// affordable cuts a to what address can part with and stay in business.
func (n *network) affordable(address string, a amount) amount {
	return min(a, (n.balances[address] / 4).truncate())
}

// change books a change of one balance and tells of it. The amount told is
// never negative; the kind of change gives its direction.
func (n *network) change(address string, by amount, kind string) {
	before := n.balances[address]
	n.balances[address] = before + by
	n.tell("BalanceChanged",
		"address", address,
		"balance_before", before,
		"balance_after", before+by,
		"change_amount", max(by, -by),
		"change_type", kind)
}

// transfer moves a from one address to another and tells of it. A nil txHash
// is for transfers that no message asked for.
func (n *network) transfer(from, to string, a amount, reason string, txHash any) {
	n.tell("TransferRecorded",
		"from_address", from,
		"to_address", to,
		"amount", a,
		"reason", reason,
		"tx_hash", txHash)
	n.change(from, -a, "transfer_out")
	n.change(to, a, "transfer_in")
}

// escrow is the story of a sum put aside: locked, and later paid out, lost or
// given back.
func (n *network) escrow() {
	owner, to := n.user(), n.validator().address
	sum := n.affordable(owner, n.adicBetween(50, 2_000))
	lock := n.lock(owner, sum, pick(n, []string{"storage_deal", "service_agreement", "cross_chain_swap"}))
	n.after(n.about(40), func() {
		switch draw(n, n.escrows) {
		case "released":
			n.release(lock, owner, to, sum)
		case "slashed":
			n.tell("EscrowSlashed",
				"lock_id", lock, "owner", owner, "amount_adic", sum,
				"reason", pick(n, []string{"service_not_delivered", "proof_of_storage_missed"}))
			n.change(n.treasury, sum, "credit")
		case "refunded":
			n.tell("EscrowRefunded", "lock_id", lock, "owner", owner, "amount_adic", sum)
			n.change(owner, sum, "credit")
		}
	})
}

// lock puts sum into escrow and returns the id of the lock.
func (n *network) lock(owner string, sum amount, kind string) string {
	id := n.id("lock")
	n.tell("EscrowLocked",
		"lock_id", id,
		"owner", owner,
		"amount_adic", sum,
		"escrow_type", kind,
		"balance_before_adic", n.balances[owner],
		"balance_after_adic", n.balances[owner]-sum)
	n.change(owner, -sum, "debit")
	return id
}

// release pays out what lock holds.
func (n *network) release(lock, owner, to string, sum amount) {
	n.tell("EscrowReleased", "lock_id", lock, "from", owner, "to", to, "amount_adic", sum)
	n.change(to, sum, "credit")
}
