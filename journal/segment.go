package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/adic-network/router/event"
)

// A segment is a file with a run of the events of one class. Its name and its
// first 32 bytes say which:
//
//	bytes  0-7   "adicseg1"
//	bytes  8-15  epoch
//	bytes 16-23  position of its first event
//	bytes 24-27  class
//	bytes 28-31  CRC-32C of bytes 0-27
type segment struct {
	epoch event.Epoch
	class event.Priority
	first uint64 // position of its first event
}

const (
	segmentMagic = "adicseg1"
	segmentHead  = 32
	segmentExt   = ".seg"

	// segmentSize is the size in bytes from which a segment is not continued.
	segmentSize = 4 << 20
)

// name is the name of the segment's file. Names of a class sort by position.
func (s segment) name() string {
	return fmt.Sprintf("%012x-%s-%016x%s", uint64(s.epoch), s.class, s.first, segmentExt)
}

func parseSegmentName(name string) (s segment, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, segmentExt), "-")
	if len(parts) != 3 {
		return s, false
	}
	epoch, err := strconv.ParseUint(parts[0], 16, 48)
	if err != nil {
		return s, false
	}
	if s.class, err = event.ParsePriority(parts[1]); err != nil {
		return s, false
	}
	if s.first, err = strconv.ParseUint(parts[2], 16, 64); err != nil {
		return s, false
	}
	s.epoch = event.Epoch(epoch)
	return s, s.name() == name && s.first > 0
}

func (s segment) head() []byte {
	b := append(make([]byte, 0, segmentHead), segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.epoch))
	b = binary.LittleEndian.AppendUint64(b, s.first)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.class))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// listSegments returns the segments in dir, those of an epoch together, in the
// order of classes and positions.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segments []segment
	for _, entry := range entries {
		if s, ok := parseSegmentName(entry.Name()); ok {
			segments = append(segments, s)
		}
	}
	slices.SortFunc(segments, func(a, b segment) int {
		if a.epoch == b.epoch && a.class != b.class {
			return int(a.class) - int(b.class)
		}
		return strings.Compare(a.name(), b.name())
	})
	return segments, nil
}

// create makes the file of a segment without events. Its name outlives a power
// failure only after the directory is synced.
func (s segment) create(dir string) (*os.File, error) {
	path := filepath.Join(dir, s.name())
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteAt(s.head(), 0); err != nil {
		f.Close()
		os.Remove(path)
		return nil, err
	}
	return f, nil
}

// kept is a record that was read, and where in its segment it ends.
type kept struct {
	record
	end int64
}

// read returns the records of a segment's file, up to the first that is wrong,
// and where they end. The error says what is wrong with what follows.
func (s segment) read(data []byte) (records []kept, end int64, err error) {
	head := s.head()
	if len(data) < segmentHead {
		if string(data) == string(head[:len(data)]) {
			return nil, 0, errTorn
		}
		return nil, 0, errDamaged
	}
	if string(data[:segmentHead]) != string(head) {
		return nil, 0, errDamaged
	}
	end = segmentHead
	for next := s.first; int(end) < len(data); next++ {
		r, n, err := readRecord(data[end:])
		if err == nil && r.pos[s.class] != next {
			err = fmt.Errorf("position %d follows position %d", r.pos[s.class], next-1)
		}
		if err != nil {
			return records, end, err
		}
		end += int64(n)
		records = append(records, kept{r, end})
	}
	return records, end, nil
}
