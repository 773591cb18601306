package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// identifier is what a batch adds to a row of identifiers.
type identifier struct {
	num    int64
	events int64
	last   int64
}

type identifierKey struct{ id, kind string }

// moment is a row of timeline.
type moment struct {
	seq   int64
	of    *identifier
	field string
}

// timeline is the projection of who is in which event.
type timeline struct {
	rows    map[identifierKey]*identifier
	order   []identifierKey
	moments []moment
}

func newTimeline() *timeline { return &timeline{rows: map[identifierKey]*identifier{}} }

func (p *timeline) note(*fact)                          {}
func (p *timeline) load(context.Context, *writer) error { return nil }

func (p *timeline) apply(f *fact) {
	at := micros(f.Time)
	for _, m := range f.mentions() {
		key := identifierKey{m.id, m.kind}
		row := p.rows[key]
		if row == nil {
			row = &identifier{}
			p.rows[key] = row
			p.order = append(p.order, key)
		}
		row.events++
		row.last = at
		p.moments = append(p.moments, moment{f.seq, row, m.field})
	}
}

var (
	saveIdentifiers = many{
		head: `INSERT INTO identifiers (id, kind, events, last) VALUES `,
		tail: ` ON CONFLICT (id, kind) DO UPDATE SET events = identifiers.events + excluded.events, last = excluded.last
	RETURNING num, id, kind`,
		columns: 4,
	}
	saveMoments = many{head: `INSERT INTO timeline (seq, num, field) VALUES `, columns: 3}
)

func (p *timeline) save(ctx context.Context, w *writer) error {
	args := make([]any, 0, saveIdentifiers.columns*len(p.order))
	for _, key := range p.order {
		row := p.rows[key]
		args = append(args, key.id, key.kind, row.events, row.last)
	}
	err := w.query(ctx, saveIdentifiers, args, func(row scanner) error {
		var num int64
		var key identifierKey
		if err := row.Scan(&num, &key.id, &key.kind); err != nil {
			return err
		}
		p.rows[key].num = num
		return nil
	})
	if err != nil {
		return err
	}
	args = make([]any, 0, saveMoments.columns*len(p.moments))
	for _, m := range p.moments {
		args = append(args, m.seq, m.of.num, m.field)
	}
	return w.exec(ctx, saveMoments, args)
}

// Identifiers returns what id is the identifier of, each kind of it; none if it is unknown.
func (s *Store) Identifiers(ctx context.Context, id string) ([]Identifier, error) {
	list, err := scan(ctx, s.read, `SELECT `+identifierColumns+` FROM identifiers AS i WHERE id = $1 ORDER BY kind`, []any{clean(id)}, scanIdentifier)
	if err != nil {
		return nil, fmt.Errorf("cannot look up an identifier: %w", classify(err))
	}
	return list, nil
}

// An identifier whose events retention has removed begins with its last one.
const identifierColumns = `i.id, i.kind, i.events, i.last,
	(SELECT e.time FROM timeline AS t JOIN events AS e ON e.seq = t.seq WHERE t.num = i.num ORDER BY t.seq LIMIT 1)`

func scanIdentifier(row scanner) (i Identifier, err error) {
	var last int64
	var first sql.NullInt64
	if err := row.Scan(&i.ID, &i.Kind, &i.Events, &last, &first); err != nil {
		return i, err
	}
	i.Last = fromMicros(last)
	i.First = i.Last
	if first.Valid {
		i.First = fromMicros(first.Int64)
	}
	return i, nil
}

// Timeline returns a page of the events that id is in, each event once: without a Kind,
// an event that has id as several kinds comes as one of them.
func (s *Store) Timeline(ctx context.Context, id string, q TimelineQuery) ([]Moment, error) {
	moments, err := s.timeline(ctx, clean(id), q)
	if err != nil {
		return nil, fmt.Errorf("cannot read a timeline: %w", classify(err))
	}
	return moments, nil
}

func (s *Store) timeline(ctx context.Context, id string, q TimelineQuery) ([]Moment, error) {
	b, err := s.within(ctx, spansOfEvents, q.Page, q.Span)
	if err != nil || b.empty() {
		return nil, err
	}
	kinds := map[int64]string{} // by number
	rows, err := s.read.QueryContext(ctx, `SELECT num, kind FROM identifiers WHERE id = $1 ORDER BY kind`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var nums []int64
	for rows.Next() {
		var num int64
		var kind string
		if err := rows.Scan(&num, &kind); err != nil {
			return nil, err
		}
		if q.Kind == "" || q.Kind == kind {
			kinds[num] = kind
			nums = append(nums, num)
		}
	}
	if err := rows.Err(); err != nil || len(nums) == 0 {
		return nil, err
	}
	types := ""
	if len(q.Types) > 0 {
		wanted, err := s.numbersOf(ctx, func(t typeName) bool { return slices.Contains(q.Types, t.name) })
		if err != nil || len(wanted) == 0 {
			return nil, err
		}
		types = " AND e.type IN (" + strings.Trim(strings.ReplaceAll(fmt.Sprint(wanted), " ", ","), "[]") + ")"
	}
	of := func(num int64) string {
		return fmt.Sprintf(`SELECT * FROM (SELECT e.seq, e.cursor, e.position, e.type, e.time, e.received, e.data, t.num, t.field
			FROM timeline AS t JOIN events AS e ON e.seq = t.seq
			WHERE t.num = %d AND t.seq >= $1 AND t.seq < $2 AND e.time >= $3 AND e.time < $4%s ORDER BY %s LIMIT $5) AS t%[1]d`,
			num, types, q.by("t.seq"))
	}
	query := union(nums, of) + ` ORDER BY ` + q.by("seq") + `, num`
	found, err := s.read.QueryContext(ctx, query, b.fromSeq, b.toSeq, b.fromTime, b.toTime, q.Limit)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var moments []Moment
	for found.Next() && len(moments) < q.Limit {
		var e stored
		var num int64
		var m Moment
		if err := e.scan(found, &num, &m.Field); err != nil {
			return nil, err
		}
		if n := len(moments); n > 0 && moments[n-1].Seq == e.seq {
			continue
		}
		if m.Event, err = s.public(ctx, &e); err != nil {
			return nil, err
		}
		m.Kind = kinds[num]
		moments = append(moments, m)
	}
	return moments, found.Err()
}
