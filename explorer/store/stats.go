package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/adic-network/router/event"
)

// Stats returns totals. It reads counts that are kept, and counts nothing.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	stats, err := s.stats(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("cannot read totals: %w", classify(err))
	}
	return stats, nil
}

func (s *Store) stats(ctx context.Context) (Stats, error) {
	stats := Stats{
		ByType: map[string]int64{}, ByPriority: map[string]int64{}, Messages: map[string]int64{},
		Lost: map[string]int64{}, Last: map[string]float64{},
	}
	// One moment for all of it.
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return stats, err
	}
	defer tx.Rollback() //nolint:errcheck // it has changed nothing
	types, err := readTypes(ctx, tx)
	if err != nil {
		return stats, err
	}
	for _, p := range event.Priorities() {
		stats.ByPriority[p.String()] = 0
		stats.Lost[p.String()] = 0
	}
	for _, t := range types {
		stats.Events += t.events
		stats.ByType[t.name] += t.events
		stats.ByPriority[t.class.String()] += t.events
	}
	totals, err := readTotals(ctx, tx)
	if err != nil {
		return stats, err
	}
	for _, state := range []string{messagePending, messageAdded, messageFinalized, messageRejected} {
		stats.Messages[state] = totals[totalMessages+state]
	}
	for name, n := range totals {
		if class, ok := strings.CutPrefix(name, totalLost); ok {
			stats.Lost[class] = n
		}
	}
	stats.Stored = stats.Events - totals[totalPruned]
	stats.Addresses, stats.Validators, stats.Proposals = totals[totalAccounts], totals[totalValidators], totals[totalProposals]
	stats.Gaps = totals[totalGaps]
	latest, err := tx.QueryContext(ctx, `SELECT metric, value FROM latest`)
	if err != nil {
		return stats, err
	}
	defer latest.Close()
	for latest.Next() {
		var metric string
		var v float64
		if err := latest.Scan(&metric, &v); err != nil {
			return stats, err
		}
		stats.Last[metric] = v
	}
	if err := latest.Err(); err != nil {
		return stats, err
	}
	stats.Tips = int64(stats.Last["tips"])
	var oldest, newest sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT
		(SELECT time FROM events WHERE seq = (SELECT MIN(seq) FROM events)),
		(SELECT time FROM events WHERE seq = (SELECT MAX(seq) FROM events))`).Scan(&oldest, &newest)
	stats.Oldest, stats.Newest = optionalTime(oldest), optionalTime(newest)
	return stats, err
}
