package store

import (
	"context"
	"database/sql"
)

// validator is a row of validators.
type validator struct {
	address                     string
	reputation                  sql.NullFloat64
	rank                        float64
	changes                     int64
	reason                      string
	escrowed, released, slashed int64
	updated                     int64
	known                       bool // it is in the database
}

// validators is the projection of reputations and of deposits by validator.
type validators struct {
	rows   map[string]*validator
	order  []*validator
	totals totals
}

func newValidators(t totals) *validators {
	return &validators{rows: map[string]*validator{}, totals: t}
}

func aboutValidator(f *fact) (address string) {
	switch f.Type {
	case "ReputationChanged", "DepositEscrowed", "DepositReleased", "DepositSlashed":
		return f.text("validator_address")
	}
	return ""
}

func (p *validators) note(f *fact) {
	address := aboutValidator(f)
	if address == "" || p.rows[address] != nil {
		return
	}
	v := &validator{address: address, rank: unranked}
	p.rows[address] = v
	p.order = append(p.order, v)
}

const validatorColumns = `address, reputation, rank, changes, reason, escrowed, released, slashed, updated`

func (v *validator) scan(row scanner) error {
	return row.Scan(&v.address, &v.reputation, &v.rank, &v.changes, &v.reason, &v.escrowed, &v.released, &v.slashed, &v.updated)
}

var loadValidators = many{head: `SELECT ` + validatorColumns + ` FROM validators WHERE address IN (`, tail: `)`, columns: 1}

func (p *validators) load(ctx context.Context, w *writer) error {
	args := make([]any, len(p.order))
	for i, v := range p.order {
		args[i] = v.address
	}
	return w.query(ctx, loadValidators, args, func(row scanner) error {
		v := validator{known: true}
		if err := v.scan(row); err != nil {
			return err
		}
		*p.rows[v.address] = v
		return nil
	})
}

func (p *validators) apply(f *fact) {
	v := p.rows[aboutValidator(f)]
	if v == nil {
		return
	}
	v.updated = micros(f.Time)
	switch f.Type {
	case "ReputationChanged":
		if r, ok := f.number("new_reputation"); ok {
			v.reputation, v.rank = sql.NullFloat64{Float64: r, Valid: true}, r
		}
		v.reason = f.text("reason")
		v.changes++
	case "DepositEscrowed":
		v.escrowed++
	case "DepositReleased":
		v.released++
	case "DepositSlashed":
		v.slashed++
	}
}

var saveValidators = many{
	head: `INSERT INTO validators (` + validatorColumns + `) VALUES `,
	tail: ` ON CONFLICT (address) DO UPDATE SET reputation = excluded.reputation, rank = excluded.rank, changes = excluded.changes,
	reason = excluded.reason, escrowed = excluded.escrowed, released = excluded.released, slashed = excluded.slashed,
	updated = excluded.updated`,
	columns: 9,
}

func (p *validators) save(ctx context.Context, w *writer) error {
	var args []any
	for _, v := range p.order {
		if !v.known {
			p.totals[totalValidators]++
		}
		args = append(args, v.address, v.reputation, v.rank, v.changes, v.reason, v.escrowed, v.released, v.slashed, v.updated)
	}
	return w.exec(ctx, saveValidators, args)
}

func (v *validator) public() Validator {
	t := fromMicros(v.updated)
	out := Validator{
		Address: v.address, Changes: v.changes, Reason: v.reason,
		Escrowed: v.escrowed, Released: v.released, Slashed: v.slashed, Updated: &t,
	}
	if v.reputation.Valid {
		out.Reputation = &v.reputation.Float64
	}
	return out
}
