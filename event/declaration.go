package event

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	eventsKey    = "events"
	typeKey      = "type"
	timestampKey = "timestamp"

	// maxFields is the most fields of a type or record: checkFields counts
	// them in a word.
	maxFields = 64
	// maxNameLen is the longest name.
	maxNameLen = 64
)

// reservedNames cannot be names or aliases of types.
var reservedNames = map[string]string{
	allTypes: "it selects all types in filters",
	"Lagged": "the SSE event with that name reports losses",
	"open":   "browsers' EventSource fires an event with that name itself",
	"error":  "browsers' EventSource fires an event with that name itself",
}

// ParseCatalogue reads a catalogue:
//
//	{
//	  "axis": [{"name": "radius", "type": "uint"}],
//	  "events": [
//	    {"name": "DiversityUpdated", "alias": "diversity.update", "priority": "medium",
//	     "fields": [{"name": "axes", "type": "[]axis"}, {"name": "timestamp", "type": "timestamp"}]}
//	  ]
//	}
//
// The type of a field is string, uint, float, bool, enum:one|two or the name of
// a record, which any other key of the outermost object declares; [] before it
// makes an array of it, ? behind it makes the field optional. Records hold no
// records. Every type has one field timestamp, which is a timestamp. Names are
// of letters, digits, '_', '-' and '.', at most 64 bytes. The error says which
// entry is wrong; it is not only JSON that must be right: unknown keys and
// anything that is there twice are errors too. The caller keeps data.
func ParseCatalogue(data []byte) (*Catalogue, error) {
	d := declarations{data: data}
	types, err := d.parse()
	if err != nil {
		return nil, err
	}
	return newCatalogue(types, d.records), nil
}

// declarations is the reader of a catalogue.
type declarations struct {
	data    []byte
	records []Record
}

func (d *declarations) parse() ([]Type, error) {
	s := scanner{data: d.data}
	s.space()
	top, err := s.value(0)
	if err == nil {
		s.space()
		if s.pos < len(d.data) {
			err = s.unexpected("nothing behind the catalogue")
		}
	}
	if err != nil {
		return nil, d.locate(err)
	}
	if top.kind != objectValue {
		return nil, fmt.Errorf("expected an object with the key %q, got %s", eventsKey, describe(d.data, top))
	}
	var events *value
	for _, m := range d.members(top) {
		switch name := d.string(m.key); {
		case name != eventsKey:
			if err := d.record(name, m.value); err != nil {
				return nil, fmt.Errorf("record %s: %w", quote(name), err)
			}
		case events != nil:
			return nil, fmt.Errorf("key %q is given twice", eventsKey)
		default:
			events = &m.value
		}
	}
	if events == nil {
		return nil, fmt.Errorf("missing key %q with the array of event types", eventsKey)
	}
	return d.types(*events)
}

// locate replaces the offset of a syntax error by the line.
func (d *declarations) locate(err error) error {
	var syntax *syntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	before := d.data[:syntax.offset]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("invalid JSON at line %d, column %d: %s", line, column, syntax.problem)
}

// members returns the members of an object that was scanned before.
func (d *declarations) members(v value) []member {
	s := scanner{data: d.data, pos: v.start}
	members, _ := s.members(0, nil) // was right the first time
	return members
}

func (d *declarations) string(v value) string { return string(text(d.data, v, nil)) }

// entry returns the values of an object that has exactly the keys, in their
// order.
func (d *declarations) entry(v value, keys ...string) ([]value, error) {
	if v.kind != objectValue {
		return nil, fmt.Errorf("expected an object, got %s", describe(d.data, v))
	}
	values := make([]value, len(keys))
	for _, m := range d.members(v) {
		key := d.string(m.key)
		i := slices.Index(keys, key)
		if i < 0 {
			return nil, fmt.Errorf("unknown key %s%s; expected %s", quote(key), didYouMean(key, slices.Values(keys)), strings.Join(keys, ", "))
		}
		if values[i] != (value{}) {
			return nil, fmt.Errorf("key %q is given twice", key)
		}
		values[i] = m.value
	}
	for i, key := range keys {
		if values[i] == (value{}) {
			return nil, fmt.Errorf("missing key %q", key)
		}
	}
	return values, nil
}

// stringOf returns the string v, which is the value of key.
func (d *declarations) stringOf(key string, v value) (string, error) {
	if v.kind != stringValue {
		return "", fmt.Errorf("%s: expected a string, got %s", key, describe(d.data, v))
	}
	return d.string(v), nil
}

