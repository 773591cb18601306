package store

import (
	"context"
)

// maxTips is how many tips of an update are kept. Networks have a few; a list of
// thousands would be stored anew with every update.
const maxTips = 1000

// tipSet is the projection of the messages that nothing has approved yet.
type tipSet struct {
	wanted bool
	before map[string]tipRow // in the database
	now    map[string]tipRow
}

type tipRow struct{ place, since int64 }

func newTipSet() *tipSet { return &tipSet{} }

func (p *tipSet) note(f *fact) { p.wanted = p.wanted || f.Type == "TipsUpdated" }

func (p *tipSet) load(ctx context.Context, w *writer) error {
	if !p.wanted {
		return nil
	}
	p.before, p.now = map[string]tipRow{}, map[string]tipRow{}
	rows, err := w.conn.QueryContext(ctx, `SELECT id, place, since FROM tips`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var t tipRow
		if err := rows.Scan(&id, &t.place, &t.since); err != nil {
			return err
		}
		p.before[id], p.now[id] = t, t
	}
	return rows.Err()
}

func (p *tipSet) apply(f *fact) {
	if f.Type != "TipsUpdated" {
		return
	}
	tips := f.list("tips")
	next := make(map[string]tipRow, min(len(tips), maxTips))
	for _, id := range tips {
		if _, again := next[id]; id == "" || again {
			continue
		}
		if len(next) == maxTips {
			break
		}
		row := tipRow{place: int64(len(next)), since: micros(f.Time)}
		if old, ok := p.now[id]; ok {
			row.since = old.since
		} else {
			f.tips = append(f.tips, id)
		}
		next[id] = row
	}
	p.now = next
}

var (
	deleteTips = many{head: `DELETE FROM tips WHERE id IN (`, tail: `)`, columns: 1}
	saveTips   = many{
		head:    `INSERT INTO tips (id, place, since) VALUES `,
		tail:    ` ON CONFLICT (id) DO UPDATE SET place = excluded.place, since = excluded.since`,
		columns: 3,
	}
)

func (p *tipSet) save(ctx context.Context, w *writer) error {
	var gone, changed []any
	for id := range p.before {
		if _, ok := p.now[id]; !ok {
			gone = append(gone, id)
		}
	}
	for id, row := range p.now {
		if old, ok := p.before[id]; !ok || old != row {
			changed = append(changed, id, row.place, row.since)
		}
	}
	if err := w.exec(ctx, deleteTips, gone); err != nil {
		return err
	}
	return w.exec(ctx, saveTips, changed)
}
