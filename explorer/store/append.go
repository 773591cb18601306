package store

import (
	"context"
	"fmt"

	"github.com/adic-network/router/event"
)

// A projection is a part of the index that is made of events. It lives for one
// transaction: it hears of all events of a batch, loads the rows that they are about,
// applies the events in their order and saves what has changed.
type projection interface {
	note(f *fact)
	load(ctx context.Context, w *writer) error
	apply(f *fact)
	save(ctx context.Context, w *writer) error
}

// doubt is an Append whose commit failed.
type doubt struct{ from, to Position }

// Append stores entries, and that the index has come to to, in one transaction: all of it
// or, with an error, nothing. from is the position that the caller believes the store to
// have; another one is [ErrConflict]. Entries at or behind it, by class, were stored
// before and are passed over, unless to is in another epoch. It may be called again with
// the same arguments after any error; it knows by itself whether a commit whose answer
// was lost came through.
func (s *Store) Append(ctx context.Context, from Position, entries []Entry, to Position) error {
	if err := checkBatch(from, entries, to); err != nil {
		return fmt.Errorf("cannot store events: %w", err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	committing, err := s.transact(ctx, func(w *writer) error {
		at, err := readPlace(ctx, w.conn, s.dialect.lock)
		switch {
		case err != nil:
			return err
		case at.Position == to && s.doubt != nil && *s.doubt == doubt{from, to}:
			return nil // it had come through
		case at.Position != from:
			return fmt.Errorf("%w (the index is at %v, and not at %v)", ErrConflict, at.At, from.At)
		}
		return s.put(ctx, w, at, entries, to)
	})
	if err == nil {
		s.doubt = nil
		return nil
	}
	if committing {
		s.doubt = &doubt{from, to}
	}
	return fmt.Errorf("cannot store events: %w", explain(classify(err)))
}

// checkBatch finds mistakes of the caller that would make the position a lie.
func checkBatch(from Position, entries []Entry, to Position) error {
	if clean(to.Cursor) != to.Cursor {
		return fmt.Errorf("%.40q is no cursor: it is longer than %d bytes, or no text", to.Cursor, maxText)
	}
	same := from.At.Epoch == to.At.Epoch
	for _, p := range event.Priorities() {
		if same && to.At.Pos[p] < from.At.Pos[p] {
			return fmt.Errorf("the position goes back from %v to %v", from.At, to.At)
		}
	}
	for i := range entries {
		switch e := &entries[i]; {
		case e.Lost != nil:
		case e.Class >= event.NumPriorities:
			return fmt.Errorf("entry %d: unknown class %d", i, e.Class)
		case e.Position == 0 || e.Position > to.At.Pos[e.Class]:
			return fmt.Errorf("entry %d: position %d of %v is not covered by %v", i, e.Position, e.Class, to.At)
		case e.Type == "":
			return fmt.Errorf("entry %d: no type", i)
		}
	}
	return nil
}

// put stores entries behind at.
func (s *Store) put(ctx context.Context, w *writer, at place, entries []Entry, to Position) error {
	stored := to.At // of the epoch: what was stored of it before
	if at.At.Epoch == to.At.Epoch {
		stored.Pos = at.At.Pos
	} else {
		stored.Pos = [event.NumPriorities]uint64{}
		at.epochSeq = at.seq
	}
	totals := totals{}
	var facts []*fact
	for i := range entries {
		e := &entries[i]
		if e.Lost != nil {
			totals.lost(e.Lost)
			continue
		}
		if e.Position <= stored.Pos[e.Class] {
			continue
		}
		at.seq++
		f, err := newFact(e, at.seq)
		if err != nil {
			return err
		}
		stored.Pos[e.Class] = e.Position
		facts = append(facts, f)
	}
	// The tips come before the timeline, which is told of new ones only.
	projections := []projection{
		newTipSet(), newMessages(totals), newAccounts(totals), newValidators(totals), newProposals(totals),
		newSeries(), newEvents(), newTimeline(), newSpans(),
	}
	for _, p := range projections {
		for _, f := range facts {
			p.note(f)
		}
		if err := p.load(ctx, w); err != nil {
			return err
		}
		for _, f := range facts {
			p.apply(f)
		}
		if err := p.save(ctx, w); err != nil {
			return err
		}
	}
	if err := totals.save(ctx, w); err != nil {
		return err
	}
	_, err := w.conn.ExecContext(ctx, `UPDATE position SET cursor = $1, epoch = $2, high = $3, medium = $4, low = $5, own = $6, seq = $7, epoch_seq = $8`,
		clean(to.Cursor), int64(to.At.Epoch), int64(to.At.Pos[event.High]), int64(to.At.Pos[event.Medium]), int64(to.At.Pos[event.Low]), to.Own, at.seq, at.epochSeq)
	return err
}
