package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/adic-network/router/event"
)

// A typeName is what a number of the table of types stands for.
type typeName struct {
	name  string
	class event.Priority
}

// typeNames are the types by number, as far as they were needed. Rows of that table never
// change their name.
type typeNames struct {
	mu    sync.RWMutex
	names map[int64]typeName
}

func (t *typeNames) name(ctx context.Context, q querier, num int64) (typeName, error) {
	t.mu.RLock()
	n, ok := t.names[num]
	t.mu.RUnlock()
	if ok {
		return n, nil
	}
	rows, err := readTypes(ctx, q)
	if err != nil {
		return n, err
	}
	names := make(map[int64]typeName, len(rows))
	for _, row := range rows {
		names[row.num] = row.typeName
	}
	if n, ok = names[num]; !ok {
		return n, fmt.Errorf("the database is damaged: an event has the unknown type number %d", num)
	}
	t.mu.Lock()
	t.names = names
	t.mu.Unlock()
	return n, nil
}

type typeRow struct {
	typeName
	num, events int64
}

func readTypes(ctx context.Context, q querier) ([]typeRow, error) {
	return scan(ctx, q, `SELECT num, name, class, events FROM types ORDER BY num`, nil, func(row scanner) (t typeRow, err error) {
		err = row.Scan(&t.num, &t.name, &t.class, &t.events)
		return t, err
	})
}

// events is the projection of the events themselves.
type events struct {
	types map[typeName]*typeRow
	args  []any
	last  int64 // number of a type
}

func newEvents() *events { return &events{types: map[typeName]*typeRow{}} }

func (p *events) note(*fact) {}

func (p *events) load(ctx context.Context, w *writer) error {
	rows, err := readTypes(ctx, w.conn)
	for i := range rows {
		p.types[rows[i].typeName] = &rows[i]
		p.last = max(p.last, rows[i].num)
	}
	return err
}

func (p *events) apply(f *fact) {
	name := typeName{clean(f.Type), f.Class}
	t := p.types[name]
	if t == nil {
		p.last++
		t = &typeRow{typeName: name, num: p.last}
		p.types[name] = t
	}
	t.events++
	p.args = append(p.args, f.seq, clean(f.ID), int64(f.Position), t.num, micros(f.Time), micros(f.Received), f.document())
}

const eventColumns = `seq, cursor, position, type, time, received, data`

var (
	saveEvents = many{head: `INSERT INTO events (` + eventColumns + `) VALUES `, columns: 7}
	saveTypes  = many{
		head:    `INSERT INTO types (num, name, class, events) VALUES `,
		tail:    ` ON CONFLICT (num) DO UPDATE SET events = excluded.events`,
		columns: 4,
	}
)

func (p *events) save(ctx context.Context, w *writer) error {
	var args []any
	for _, t := range p.types {
		args = append(args, t.num, t.name, int64(t.class), t.events)
	}
	if err := w.exec(ctx, saveTypes, args); err != nil {
		return err
	}
	return w.exec(ctx, saveEvents, p.args)
}

// stored is a row of events.
type stored struct {
	seq            int64
	cursor         string
	position       int64
	typ            int64
	time, received int64
	data           string
}

func (e *stored) scan(row scanner, more ...any) error {
	return row.Scan(append([]any{&e.seq, &e.cursor, &e.position, &e.typ, &e.time, &e.received, &e.data}, more...)...)
}

func scanEvent(row scanner) (e stored, err error) {
	err = e.scan(row)
	return e, err
}

func (s *Store) public(ctx context.Context, e *stored) (Event, error) {
	t, err := s.names.name(ctx, s.read, e.typ)
	return Event{
		Seq: e.seq, ID: e.cursor, Type: t.name, Priority: t.class.String(),
		Time: fromMicros(e.time), Received: fromMicros(e.received), Event: []byte(e.data),
	}, err
}

// Events returns a page of events.
func (s *Store) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	events, err := s.events(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read events: %w", classify(err))
	}
	return events, nil
}

