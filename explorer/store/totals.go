package store

import (
	"context"
	"maps"
	"slices"

	"github.com/adic-network/router/event"
)

// totals are what is added to the counts that Stats tells.
type totals map[string]int64

// The names of totals; those that end in a dot go on with a priority or a state.
const (
	totalGaps       = "gaps"
	totalLost       = "lost."
	totalMessages   = "messages."
	totalAccounts   = "addresses"
	totalValidators = "validators"
	totalProposals  = "proposals"
	totalPruned     = "pruned"
)

// maxLost is the most events that one loss counts for, lest a sum of them overflow.
const maxLost = 1 << 48

func (t totals) lost(d *event.Dropped) {
	t[totalGaps]++
	for _, p := range event.Priorities() {
		if !d.Unknown[p] {
			t[totalLost+p.String()] += int64(min(d.Counts[p], maxLost))
		}
	}
}

var saveTotals = many{
	head:    `INSERT INTO totals (name, value) VALUES `,
	tail:    ` ON CONFLICT (name) DO UPDATE SET value = totals.value + excluded.value`,
	columns: 2,
}

func (t totals) save(ctx context.Context, w *writer) error {
	var args []any
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if t[name] != 0 {
			args = append(args, name, t[name])
		}
	}
	return w.exec(ctx, saveTotals, args)
}

func readTotals(ctx context.Context, q querier) (totals, error) {
	t := totals{}
	rows, err := q.QueryContext(ctx, `SELECT name, value FROM totals`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var value int64
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		t[name] = value
	}
	return t, rows.Err()
}
