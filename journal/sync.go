package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/adic-network/router/event"
)

// failure is why nothing can be appended at the moment.
type failure struct {
	reason  atomic.Pointer[error] // nil while all is well
	lasting error                 // after a sync that failed: until the next start

	class event.Priority // in which a write failed
	size  int            // of that write
}

// probeInterval is how often a disk that was full is tried again.
const probeInterval = time.Second

// reason is the cause alone: paths are for the log.
func reason(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// failed notes that the journal cannot be written, and returns the reason.
func (j *Journal) failed(err error) error {
	why := reason(err)
	if j.failure.reason.Swap(&why) == nil {
		j.log.Error("journal: cannot be written, so publishing is refused", "error", err)
		if j.failure.lasting == nil && !j.closed {
			time.AfterFunc(probeInterval, j.probe)
		}
	}
	return why
}

// clear notes that it can.
func (f *failure) clear(j *Journal) {
	if f.lasting == nil && f.reason.Load() != nil && f.reason.Swap(nil) != nil {
		j.log.Info("journal: can be written again")
	}
}

// Err returns why the journal cannot be written at the moment, or nil.
func (j *Journal) Err() error {
	if err := j.failure.reason.Load(); err != nil {
		return *err
	}
	return nil
}

// probe finds out whether what could not be written can be by now. What it writes
// reads as a record whose end is missing, should the process die before it is cut
// off again.
func (j *Journal) probe() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed || j.failure.lasting != nil || j.failure.reason.Load() == nil {
		return
	}
	err := j.repair()
	if err == nil {
		c := &j.classes[j.failure.class]
		j.torn = true
		_, err = c.f.WriteAt(unfinished(j.failure.size), c.size)
		err = errors.Join(err, j.repair())
	}
	if err != nil {
		why := reason(err)
		j.failure.reason.Store(&why)
		time.AfterFunc(probeInterval, j.probe)
		return
	}
	j.failure.clear(j)
}

// repair cuts off what an Append left behind that did not end.
func (j *Journal) repair() error {
	for p := range j.classes {
		if err := j.classes[p].cut(); err != nil {
			return err
		}
	}
	j.torn = false
	return nil
}

// giveUp cuts off what was not committed.
func (j *Journal) giveUp() error {
	for p := range j.classes {
		j.classes[p].giveUp()
	}
	return j.repair()
}

// roll begins a new segment in each class whose present one is full. It waits
// until all is settled, so that what may be given up is in one file.
func (j *Journal) roll() error {
	for p := range j.classes {
		if c := &j.classes[p]; c.size != c.safeSize {
			return nil
		}
	}
	for p := range j.classes {
		c := &j.classes[p]
		if c.size < j.segment {
			continue
		}
		full, previous := c.segment, c.f
		if err := c.begin(j.dir, segment{j.at.Epoch, event.Priority(p), c.last + 1}); err != nil {
			j.failure.class, j.failure.size = event.Priority(p), segmentHead
			return err
		}
		c.old = append(c.old, full)
		j.newNames = true
		j.retired = append(j.retired, previous) // a flush may be using it
		for _, s := range c.outdated(uint64(j.retain[p].Load())) {
			if err := os.Remove(filepath.Join(j.dir, s.name())); err != nil {
				j.log.Warn("journal: cannot remove a file that is of no use any more", "error", err)
			}
		}
	}
	return nil
}

// Commit syncs what was appended. With an error, what was not committed before is
// given up, and so is the journal: what a disk lost once it may lose unsaid.
func (j *Journal) Commit() error {
	err := j.flush()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return errors.Join(err, j.giveUp())
	}
	for p := range j.classes {
		j.classes[p].settle()
	}
	return nil
}

// syncDue is called when the oldest append that is not synced has to be.
func (j *Journal) syncDue() {
	j.mu.Lock()
	j.armed = false
	j.mu.Unlock()
	_ = j.flush() // which has noted its error
}

// flush syncs everything. After an error nothing can be appended: the system
// reports a loss once, and what was lost is not known.
func (j *Journal) flush() error {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	j.mu.Lock()
	retired, newNames := j.retired, j.newNames
	j.retired, j.newNames = nil, false
	files := retired
	for p := range j.classes {
		if c := &j.classes[p]; c.unsynced {
			c.unsynced = false
			files = append(files, c.f)
		}
	}
	j.mu.Unlock()

	var err error
	for _, f := range files {
		err = errors.Join(err, f.Sync())
	}
	if newNames {
		err = errors.Join(err, syncDir(j.dir))
	}
	for _, f := range retired {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.failure.lasting = fmt.Errorf("%v when syncing; restart adic when the disk is well", reason(err))
		j.failure.reason.Store(nil) // another reason may have been told
		j.log.Error("journal: cannot be synced", "error", err)
		return j.failed(j.failure.lasting)
	}
	return nil
}

// Close syncs what was appended and ends the journal, so that the next start
// knows that nothing is missing.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.confirm()
	err := j.giveUp()
	j.mu.Unlock()
	j.timer.Stop()
	if e := j.flush(); err == nil {
		err = e
	}
	if err == nil {
		err = j.failure.lasting
	}
	h := header{epoch: j.at.Epoch, boot: j.boot, closed: true}
	for p := range j.classes {
		h.pos[p] = j.classes[p].last
		if e := j.classes[p].f.Close(); err == nil {
			err = e
		}
	}
	if err == nil {
		err = h.write(j.dir)
	}
	if e := j.lock.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("cannot close the journal: %w", err)
	}
	return nil
}
