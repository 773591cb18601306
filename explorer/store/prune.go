package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

// pruneRows is about how many rows one transaction of Prune removes: writes wait for one.
const pruneRows = 1000

// Prune removes what came before a time, and returns how many events that were: events
// received before it, oldest first, their moments, the identifiers that have no event
// left, and messages that were settled, whose last event is gone. Balances, validators and
// proposals stay, and so do their identifiers. Series of ten seconds go after two days,
// whatever before is. It works in small transactions, between which others write; what it
// had done when it fails stays done. A file of SQLite does not become smaller; its room is
// used again.
func (s *Store) Prune(ctx context.Context, before time.Time) (events int64, err error) {
	for {
		n, err := s.pruneEvents(ctx, before)
		events += n
		if err != nil {
			return events, fmt.Errorf("cannot remove old events: %w", classify(err))
		}
		if n < pruneRows {
			break
		}
	}
	for from, more := int64(0), true; more; {
		if from, more, err = s.pruneMessages(ctx, from); err != nil {
			return events, fmt.Errorf("cannot remove old messages: %w", classify(err))
		}
	}
	fine := time.Now().Add(-fineKept)
	if before.After(fine) {
		fine = before
	}
	for _, of := range []struct {
		step   time.Duration
		before time.Time
	}{{fineStep, fine}, {coarseStep, before}} {
		for more := true; more; {
			if more, err = s.pruneSeries(ctx, of.step, of.before); err != nil {
				return events, fmt.Errorf("cannot remove old series: %w", classify(err))
			}
		}
	}
	return events, nil
}

// turn runs do in a transaction, when it is its turn to write.
func (s *Store) turn(ctx context.Context, do func(w *writer, at place) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.transact(ctx, func(w *writer) error {
		at, err := readPlace(ctx, w.conn, s.dialect.lock)
		if err != nil {
			return err
		}
		return do(w, at)
	})
	return err
}

func (s *Store) pruneEvents(ctx context.Context, before time.Time) (removed int64, err error) {
	err = s.turn(ctx, func(w *writer, _ place) error {
		removed = 0
		var last int64
		old, err := scan(ctx, w.conn, `SELECT seq, received FROM events ORDER BY seq LIMIT $1`, []any{pruneRows}, func(row scanner) (e stored, err error) {
			err = row.Scan(&e.seq, &e.received)
			return e, err
		})
		if err != nil {
			return err
		}
		for _, e := range old {
			if e.received >= micros(before) {
				break
			}
			last = e.seq
			removed++
		}
		if removed == 0 {
			return nil
		}
		if err := w.forget(ctx, last); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM events WHERE seq <= $1`,
			`DELETE FROM spans WHERE kind = '` + spansOfEvents + `' AND last_seq <= $1`,
		} {
			if _, err := w.conn.ExecContext(ctx, statement, last); err != nil {
				return err
			}
		}
		return totals{totalPruned: removed}.save(ctx, w)
	})
	return removed, err
}

// forget removes the moments up to the event last.
func (w *writer) forget(ctx context.Context, last int64) error {
	nums, err := column[int64](ctx, w.conn, `DELETE FROM timeline WHERE seq <= $1 RETURNING num`, last)
	if err != nil {
		return err
	}
	gone := map[int64]int64{}
	for _, num := range nums {
		gone[num]++
	}
	for num, n := range gone {
		stmt, err := w.prepare(ctx, `UPDATE identifiers SET events = events - $1 WHERE num = $2`)
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, n, num); err != nil {
			return err
		}
	}
	args := make([]any, 0, len(gone))
	for num := range gone {
		args = append(args, num)
	}
	return w.exec(ctx, deleteIdentifiers, args)
}

// deleteIdentifiers removes those without events, but for those of which more than their
// events is known.
var deleteIdentifiers = many{
	head:    `DELETE FROM identifiers WHERE events = 0 AND kind NOT IN ('` + kindAddress + `', '` + kindValidator + `', '` + kindProposal + `') AND num IN (`,
	tail:    `)`,
	columns: 1,
}

var deleteMessages = many{head: `DELETE FROM messages WHERE seq IN (`, tail: `)`, columns: 1}

// pruneMessages removes settled messages without an event that is stored, of those from
// the number from on, and returns where to go on.
func (s *Store) pruneMessages(ctx context.Context, from int64) (next int64, more bool, err error) {
	err = s.turn(ctx, func(w *writer, _ place) error {
		var oldest *int64
		if err := w.conn.QueryRowContext(ctx, `SELECT MIN(seq) FROM events`).Scan(&oldest); err != nil {
			return err
		}
		first := int64(math.MaxInt64)
		if oldest != nil {
			first = *oldest
		}
		rows, err := scan(ctx, w.conn, `SELECT `+messageColumns+` FROM messages WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3`,
			[]any{from, first, pruneRows}, func(row scanner) (m message, err error) {
				err = m.scan(row)
				return m, err
			})
		if err != nil {
			return err
		}
		t := totals{}
		var args []any
		for _, m := range rows {
			next = m.seq + 1
			if (m.state == messageFinalized || m.state == messageRejected) && m.lastSeq < first {
				args = append(args, m.seq)
				t[totalMessages+m.state]--
			}
		}
		more = len(rows) == pruneRows
		if err := w.exec(ctx, deleteMessages, args); err != nil {
			return err
		}
		if err := t.save(ctx, w); err != nil || more {
			return err
		}
		_, err = w.conn.ExecContext(ctx, `DELETE FROM spans WHERE kind = '`+spansOfMessages+`'
			AND last_seq < (SELECT COALESCE(MIN(seq), $1) FROM messages)`, int64(math.MaxInt64))
		return err
	})
	return next, more, err
}

func (s *Store) pruneSeries(ctx context.Context, step time.Duration, before time.Time) (more bool, err error) {
	err = s.turn(ctx, func(w *writer, _ place) error {
		result, err := w.conn.ExecContext(ctx, `DELETE FROM series WHERE step = $1 AND time < $2 AND time <=
			(SELECT MAX(time) FROM (SELECT time FROM series WHERE step = $1 AND time < $2 ORDER BY time LIMIT $3) AS oldest)`,
			int64(step/time.Second), stepOf(micros(before), step), pruneRows)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		more = n >= pruneRows
		return err
	})
	return more, err
}
