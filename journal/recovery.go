package journal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/adic-network/router/event"
)

// recovery is what a directory holds of the run before.
type recovery struct {
	options Options
	header  header
	classes classes
	strays  []segment // of no stream that goes on

	cut     int64    // bytes that were cut off as no whole record
	skipped int      // events that the catalogue does not take any more
	reasons []string // why the stream cannot go on; none if it can
}

// found is what is there of a class: its newest segments without a gap.
type found struct {
	segments []segment
	records  []kept // of all segments, oldest first
	last     uint64 // position of the last record; without one, the position before the first
	inLast   int    // how many of records are in the last segment
	end      int64  // of the last good record in the last segment; 0 if not even its head is good
}

func (r *recovery) broken(format string, args ...any) {
	r.reasons = append(r.reasons, fmt.Sprintf(format, args...))
}

// readDir reads the directory of o. It changes no file.
func readDir(o Options) (*recovery, error) {
	r := &recovery{options: o}
	segments, err := listSegments(o.Dir)
	if err != nil {
		return nil, err
	}
	h, there, err := readHeader(o.Dir)
	switch {
	case errors.Is(err, errNewer):
		return nil, fmt.Errorf("%w; use that version, or another directory", err)
	case errors.Is(err, errDamaged):
		r.broken("file %s is damaged", headerFile)
	case err != nil:
		return nil, err
	case !there && len(segments) > 0:
		r.broken("file %s is missing", headerFile)
	case !there:
		r.header.epoch = event.NewEpoch()
		return r, nil
	}
	if len(r.reasons) > 0 {
		if h.epoch, err = oldestEpoch(o.Dir, segments); err != nil {
			return nil, err
		}
	}
	r.header = h
	for _, s := range segments {
		if s.epoch != h.epoch {
			r.strays = append(r.strays, s)
		} else if err := r.read(s); err != nil {
			return nil, err
		}
	}
	r.check()
	return r, nil
}

// oldestEpoch finds whose segments to save where the header does not say. There are
// two epochs only where a new stream was being made of the old one.
func oldestEpoch(dir string, segments []segment) (epoch event.Epoch, err error) {
	var oldest int64
	for _, s := range segments {
		info, err := os.Stat(filepath.Join(dir, s.name()))
		if err != nil {
			return 0, err
		}
		if t := info.ModTime().UnixNano(); epoch == 0 || t < oldest {
			epoch, oldest = s.epoch, t
		}
	}
	return epoch, nil
}

// read takes in a segment; those of a class come in order.
func (r *recovery) read(s segment) error {
	data, err := os.ReadFile(filepath.Join(r.options.Dir, s.name()))
	if err != nil {
		return err
	}
	c := &r.classes[s.class]
	if len(c.segments) > 0 && c.last+1 != s.first {
		// What came before the gap is older than what comes after it, and rings
		// hold the newest.
		r.broken("%s events before position %d are damaged or missing", s.class, s.first)
		r.strays = append(r.strays, c.segments...)
		*c = found{}
	}
	records, end, err := s.read(data)
	if err != nil {
		r.tellCut(s, end, int64(len(data)), err)
	}
	if err != nil && !errors.Is(err, errTorn) {
		r.broken("%s is damaged at offset %d: %v", s.name(), end, err)
	}
	c.segments = append(c.segments, s)
	c.records = append(c.records, records...)
	c.last, c.inLast, c.end = s.first-1+uint64(len(records)), len(records), end
	return nil
}

// tellCut tells that a segment is good up to end only.
func (r *recovery) tellCut(s segment, end, size int64, why error) {
	r.cut += size - end
	r.options.Log.Warn("journal: the end of a file is cut off",
		"file", filepath.Join(r.options.Dir, s.name()), "offset", end, "bytes", size-end, "reason", why)
}

