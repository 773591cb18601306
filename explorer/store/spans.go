package store

import (
	"context"
	"math"
	"time"
)

// Kinds of spans.
const (
	spansOfEvents   = "events"
	spansOfMessages = "messages"
)

const spanLength = 10 * time.Minute

// spanSet is which sequence numbers the rows of a batch have, by the span of time.
type spanSet map[int64]*[2]int64

func spanOf(us int64) int64 {
	length := spanLength.Microseconds()
	span := us / length
	if us%length < 0 {
		span--
	}
	return span * length
}

func (s spanSet) add(us, seq int64) {
	at := spanOf(us)
	if seqs := s[at]; seqs != nil {
		seqs[0], seqs[1] = min(seqs[0], seq), max(seqs[1], seq)
		return
	}
	s[at] = &[2]int64{seq, seq}
}

var saveSpans = many{
	head: `INSERT INTO spans (kind, time, first_seq, last_seq) VALUES `,
	tail: ` ON CONFLICT (kind, time) DO UPDATE SET
	first_seq = CASE WHEN excluded.first_seq < spans.first_seq THEN excluded.first_seq ELSE spans.first_seq END,
	last_seq = CASE WHEN excluded.last_seq > spans.last_seq THEN excluded.last_seq ELSE spans.last_seq END`,
	columns: 4,
}

func (s spanSet) save(ctx context.Context, w *writer, kind string) error {
	var args []any
	for at, seqs := range s {
		args = append(args, kind, at, seqs[0], seqs[1])
	}
	return w.exec(ctx, saveSpans, args)
}

// spans is the projection of when events were.
type spans struct{ set spanSet }

func newSpans() spans { return spans{spanSet{}} }

func (p spans) note(*fact)                                {}
func (p spans) load(context.Context, *writer) error       { return nil }
func (p spans) apply(f *fact)                             { p.set.add(micros(f.Time), f.seq) }
func (p spans) save(ctx context.Context, w *writer) error { return p.set.save(ctx, w, spansOfEvents) }

// bounds are what a list has to be within: sequence numbers and times, from inclusive to
// exclusive.
type bounds struct {
	fromSeq, toSeq   int64
	fromTime, toTime int64
}

// within returns the bounds of a page of the rows of a kind. They are empty, with toSeq
// not behind fromSeq, if no row can be in them.
func (s *Store) within(ctx context.Context, kind string, p Page, span Span) (bounds, error) {
	b := bounds{fromSeq: 1, toSeq: math.MaxInt64, fromTime: math.MinInt64, toTime: math.MaxInt64}
	if p.After.Seq != 0 {
		if p.Oldest {
			b.fromSeq = p.After.Seq + 1
		} else {
			b.toSeq = p.After.Seq
		}
	}
	if span.From.IsZero() && span.To.IsZero() {
		return b, nil
	}
	if !span.From.IsZero() {
		b.fromTime = micros(span.From)
	}
	if !span.To.IsZero() {
		b.toTime = micros(span.To)
	}
	var first, last *int64
	// A span begins up to its length before the time that is in it.
	err := s.read.QueryRowContext(ctx, `SELECT MIN(first_seq), MAX(last_seq) FROM spans WHERE kind = $1 AND time >= $2 AND time < $3`,
		kind, spanFloor(b.fromTime), b.toTime).Scan(&first, &last)
	if err != nil {
		return b, err
	}
	if first == nil {
		return bounds{}, nil
	}
	b.fromSeq, b.toSeq = max(b.fromSeq, *first), min(b.toSeq, *last+1)
	return b, nil
}

func spanFloor(us int64) int64 {
	if us == math.MinInt64 {
		return us
	}
	return spanOf(us)
}

func (b bounds) empty() bool { return b.toSeq <= b.fromSeq || b.toTime <= b.fromTime }

// by is how a page is sorted by a column with sequence numbers.
func (p Page) by(column string) string {
	if p.Oldest {
		return column
	}
	return column + " DESC"
}
