package store

import (
	"context"
	"math"
)

// account is a row of accounts.
type account struct {
	address, balance       string
	rank                   float64
	changes                int64
	lastAmount, lastChange string
	sent, received         int64
	updated                int64
	known                  bool // it is in the database
}

// unranked is the rank of what has no number: it is last.
const unranked = -math.MaxFloat64

func rankOf(text string) float64 {
	if v, ok := numberOf(text); ok {
		return v
	}
	return unranked
}

// accounts is the projection of balances and transfers.
type accounts struct {
	rows   map[string]*account
	order  []*account
	totals totals
}

func newAccounts(t totals) *accounts { return &accounts{rows: map[string]*account{}, totals: t} }

func (p *accounts) note(f *fact) {
	switch f.Type {
	case "BalanceChanged":
		p.want(f.text("address"))
	case "TransferRecorded":
		p.want(f.text("from_address"))
		p.want(f.text("to_address"))
	}
}

func (p *accounts) want(address string) {
	if address == "" || p.rows[address] != nil {
		return
	}
	a := &account{address: address, rank: unranked}
	p.rows[address] = a
	p.order = append(p.order, a)
}

const accountColumns = `address, balance, rank, changes, last_amount, last_change, sent, received, updated`

func (a *account) scan(row scanner) error {
	return row.Scan(&a.address, &a.balance, &a.rank, &a.changes, &a.lastAmount, &a.lastChange, &a.sent, &a.received, &a.updated)
}

var loadAccounts = many{head: `SELECT ` + accountColumns + ` FROM accounts WHERE address IN (`, tail: `)`, columns: 1}

func (p *accounts) load(ctx context.Context, w *writer) error {
	args := make([]any, len(p.order))
	for i, a := range p.order {
		args[i] = a.address
	}
	return w.query(ctx, loadAccounts, args, func(row scanner) error {
		a := account{known: true}
		if err := a.scan(row); err != nil {
			return err
		}
		*p.rows[a.address] = a
		return nil
	})
}

func (p *accounts) apply(f *fact) {
	at := micros(f.Time)
	switch f.Type {
	case "BalanceChanged":
		if a := p.rows[f.text("address")]; a != nil {
			a.balance, a.lastAmount, a.lastChange = f.text("balance_after"), f.text("change_amount"), f.enum("change_type")
			a.rank = rankOf(a.balance)
			a.changes++
			a.updated = at
		}
	case "TransferRecorded":
		if a := p.rows[f.text("from_address")]; a != nil {
			a.sent++
			a.updated = at
		}
		if a := p.rows[f.text("to_address")]; a != nil {
			a.received++
			a.updated = at
		}
	}
}

var saveAccounts = many{
	head: `INSERT INTO accounts (` + accountColumns + `) VALUES `,
	tail: ` ON CONFLICT (address) DO UPDATE SET balance = excluded.balance, rank = excluded.rank, changes = excluded.changes,
	last_amount = excluded.last_amount, last_change = excluded.last_change, sent = excluded.sent,
	received = excluded.received, updated = excluded.updated`,
	columns: 9,
}

func (p *accounts) save(ctx context.Context, w *writer) error {
	var args []any
	for _, a := range p.order {
		if !a.known {
			p.totals[totalAccounts]++
		}
		args = append(args, a.address, a.balance, a.rank, a.changes, a.lastAmount, a.lastChange, a.sent, a.received, a.updated)
	}
	return w.exec(ctx, saveAccounts, args)
}

func (a *account) public() Address {
	t := fromMicros(a.updated)
	return Address{
		Address: a.address, Balance: a.balance, Changes: a.changes, LastAmount: a.lastAmount, LastChange: a.lastChange,
		Sent: a.sent, Received: a.received, Updated: &t,
	}
}
