package event

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// Format is one of the two JSON forms of an event.
type Format uint8

const (
	// Flat is the documented form: the fields beside the type, the timestamp
	// in RFC 3339, UTC.
	//
	//	{"type":"MessageAdded","message_id":"ab12","depth":42,"timestamp":"2024-01-15T10:30:00Z"}
	Flat Format = iota
	// Tagged is what existing nodes send: the fields in an object of their
	// own, the timestamp in Unix seconds.
	//
	//	{"type":"MessageAdded","data":{"message_id":"ab12","depth":42,"timestamp":1705314600}}
	Tagged
)

var formatNames = []string{Flat: "flat", Tagged: "tagged"}

// String returns the value of the query parameter `format` that asks for f.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat reads the query parameter `format`. An empty value counts as
// absent and means flat.
func ParseFormat(value string) (Format, error) {
	if value == "" {
		return Flat, nil
	}
	if i := slices.Index(formatNames, value); i >= 0 {
		return Format(i), nil
	}
	return 0, fmt.Errorf("unknown format %s; expected flat or tagged", quote(value))
}

// Event is a valid event of a catalogue. It is made by a [Parser], given its
// place in the stream once by [Event.Place], and from then on never changed:
// any number of goroutines may read it and send its frames. Its fields are
// exported to be read only.
type Event struct {
	// Type is the event's type in the parser's catalogue.
	Type TypeID
	// Priority is the priority of the type.
	Priority Priority
	// Seq is the position in the event's class, from 1; 0 before Place.
	Seq uint64
	// Global is the position among the events of all classes, from 1; 0
	// before Place.
	Global uint64
	// Stamp is the position of the whole stream right after this event: the
	// cursor of a client that has received everything up to here.
	Stamp Cursor
	// Accepted is when the parser took the event, in Unix nanoseconds.
	Accepted int64

	typ  *Type
	flat []byte // the flat form
	// Where the value of the timestamp is in flat, and what the tagged form
	// has in its place.
	timeStart, timeEnd int
	unix               int64

	run    *Run
	frames [NumEncodings]atomic.Pointer[[]byte] // each made on first use
}

// Place gives e its place in the stream: stamp is the position right after e,
// global its number among the events of all classes. It is called once, before
// e is shared and before its first frame is made.
func (e *Event) Place(stamp Cursor, global uint64) {
	e.Seq = stamp.Pos[e.Priority]
	e.Stamp = stamp
	e.Global = global
}

// Placed is an event whose position in its class was given elsewhere.
type Placed struct {
	Position uint64 // in its class, from 1
	Event    *Event
}

// Name returns the canonical name of the event's type: "MessageAdded".
func (e *Event) Name() string { return e.typ.Name }

// Unix returns the event's timestamp in Unix seconds.
func (e *Event) Unix() int64 { return e.unix }

// Time returns the event's timestamp, to the nanosecond.
func (e *Event) Time() time.Time {
	t, err := time.Parse(time.RFC3339, string(e.flat[e.timeStart+1:e.timeEnd-1]))
	if err != nil {
		panic(err) // the parser wrote it
	}
	return t
}

// Alias returns the dotted name of the event's type: "message.new".
func (e *Event) Alias() string { return e.typ.Alias }

// JSON returns the event as one JSON object without white space between its
// tokens, hence in one line. The bytes are shared and must not be modified.
func (e *Event) JSON(f Format) []byte {
	if f == Flat {
		return e.flat
	}
	// The frame for WebSocket without a cursor ends in the object and "}".
	frame := e.Frame(WSTagged)
	end := len(frame) - len(payloadTail)
	start := end - e.jsonLen(Tagged)
	return frame[start:end:end]
}

// Size returns the bytes of memory that e holds, for bounds on what is
// pending. It does not grow when frames are made, so that what was added to an
// account when the event came can be taken off it when the event goes.
func (e *Event) Size() int { return int(unsafe.Sizeof(*e)) + cap(e.flat) }

// The tokens of the two forms. Names need no escaping (see ParseCatalogue).
const (
	jsonHead   = `{"type":"`
	flatNeck   = `",`
	taggedNeck = `","data":{`
	flatTail   = `}`
	taggedTail = `}}`
)

// jsonLen returns the length of what appendJSON appends.
func (e *Event) jsonLen(f Format) int {
	if f == Flat {
		return len(e.flat)
	}
	var number [20]byte
	return len(e.flat) - len(flatNeck) - len(flatTail) + len(taggedNeck) + len(taggedTail) -
		(e.timeEnd - e.timeStart) + len(strconv.AppendInt(number[:0], e.unix, 10))
}

func (e *Event) appendJSON(dst []byte, f Format) []byte {
	if f == Flat {
		return append(dst, e.flat...)
	}
	fields := len(jsonHead) + len(e.typ.Name) + len(flatNeck)
	dst = append(dst, jsonHead...)
	dst = append(dst, e.typ.Name...)
	dst = append(dst, taggedNeck...)
	dst = append(dst, e.flat[fields:e.timeStart]...)
	dst = strconv.AppendInt(dst, e.unix, 10)
	dst = append(dst, e.flat[e.timeEnd:]...) // the last byte closes the data
	return append(dst, '}')
}
