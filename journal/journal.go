package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adic-network/router/event"
)

// Options make a Journal.
type Options struct {
	// Dir is the directory of its files. It is made if it is not there.
	Dir string
	// Sync is how long what was appended may stay unsynced, which is how much a
	// power failure can take. 0 is not at all: Append is never settled before
	// Commit.
	Sync time.Duration
	// Retain is how many events of each class are kept at least.
	Retain [event.NumPriorities]int
	// Catalogue is what the events of the run before are read with.
	Catalogue *event.Catalogue
	Log       *slog.Logger

	// Tests set what follows.
	boot    string // of the machine
	segment int64  // size in bytes from which a segment is not continued
}

// Journal keeps the events of one router in files. Past, Append and Commit are
// for one goroutine at a time; the other methods are safe for concurrent use.
type Journal struct {
	dir     string
	every   time.Duration
	log     *slog.Logger
	boot    string
	lock    *os.File
	segment int64
	retain  [event.NumPriorities]atomic.Int64
	at      event.Cursor
	past    [event.NumPriorities][]*event.Event
	restart Restart

	flushing sync.Mutex // held while files are synced; before mu
	mu       sync.Mutex // what follows
	classes  [event.NumPriorities]file
	torn     bool       // an Append began and did not end
	retired  []*os.File // full and not synced yet
	newNames bool       // the directory is not synced
	armed    bool       // the timer is to sync
	timer    *time.Timer
	closed   bool

	failure failure
}

// Restart is what Open found of the run before.
type Restart struct {
	Restored int    // events that were kept
	CutBytes int64  // bytes that were cut off the ends of files, as no whole events
	Skipped  int    // events that the catalogue does not take any more
	NewEpoch string // why cursors of the run before are not valid; empty if they are
}

var (
	errLocked = errors.New("another adic uses it; give each router a directory of its own")
	errClosed = errors.New("the journal is closed")
)

const lockFile = "lock"

// Open reads the journal in a directory, repairs it and goes on with it. It tells
// what it had to cut off or to leave out in one line each. Close ends it.
func Open(o Options) (*Journal, error) {
	if o.boot == "" {
		o.boot = bootID()
	}
	if o.segment == 0 {
		o.segment = segmentSize
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory of the journal: %w", err)
	}
	lock, err := lock(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the journal %s: %w", o.Dir, err)
	}
	j := &Journal{dir: o.Dir, every: o.Sync, log: o.Log, boot: o.boot, segment: o.segment, lock: lock}
	for p, n := range o.Retain {
		j.retain[p].Store(int64(n))
	}
	if err := j.open(o); err != nil {
		for p := range j.classes {
			if f := j.classes[p].f; f != nil {
				f.Close()
			}
		}
		lock.Close()
		return nil, fmt.Errorf("cannot use the journal %s: %w", o.Dir, err)
	}
	j.timer = time.AfterFunc(time.Hour, j.syncDue)
	j.timer.Stop()
	return j, nil
}

func (j *Journal) open(o Options) error {
	r, err := readDir(o)
	if err != nil {
		return err
	}
	j.at, j.past = r.events()
	j.restart = Restart{CutBytes: r.cut, Skipped: r.skipped}
	for _, events := range j.past {
		j.restart.Restored += len(events)
	}
	if j.at.Epoch == r.header.epoch {
		err = j.resume(r)
	} else {
		j.restart.NewEpoch = r.reasons[0]
		o.Log.Warn("journal: a new stream begins with what could be kept; clients that resume are told of an unknown loss",
			"reasons", r.reasons, "kept", j.restart.Restored, "skipped", r.skipped, "cut_bytes", r.cut)
		err = j.rewrite()
	}
	if err == nil {
		err = syncDir(o.Dir)
	}
	if err == nil {
		err = header{epoch: j.at.Epoch, boot: o.boot, ahead: o.Sync == 0}.write(o.Dir)
	}
	if err != nil {
		return err
	}
	if j.at.Epoch != r.header.epoch {
		for p := range r.classes {
			r.strays = append(r.strays, r.classes[p].segments...)
		}
	}
	for _, s := range r.strays {
		if err := os.Remove(filepath.Join(o.Dir, s.name())); err != nil {
			o.Log.Warn("journal: cannot remove a file that is of no use any more", "error", err)
		}
	}
	return nil
}