// check decides whether the stream can go on under its epoch, which it can where
// everything that was ever shown to anybody is there.
func (r *recovery) check() {
	if len(r.reasons) > 0 {
		return
	}
	h := &r.header
	for p := range r.classes {
		if len(r.classes[p].segments) == 0 {
			r.broken("there is no file of %s events", event.Priority(p))
		}
	}
	if last := positions(&r.classes); h.closed && h.pos != last {
		r.broken("it was closed at positions %v and its files end at %v", h.pos, last)
	}
	sameBoot := h.boot != "" && h.boot == r.options.boot
	if !h.closed && !sameBoot && !h.ahead {
		r.broken("the machine went down, and what was not synced may be lost")
	}
	if len(r.reasons) > 0 {
		return
	}
	rest, batches := r.classes.complete()
	if sameBoot && len(batches) > 1 {
		r.broken("%d batches are incomplete, and a process that is killed leaves one", len(batches))
		return
	}
	for p := range rest {
		if rest[p].inLast < 0 {
			r.broken("what is missing is more than what was not synced")
			return
		}
	}
	for p := range rest {
		if was := &r.classes[p]; rest[p].end < was.end {
			r.tellCut(was.segments[len(was.segments)-1], rest[p].end, was.end, errIncomplete)
		}
	}
	r.classes = rest
}

// errIncomplete is why good records are cut off.
var errIncomplete = errors.New("a part of the batch is missing in the file of another class")

// classes are what was found of all of them.
type classes [event.NumPriorities]found

func positions(c *classes) (pos [event.NumPriorities]uint64) {
	for p := range c {
		pos[p] = c[p].last
	}
	return pos
}

// complete returns c without the events of which something before them, or
// something of their batch, is missing, and the batches that these are of, by the
// number of their last event. A batch is written class by class before anybody
// sees it: such events were never seen.
func (c classes) complete() (rest classes, batches map[uint64]bool) {
	batches = make(map[uint64]bool)
	for again := true; again; {
		again = false
		last := positions(&c)
		for p := range c {
			n := len(c[p].records)
			if n == 0 {
				continue
			}
			if r := &c[p].records[n-1]; !reaches(last, r.pos) || r.batchEnd() > sum(last) {
				batches[r.batchEnd()] = true
				c[p].drop()
				again = true
			}
		}
	}
	return c, batches
}

// reaches reports whether every position of b is in a.
func reaches(a, b [event.NumPriorities]uint64) bool {
	for p := range a {
		if b[p] > a[p] {
			return false
		}
	}
	return true
}

// drop takes off the last record. What was not settled is in the last segment:
// beyond it inLast goes below 0.
func (f *found) drop() {
	n := len(f.records) - 1
	f.records, f.last = f.records[:n], f.last-1
	if f.inLast--; f.inLast <= 0 {
		f.end = min(f.end, segmentHead)
	} else {
		f.end = f.records[n-1].end
	}
}

// restored is an event with the position after it in the stream it was part of.
type restored struct {
	*event.Event
	pos [event.NumPriorities]uint64
}

// events returns the events that were kept, each with its place, and the position
// after them. What the catalogue does not take as it was ends the stream: then
// the rest begins a new one.
func (r *recovery) events() (at event.Cursor, past [event.NumPriorities][]*event.Event) {
	parser := event.Parser{Catalogue: r.options.Catalogue}
	var all []restored
	for p := range r.classes {
		for i := range r.classes[p].records {
			rec := &r.classes[p].records[i]
			e, err := parser.ParseEvent(rec.json)
			if err != nil {
				if r.skipped++; r.skipped == 1 {
					r.broken("the catalogue does not take all of its events any more: %v", err)
				}
				continue
			}
			if int(e.Priority) != p {
				r.broken("the catalogue has another priority for %s", e.Name())
			}
			e.Accepted = rec.accepted
			all = append(all, restored{e, rec.pos})
		}
	}
	if len(r.reasons) > 0 {
		return r.renumber(all)
	}
	at = event.Cursor{Epoch: r.header.epoch, Pos: positions(&r.classes)}
	for _, e := range all {
		e.Place(event.Cursor{Epoch: at.Epoch, Pos: e.pos}, sum(e.pos))
		past[e.Priority] = append(past[e.Priority], e.Event)
	}
	return at, past
}

// renumber gives the newest events places, in their order, in a new stream, of
// which no cursor was ever given out.
func (r *recovery) renumber(all []restored) (at event.Cursor, past [event.NumPriorities][]*event.Event) {
	slices.SortStableFunc(all, func(a, b restored) int { return cmp.Compare(sum(a.pos), sum(b.pos)) })
	var have [event.NumPriorities]int
	for _, e := range all {
		have[e.Priority]++
	}
	at.Epoch = event.NewEpoch()
	for _, e := range all {
		if have[e.Priority]--; have[e.Priority] >= r.options.Retain[e.Priority] {
			continue
		}
		at.Pos[e.Priority]++
		e.Place(at, sum(at.Pos))
		past[e.Priority] = append(past[e.Priority], e.Event)
	}
	return at, past
}
