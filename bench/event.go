package bench

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// class is a priority class of the router.
type class uint8

const (
	high class = iota
	medium
	low
	classes // their number
)

var classNames = [classes]string{"high", "medium", "low"}

func (c class) String() string { return classNames[c] }

// published is the one type of each class that the generator publishes, with
// the alias that filters may name it by.
var published = [classes]struct{ name, alias string }{
	high:   {"MessageAdded", "message.new"},
	medium: {"SyncProgress", "sync.progress"},
	low:    {"NodeStarted", "node.started"},
}

// mix is the order in which classes are published: 60 % high, 30 % medium,
// 10 % low, spread evenly.
var mix = [10]class{high, high, medium, high, high, medium, high, low, high, medium}

// appendEvent appends one event in the flat form, padded to size bytes if it is
// shorter. The fields that a client looks for come first, so that its search is
// short.
func appendEvent(dst []byte, run string, c class, seq uint32, sent time.Time, size int) []byte {
	start := len(dst)
	dst = appendStamp(dst, published[c].name, run, c, seq, sent)
	switch c {
	case high:
		dst = append(dst, `,"message_id":"bench-`...)
		dst = strconv.AppendUint(dst, uint64(seq), 10)
		dst = append(dst, `","depth":`...)
		dst = strconv.AppendUint(dst, uint64(seq), 10)
	case medium:
		dst = append(dst, `,"peer_id":"bench","synced_messages":`...)
		dst = strconv.AppendUint(dst, uint64(seq), 10)
		dst = append(dst, `,"progress_percent":12.5`...)
	case low:
		dst = append(dst, `,"node_id":"bench","version":"1.0.0"`...)
	}
	return appendTail(dst, sent, size-(len(dst)-start))
}

// appendGroupEvent appends one event for a group of clients.
func appendGroupEvent(dst []byte, run string, group int, seq uint32, sent time.Time, size int) []byte {
	start := len(dst)
	dst = appendStamp(dst, groupTypes[group].name, run, high, seq, sent)
	dst = append(dst, ',')
	dst = append(dst, groupTypes[group].fields...)
	return appendTail(dst, sent, size-(len(dst)-start))
}

// appendStamp appends the beginning of an event up to its own fields.
func appendStamp(dst []byte, name, run string, c class, seq uint32, sent time.Time) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, name...)
	dst = append(dst, `","run":"`...)
	dst = append(dst, run...)
	dst = append(dst, `","class":"`...)
	dst = append(dst, c.String()...)
	dst = append(dst, `","seq":`...)
	dst = strconv.AppendUint(dst, uint64(seq), 10)
	dst = append(dst, `,"sent_ns":`...)
	return strconv.AppendInt(dst, sent.UnixNano(), 10)
}

// appendTail appends the end of an event, with padding if there is room for it.
func appendTail(dst []byte, sent time.Time, room int) []byte {
	start := len(dst)
	dst = append(dst, `,"timestamp":"`...)
	dst = sent.UTC().AppendFormat(dst, time.RFC3339)
	dst = append(dst, '"')
	const frame = len(`,"pad":""}`)
	if pad := room - (len(dst) - start) - frame; pad > 0 {
		dst = append(dst, `,"pad":"`...)
		dst = append(dst, bytes.Repeat([]byte{'x'}, pad)...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// stamp is what the generator put into one of its events.
type stamp struct {
	class  class
	seq    uint32
	sentNS int64 // Unix nanoseconds
}

// errStamp reports an event of this run whose own fields did not come back as
// they were published.
var errStamp = errors.New("event of this run with changed fields")

// maxStamp is the longest stamp, from the mark of its run to the comma behind it,
// and some more.
const maxStamp = 128

// marker finds the events of one run.
type marker struct {
	run   []byte
	class [classes][]byte
}

func newMarker(run string) *marker {
	m := &marker{run: []byte(`"run":"` + run + `","class":"`)}
	for c := range classes {
		m.class[c] = []byte(c.String() + `","seq":`)
	}
	return m
}

// find looks for the stamp in the JSON of an event. found is false for events
// that are not of this run. It allocates nothing.
func (m *marker) find(event []byte) (s stamp, found bool, err error) {
	i := bytes.Index(event, m.run)
	if i < 0 {
		return stamp{}, false, nil
	}
	rest := event[i+len(m.run):]
	for c := range classes {
		digits, ok := bytes.CutPrefix(rest, m.class[c])
		if !ok {
			continue
		}
		seq, rest := leadingUint(digits)
		digits, ok = bytes.CutPrefix(rest, []byte(`,"sent_ns":`))
		sent, rest := leadingUint(digits)
		if !ok || seq == 0 || seq > math.MaxUint32 || sent == 0 || len(rest) == 0 || rest[0] != ',' {
			return stamp{}, true, errStamp
		}
		return stamp{class: c, seq: uint32(seq), sentNS: int64(sent)}, true, nil
	}
	return stamp{}, true, errStamp
}

// leadingUint reads the decimal number that b begins with. No digits, and more
// than fit an int64, give 0.
func leadingUint(b []byte) (n uint64, rest []byte) {
	i := 0
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	if i > len("9223372036854775807") || n > math.MaxInt64 {
		n = 0
	}
	return n, b[i:]
}

// expectedClasses says which of the published types a client with these stream
// parameters receives. It knows the three types only: whether the rest of a
// filter is valid is the router's to say.
func expectedClasses(events, priority string) ([classes]bool, error) {
	var want [classes]bool
	for c := range classes {
		want[c] = matchesEvents(events, c) && matchesPriority(priority, c)
	}
	if !slices.Contains(want[:], true) {
		return want, fmt.Errorf("the filter events=%q priority=%q matches none of the events that are published (%s, %s, %s): "+
			"widen it, or listen only with a rate of 0", events, priority, published[high].name, published[medium].name, published[low].name)
	}
	return want, nil
}

func matchesEvents(filter string, c class) bool {
	if filter == "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(filter, ","), func(item string) bool {
		item = strings.TrimSpace(item)
		prefix, isPrefix := strings.CutSuffix(item, "*")
		return item == "all" || item == published[c].name || item == published[c].alias ||
			isPrefix && strings.HasSuffix(prefix, ".") && strings.HasPrefix(published[c].alias, prefix)
	})
}

func matchesPriority(filter string, c class) bool {
	if filter == "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(filter, ","), func(item string) bool {
		item = strings.TrimSpace(item)
		return item == "all" || item == c.String()
	})
}
