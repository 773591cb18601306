package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/adic-network/router/event"
)

// A record is an event in a segment:
//
//	bytes  0-3   length of the body, little-endian like all that follows
//	bytes  4-7   CRC-32C of the body
//	bytes  8-11  CRC-32C of bytes 0-7
//	body         position after the event in each class, as three uvarints;
//	             how many events of its batch come after it, as a uvarint;
//	             when it was accepted, in Unix nanoseconds, eight bytes;
//	             the event in its flat form, which names its type
//
// The head has a checksum of its own so that a length that was damaged is not
// taken for that of a record whose end was never written.
type record struct {
	pos      [event.NumPriorities]uint64
	left     uint64
	accepted int64
	json     []byte
}

const (
	recordHead = 12
	// maxBody bounds a body: an event is at most 64 MiB (stream.max_event_size).
	maxBody = 128 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errTorn says that the end of a record is missing.
	errTorn = errors.New("the end of the last record is missing")
	// errDamaged says that a record is not what was written.
	errDamaged = errors.New("checksum does not match")
)

// global is the number of the event among those of all classes, from 1.
func (r *record) global() uint64 { return sum(r.pos) }

// batchEnd is the number of the last event of its batch.
func (r *record) batchEnd() uint64 { return r.global() + r.left }

func sum(pos [event.NumPriorities]uint64) (n uint64) {
	for _, v := range pos {
		n += v
	}
	return n
}

// appendRecord appends the record of an event that is placed to dst.
func appendRecord(dst []byte, e *event.Event, left int) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, recordHead)...)
	for _, pos := range e.Stamp.Pos {
		dst = binary.AppendUvarint(dst, pos)
	}
	dst = binary.AppendUvarint(dst, uint64(left))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Accepted))
	dst = append(dst, e.JSON(event.Flat)...)
	body := dst[start+recordHead:]
	putHead(dst[start:], len(body), crc32.Checksum(body, castagnoli))
	return dst
}

func putHead(head []byte, length int, sum uint32) {
	binary.LittleEndian.PutUint32(head[0:], uint32(length))
	binary.LittleEndian.PutUint32(head[4:], sum)
	binary.LittleEndian.PutUint32(head[8:], crc32.Checksum(head[:8], castagnoli))
}

// unfinished is the beginning of a record whose end is missing, of at least size
// bytes.
func unfinished(size int) []byte {
	b := make([]byte, recordHead+size)
	putHead(b, len(b), 0)
	return b
}

// readRecord reads the record at the beginning of data, which is not empty, and
// returns its length. The record shares memory with data.
func readRecord(data []byte) (r record, n int, err error) {
	if len(data) < recordHead {
		return r, 0, errTorn
	}
	length := binary.LittleEndian.Uint32(data)
	if crc32.Checksum(data[:8], castagnoli) != binary.LittleEndian.Uint32(data[8:]) || length > maxBody {
		return r, 0, errDamaged
	}
	n = recordHead + int(length)
	if len(data) < n {
		return r, 0, errTorn
	}
	body := data[recordHead:n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(data[4:]) {
		return r, 0, errDamaged
	}
	ok := true
	number := func() uint64 {
		v, size := binary.Uvarint(body)
		if size <= 0 {
			ok = false
			return 0
		}
		body = body[size:]
		return v
	}
	for p := range r.pos {
		r.pos[p] = number()
	}
	r.left = number()
	if !ok || len(body) < 8 {
		return r, 0, errDamaged
	}
	r.accepted = int64(binary.LittleEndian.Uint64(body))
	r.json = body[8:]
	return r, n, nil
}
