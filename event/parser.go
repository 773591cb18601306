package event

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTooLarge is in the error for an event over [Parser.MaxEventSize].
var ErrTooLarge = errors.New("too large")

// errEmpty is the error for a body without any event.
var errEmpty = errors.New("no event; expected one event, an array of events, or events separated by white space")

// BatchError says which event of a batch was refused and why.
type BatchError struct {
	Index int // of the event in the batch, from 0
	Err   error
}

func (e *BatchError) Error() string { return fmt.Sprintf("event %d: %v", e.Index, e.Err) }

// Unwrap returns the reason.
func (e *BatchError) Unwrap() error { return e.Err }

// Parser reads published events. Any number of goroutines may use it at once;
// its fields must not be changed then.
type Parser struct {
	// Catalogue holds the types that are accepted.
	Catalogue *Catalogue
	// MaxEventSize is the most bytes of one event as it is sent, from brace to
	// brace; 0 is no limit.
	MaxEventSize int
	// PassUnknown takes events of types that the catalogue lacks, where it was made
	// with [Catalogue.WithUnknown]: they keep their name and all that is in them, and
	// are of medium priority.
	PassUnknown bool
	// Now is the clock for [Event.Accepted] and for events without a
	// timestamp; nil means time.Now.
	Now func() time.Time
}

// ParseBatch reads what a publisher may send: one event, an array of events,
// or events separated by white space, told apart by the content. It takes all
// of them or none: the error is then a [*BatchError] for the first event that
// is refused, or one that says that the body is empty. An empty array is no
// event and no error. The caller keeps body.
func (p *Parser) ParseBatch(body []byte) ([]*Event, error) {
	s := scanner{data: body}
	s.space()
	if s.pos == len(body) {
		return nil, errEmpty
	}
	var (
		events []*Event
		err    error
	)
	if s.at('[') {
		events, err = p.array(&s)
	} else {
		events, err = p.sequence(&s)
	}
	if err != nil {
		return nil, &BatchError{Index: len(events), Err: err}
	}
	return events, nil
}

// ParseEvent reads one event, which may have white space around it. The caller
// keeps obj.
func (p *Parser) ParseEvent(obj []byte) (*Event, error) {
	s := scanner{data: obj}
	s.space()
	e, err := p.event(&s, p.now())
	if err != nil {
		return nil, err
	}
	s.space()
	if s.pos < len(obj) {
		return nil, s.unexpected("nothing behind the event")
	}
	return e, nil
}

func (p *Parser) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// array reads the array of events at s.pos. With an error it returns the
// events before it.
func (p *Parser) array(s *scanner) (events []*Event, err error) {
	now := p.now()
	s.pos++
	s.space()
	for !s.at(']') {
		e, err := p.event(s, now)
		if err != nil {
			return events, err
		}
		events = append(events, e)
		s.space()
		if s.at(',') {
			s.pos++
			s.space()
			if s.at(']') {
				return events, s.unexpected("an event after ','")
			}
		} else if !s.at(']') {
			return events, s.unexpected("',' or ']' after an event in an array")
		}
	}
	s.pos++
	s.space()
	if s.pos < len(s.data) {
		return events, s.unexpected("nothing behind the array")
	}
	return events, nil
}

// sequence reads the events from s.pos to the end. With an error it returns
// the events before it.
func (p *Parser) sequence(s *scanner) (events []*Event, err error) {
	now := p.now()
	for s.pos < len(s.data) {
		e, err := p.event(s, now)
		if err != nil {
			return events, err
		}
		events = append(events, e)
		if s.pos < len(s.data) && !isSpace(s.data[s.pos]) {
			return events, s.unexpected("white space between events (or an array of them)")
		}
		s.space()
	}
	return events, nil
}

// maxMembers is how many members of an object are read without allocating.
const maxMembers = 16

