package journal

import (
	"os"
	"path/filepath"

	"github.com/adic-network/router/event"
)

// file is the segment that a class is being written to, and those before it.
type file struct {
	segment
	f    *os.File
	old  []segment // oldest first
	last uint64    // position of the last event
	size int64

	// What size and last were at the last Commit or, where there are none, before
	// the last Append.
	safeLast uint64
	safeSize int64
	unsynced bool

	buf   []byte // what is being appended
	count int    // events in it
}

// keptBuffer is the largest buffer that is kept for the next batch.
const keptBuffer = 1 << 20

// begin makes s the segment to write to.
func (c *file) begin(dir string, s segment) error {
	f, err := s.create(dir)
	if err != nil {
		return err
	}
	c.segment, c.f = s, f
	c.last, c.size = s.first-1, segmentHead
	c.unsynced = true
	c.settle()
	return nil
}

// goOn goes on with the newest segment that was found.
func (c *file) goOn(dir string, found *found) error {
	n := len(found.segments) - 1
	c.old = found.segments[:n:n]
	if found.end == 0 {
		if err := c.begin(dir, found.segments[n]); err != nil {
			return err
		}
		return c.f.Sync()
	}
	s := found.segments[n]
	f, err := os.OpenFile(filepath.Join(dir, s.name()), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	c.segment, c.f = s, f
	c.last, c.size = found.last, found.end
	c.settle()
	if err := f.Truncate(c.size); err != nil {
		return err
	}
	return f.Sync()
}

// encode makes the records of the events of batch that are of this class.
func (c *file) encode(batch []*event.Event) {
	if c.buf, c.count = c.buf[:0], 0; cap(c.buf) > keptBuffer {
		c.buf = nil
	}
	for i, e := range batch {
		if e.Priority == c.class {
			c.buf = appendRecord(c.buf, e, len(batch)-1-i)
			c.count++
		}
	}
}

// write writes what was encoded behind the end.
func (c *file) write() error {
	if c.count == 0 {
		return nil
	}
	c.unsynced = true
	_, err := c.f.WriteAt(c.buf, c.size)
	return err
}

// wrote moves the end behind what was written.
func (c *file) wrote() {
	if c.count > 0 {
		c.size += int64(len(c.buf))
		c.last += uint64(c.count)
	}
	c.buf, c.count = c.buf[:0], 0
}

func (c *file) settle() { c.safeLast, c.safeSize = c.last, c.size }

// cut cuts off what is behind the end.
func (c *file) cut() error { return c.f.Truncate(c.size) }

// giveUp goes back to where everything was settled.
func (c *file) giveUp() { c.last, c.size = c.safeLast, c.safeSize }

// outdated takes the segments off that are older than the newest retain events
// before the present segment.
func (c *file) outdated(retain uint64) (gone []segment) {
	n := 0
	for n+1 < len(c.old) && c.first-c.old[n+1].first >= retain {
		n++
	}
	gone, c.old = c.old[:n:n], c.old[n:]
	return gone
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