func (s *Store) events(ctx context.Context, q EventQuery) ([]Event, error) {
	b, err := s.within(ctx, spansOfEvents, q.Page, q.Span)
	if err != nil || b.empty() {
		return nil, err
	}
	const inBounds = `seq >= $1 AND seq < $2 AND time >= $3 AND time < $4`
	args := []any{b.fromSeq, b.toSeq, b.fromTime, b.toTime, q.Limit}
	query := `SELECT ` + eventColumns + ` FROM events WHERE ` + inBounds + ` ORDER BY ` + q.by("seq") + ` LIMIT $5`
	if len(q.Types) > 0 {
		nums, err := s.numbersOf(ctx, func(t typeName) bool { return slices.Contains(q.Types, t.name) })
		if err != nil || len(nums) == 0 {
			return nil, err
		}
		// The first of each type, by its index, and then the first of those: sorting all
		// events of the types would take as long as there are events.
		of := func(num int64) string {
			return fmt.Sprintf(`SELECT * FROM (SELECT seq FROM events WHERE type = %d AND %s ORDER BY %s LIMIT $5) AS t%[1]d`, num, inBounds, q.by("seq"))
		}
		query = `SELECT ` + eventColumns + ` FROM events WHERE seq IN (` + union(nums, of) + `) ORDER BY ` + q.by("seq") + ` LIMIT $5`
	}
	rows, err := scan(ctx, s.read, query, args, scanEvent)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i := range rows {
		if events[i], err = s.public(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// union returns the union of what of returns for each number.
func union(nums []int64, of func(num int64) string) string {
	parts := make([]string, len(nums))
	for i, num := range nums {
		parts[i] = of(num)
	}
	return strings.Join(parts, " UNION ALL ")
}

// numbersOf returns the numbers of the types that are wanted.
func (s *Store) numbersOf(ctx context.Context, wanted func(typeName) bool) ([]int64, error) {
	rows, err := readTypes(ctx, s.read)
	if err != nil {
		return nil, err
	}
	var nums []int64
	for _, row := range rows {
		if wanted(row.typeName) {
			nums = append(nums, row.num)
		}
	}
	return nums, nil
}

// Event returns the event with the number, or ErrNotFound.
func (s *Store) Event(ctx context.Context, seq int64) (Event, error) {
	var e stored
	err := e.scan(s.read.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events WHERE seq = $1`, seq))
	if errors.Is(err, sql.ErrNoRows) {
		return Event{}, fmt.Errorf("event %d: %w", seq, ErrNotFound)
	}
	if err == nil {
		var out Event
		if out, err = s.public(ctx, &e); err == nil {
			return out, nil
		}
	}
	return Event{}, fmt.Errorf("cannot read event %d: %w", seq, classify(err))
}

// Recent returns the newest events of the present stream, as many of each class as limit
// says, in the order in which they came: with them a router can begin where the index is.
func (s *Store) Recent(ctx context.Context, limit [event.NumPriorities]int) ([]Entry, error) {
	entries, err := s.recent(ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the newest events: %w", classify(err))
	}
	return entries, nil
}

func (s *Store) recent(ctx context.Context, limit [event.NumPriorities]int) ([]Entry, error) {
	at, err := readPlace(ctx, s.read, "")
	if err != nil {
		return nil, err
	}
	var branches []string
	for _, p := range event.Priorities() {
		nums, err := s.numbersOf(ctx, func(t typeName) bool { return t.class == p })
		if err != nil {
			return nil, err
		}
		if len(nums) == 0 || limit[p] <= 0 {
			continue
		}
		of := func(num int64) string {
			return fmt.Sprintf(`SELECT * FROM (SELECT seq FROM events WHERE type = %d AND seq > $1 ORDER BY seq DESC LIMIT %d) AS t%[1]d`, num, limit[p])
		}
		branches = append(branches, fmt.Sprintf(`SELECT * FROM (SELECT seq FROM (%s) AS u%d ORDER BY seq DESC LIMIT %d) AS c%[2]d`, union(nums, of), p, limit[p]))
	}
	if len(branches) == 0 {
		return nil, nil
	}
	rows, err := scan(ctx, s.read, `SELECT `+eventColumns+` FROM events WHERE seq IN (`+strings.Join(branches, " UNION ALL ")+`) ORDER BY seq`, []any{at.epochSeq}, scanEvent)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(rows))
	for i := range rows {
		e := &rows[i]
		t, err := s.names.name(ctx, s.read, e.typ)
		if err != nil {
			return nil, err
		}
		entries[i] = Entry{
			ID: e.cursor, Class: t.class, Position: uint64(e.position), Type: t.name,
			Time: fromMicros(e.time), Received: fromMicros(e.received), Data: []byte(e.data),
		}
	}
	return entries, nil
}