// record reads the declaration of a record.
func (d *declarations) record(name string, v value) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("name %w", err)
	}
	if slices.Contains(simpleKinds, name) {
		return errors.New("a field type already has the name")
	}
	if d.lookupRecord(name) != nil {
		return errors.New("declared twice")
	}
	fields, err := d.fields(v)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if f.Kind == KindTimestamp {
			return fmt.Errorf("field %q: only event types have a timestamp", f.Name)
		}
		if f.Kind == KindRecord {
			return fmt.Errorf("field %q: a record cannot hold a record", f.Name)
		}
	}
	d.records = append(d.records, Record{Name: name, Fields: fields})
	return nil
}

func (d *declarations) lookupRecord(name string) *Record {
	for i := range d.records {
		if d.records[i].Name == name {
			return &d.records[i]
		}
	}
	return nil
}

// types reads the declarations of event types, after all records.
func (d *declarations) types(v value) ([]Type, error) {
	if v.kind != arrayValue {
		return nil, fmt.Errorf("%s: expected an array, got %s", eventsKey, describe(d.data, v))
	}
	var types []Type
	owners := make(map[string]string) // names and aliases, and whose they are
	for i, elem := range elements(d.data, v) {
		t, err := d.typeOf(elem)
		if err == nil {
			err = claim(owners, t)
		}
		if err != nil {
			return nil, fmt.Errorf("event %d (%s): %w", i, quote(d.nameOf(elem)), err)
		}
		if len(types) == MaxTypes {
			return nil, fmt.Errorf("more than %d event types", MaxTypes)
		}
		t.ID = TypeID(i)
		types = append(types, t)
	}
	if len(types) == 0 {
		return nil, fmt.Errorf("%s: no event types", eventsKey)
	}
	return types, nil
}

// claim makes t the owner of its name and alias.
func claim(owners map[string]string, t Type) error {
	if owner, ok := owners[t.Name]; ok {
		return fmt.Errorf("name %q is already a name or alias of %s", t.Name, owner)
	}
	if owner, ok := owners[t.Alias]; ok {
		return fmt.Errorf("alias %q is already a name or alias of %s", t.Alias, owner)
	}
	owners[t.Name], owners[t.Alias] = t.Name, t.Name
	return nil
}

// nameOf returns the name in a declaration that is wrong elsewhere, for the
// error.
func (d *declarations) nameOf(v value) string {
	if v.kind != objectValue {
		return ""
	}
	for _, m := range d.members(v) {
		if m.value.kind == stringValue && says(d.data, m.key, "name") {
			return d.string(m.value)
		}
	}
	return ""
}

// typeOf reads the declaration of one event type.
func (d *declarations) typeOf(v value) (t Type, err error) {
	values, err := d.entry(v, "name", "alias", "priority", "fields")
	if err != nil {
		return t, err
	}
	if t.Name, err = d.typeName("name", values[0]); err != nil {
		return t, err
	}
	if t.Alias, err = d.typeName("alias", values[1]); err != nil {
		return t, err
	}
	priority, err := d.stringOf("priority", values[2])
	if err != nil {
		return t, err
	}
	if t.Priority, err = ParsePriority(priority); err != nil {
		return t, err
	}
	if t.Fields, err = d.fields(values[3]); err != nil {
		return t, err
	}
	return t, checkType(t)
}

// typeName reads a name or alias of a type.
func (d *declarations) typeName(key string, v value) (string, error) {
	name, err := d.stringOf(key, v)
	if err != nil {
		return name, err
	}
	if err := checkName(name); err != nil {
		return name, fmt.Errorf("%s %w", key, err)
	}
	if why, ok := reservedNames[name]; ok {
		return name, fmt.Errorf("%s %s is reserved: %s", key, quote(name), why)
	}
	return name, nil
}

// checkType checks what the fields of an event type must be as a whole.
func checkType(t Type) error {
	stamped := false
	for _, f := range t.Fields {
		if f.Name == typeKey {
			return fmt.Errorf("field %q: the key holds the type of the event", typeKey)
		}
		if (f.Name == timestampKey) != (f.Kind == KindTimestamp) {
			return fmt.Errorf("field %q: the field %[2]q, and no other, is of type timestamp", f.Name, timestampKey)
		}
		stamped = stamped || f.Kind == KindTimestamp
	}
	if !stamped {
		return fmt.Errorf("no field %q of type timestamp", timestampKey)
	}
	return nil
}

// checkName makes sure that a name can stand in JSON, in SSE fields and between
// the commas of a query parameter as it is.
func checkName(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	if len(name) > maxNameLen {
		return fmt.Errorf("%s is longer than %d bytes", quote(name), maxNameLen)
	}
	for _, c := range []byte(name) {
		letter := 'a' <= lower(c) && lower(c) <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return fmt.Errorf("%s has characters other than letters, digits, '_', '-' and '.'", quote(name))
		}
	}
	return nil
}