// resume goes on with the files that r found.
func (j *Journal) resume(r *recovery) error {
	for p := range r.classes {
		c, found := &j.classes[p], &r.classes[p]
		if len(found.segments) == 0 { // of a new journal
			if err := c.begin(j.dir, segment{j.at.Epoch, event.Priority(p), 1}); err != nil {
				return err
			}
			continue
		}
		// Until now a synced file is no condition for its events being shown.
		for _, s := range found.segments[:len(found.segments)-1] {
			if err := syncFile(filepath.Join(j.dir, s.name())); err != nil {
				return err
			}
		}
		if err := c.goOn(j.dir, found); err != nil {
			return err
		}
	}
	return nil
}

// rewrite begins a new stream with the events of the past.
func (j *Journal) rewrite() error {
	for p := range j.classes {
		c := &j.classes[p]
		if err := c.begin(j.dir, segment{j.at.Epoch, event.Priority(p), 1}); err != nil {
			return err
		}
		for _, e := range j.past[p] {
			c.buf = appendRecord(c.buf, e, 0)
			c.count++
			if len(c.buf) < 1<<20 && e != j.past[p][len(j.past[p])-1] {
				continue
			}
			if err := c.write(); err != nil {
				return err
			}
			c.wrote()
			c.settle()
		}
		if err := c.f.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// Past returns the position at which the stream goes on, which names its epoch,
// and what was kept: of each class the newest events, without a gap, up to that
// position. It is called once: the caller owns the events from then on.
func (j *Journal) Past() (at event.Cursor, events [event.NumPriorities][]*event.Event) {
	events, j.past = j.past, events
	return j.at, events
}

// Restart says what Open found.
func (j *Journal) Restart() Restart { return j.restart }

// Retain changes how many events of each class are kept at least.
func (j *Journal) Retain(n [event.NumPriorities]int) {
	for p := range n {
		j.retain[p].Store(int64(n[p]))
	}
}

// Append keeps a batch of events that have their places, at least one, whole or
// not at all. The caller keeps batch.
// They follow what was appended before or, where a fault kept the caller from going
// on with that, what was there before: the last batch, or what was not committed,
// is then given up. settled says that they may be shown
// and acknowledged; otherwise Commit has to come first. The error is the system's
// reason alone, such as ENOSPC.
func (j *Journal) Append(batch []*event.Event) (settled bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(batch); err != nil {
		return false, j.failed(err)
	}
	for p := range j.classes {
		j.classes[p].encode(batch)
	}
	j.torn = true
	for p := range j.classes {
		c := &j.classes[p]
		if err := c.write(); err != nil {
			j.failure.class, j.failure.size = event.Priority(p), len(c.buf)
			return false, j.failed(errors.Join(err, j.repair()))
		}
	}
	for p := range j.classes {
		j.classes[p].wrote()
	}
	j.torn = false
	j.failure.clear(j)
	if j.every == 0 {
		return false, nil
	}
	if !j.armed {
		j.armed = true
		j.timer.Reset(j.every)
	}
	return true, nil
}

// ready prepares the files for a batch.
func (j *Journal) ready(batch []*event.Event) error {
	switch {
	case j.closed:
		return errClosed
	case j.failure.lasting != nil:
		return j.failure.lasting
	}
	if j.torn {
		if err := j.repair(); err != nil {
			return err
		}
	}
	before := batch[0].Stamp.Pos
	before[batch[0].Priority]--
	switch before {
	case j.last():
		j.confirm()
	case j.safe():
		if err := j.giveUp(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("a batch begins after positions %v and the journal ends at %v", before, j.last())
	}
	return j.roll()
}

// confirm settles what was appended, of which the caller knows, where it takes no
// Commit.
func (j *Journal) confirm() {
	if j.every == 0 {
		return
	}
	for p := range j.classes {
		j.classes[p].settle()
	}
}

// last is the position after everything that was appended.
func (j *Journal) last() (pos [event.NumPriorities]uint64) {
	for p := range j.classes {
		pos[p] = j.classes[p].last
	}
	return pos
}

// safe is the position after everything that is not to be given up.
func (j *Journal) safe() (pos [event.NumPriorities]uint64) {
	for p := range j.classes {
		pos[p] = j.classes[p].safeLast
	}
	return pos
}