// event reads the event at s.pos.
func (p *Parser) event(s *scanner, now time.Time) (*Event, error) {
	start := s.pos
	s.deepest = 0
	if !s.at('{') {
		v, err := s.value(0)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("expected an object, got %s", describe(s.data, v))
	}
	var topBuf, dataBuf [maxMembers]member
	members, err := s.members(0, topBuf[:0])
	if err != nil {
		return nil, err
	}
	if size := s.pos - start; p.MaxEventSize > 0 && size > p.MaxEventSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, size, p.MaxEventSize)
	}
	data := s.data
	typ, index, err := p.typeOf(data, members)
	if err != nil {
		return nil, err
	}
	if nested := taggedData(data, members); nested != nil {
		inner := scanner{data: data, pos: nested.start}
		if members, err = inner.members(1, dataBuf[:0]); err != nil {
			return nil, err
		}
		// In the flat form there is no place for a second type.
		if m, _ := find(data, members, typeKey); m >= 0 {
			return nil, errors.New(`key "type" is not allowed inside "data"`)
		}
	} else {
		if s.deepest == maxDepth {
			return nil, fmt.Errorf("nested deeper than %d; the tagged form needs one level more", maxDepth-1)
		}
		members = slices.Delete(members, index, index+1)
	}
	if err := checkFields(data, typ.Fields, members); err != nil {
		if i, _ := find(data, members, dataKey); i >= 0 && members[i].value.kind == objectValue {
			return nil, fmt.Errorf(`%w (keys beside "type" and "data" make it the flat form)`, err)
		}
		return nil, err
	}
	var scratch [64]byte
	stamp, _ := find(data, members, timestampKey)
	if stamp < 0 {
		return build(data, typ, members, stamp, instantOf(now, scratch[:0]), now), nil
	}
	at, ok := parseTimestamp(data, members[stamp].value, scratch[:0])
	if !ok {
		return nil, mismatch(data, members[stamp].value, expectTimestamp).within(timestampKey)
	}
	return build(data, typ, members, stamp, at, now), nil
}

// typeOf returns the type that an event's members name, and the index of the
// one that does.
func (p *Parser) typeOf(data []byte, members []member) (typ *Type, index int, err error) {
	index, again := find(data, members, typeKey)
	if index < 0 {
		return nil, 0, errors.New(`missing field "type"`)
	}
	if again {
		return nil, 0, errors.New(`field "type" is given twice`)
	}
	v := members[index].value
	if v.kind != stringValue {
		return nil, 0, fmt.Errorf(`field "type": expected a string, got %s`, describe(data, v))
	}
	var scratch [64]byte
	name := text(data, v, scratch[:0])
	id, ok := p.Catalogue.LookupBytes(name)
	if !ok {
		name := string(name)
		if p.PassUnknown && p.Catalogue.unknown != nil && checkName(name) == nil {
			typ := *p.Catalogue.unknown
			typ.Name, typ.Alias = name, name
			return &typ, index, nil
		}
		return nil, 0, fmt.Errorf("unknown event type %s%s", quote(name), didYouMean(name, p.Catalogue.names()))
	}
	return p.Catalogue.Type(id), index, nil
}

// taggedData returns the object with the fields if members are those of the
// tagged form, that is `type` and an object `data` and nothing else.
func taggedData(data []byte, members []member) *value {
	if len(members) != 2 {
		return nil
	}
	i, _ := find(data, members, dataKey)
	if i < 0 || members[i].value.kind != objectValue {
		return nil
	}
	return &members[i].value
}

// build makes the event of members that were found right, the one at the index
// stamp being its timestamp; -1 is none. What can pass through is copied as it
// came.
func build(data []byte, typ *Type, members []member, stamp int, at instant, now time.Time) *Event {
	var buf [64]byte
	when := append(buf[:0], '"')
	when = at.appendRFC3339(when)
	when = append(when, '"')

	size := len(jsonHead) + len(typ.Name) + len(flatNeck) + len(flatTail)
	for _, m := range members {
		size += len(m.key.raw(data)) + len(m.value.raw(data)) + len(":,")
	}
	if stamp >= 0 {
		size += len(when) - len(members[stamp].value.raw(data))
	} else {
		size += len(stampKey) + len(when)
	}

	e := &Event{Type: typ.ID, Priority: typ.Priority, Accepted: now.UnixNano(), typ: typ, unix: at.unix}
	b := make([]byte, 0, size)
	b = append(b, jsonHead...)
	b = append(b, typ.Name...)
	b = append(b, flatNeck...)
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, m.key.raw(data)...)
		b = append(b, ':')
		if i == stamp {
			e.timeStart = len(b)
			b = append(b, when...)
		} else {
			b = appendCompact(b, data, m.value)
		}
	}
	if stamp < 0 {
		if len(members) > 0 {
			b = append(b, ',')
		}
		b = append(b, stampKey...)
		e.timeStart = len(b)
		b = append(b, when...)
	}
	e.timeEnd = e.timeStart + len(when)
	e.flat = append(b, flatTail...)
	return e
}

const (
	dataKey  = "data"
	stampKey = `"` + timestampKey + `":`
)
