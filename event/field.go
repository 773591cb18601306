package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Field is one field of a type or a record.
type Field struct {
	Name string
	Kind Kind
	// List is set where the value is an array of what Kind says.
	List bool
	// Optional is set where the field may be missing or null.
	Optional bool
	// Enum holds the values of KindEnum, as the catalogue writes them.
	Enum []string
	// Record is what KindRecord holds.
	Record *Record
}

// Record is a named object that fields can hold.
type Record struct {
	Name   string
	Fields []Field
}

// Kind is what the value of a field is.
type Kind uint8

// The kinds of field, with what a catalogue calls them.
const (
	KindString    Kind = iota // string
	KindUint                  // uint: an integer of 64 bits, never negative
	KindFloat                 // float: any number
	KindBool                  // bool
	KindTimestamp             // timestamp: RFC 3339 or Unix seconds
	KindEnum                  // enum:one|two, without regard to case and underscores
	KindRecord                // the name of a record
)

// simpleKinds are the kinds that need nothing but their name.
var simpleKinds = []string{
	KindString:    "string",
	KindUint:      "uint",
	KindFloat:     "float",
	KindBool:      "bool",
	KindTimestamp: "timestamp",
}

const (
	enumPrefix     = "enum:"
	listPrefix     = "[]"
	optionalSuffix = "?"
)

// Type returns the type of f as a catalogue writes it: "[]string", "uint?".
func (f *Field) Type() string {
	var b strings.Builder
	if f.List {
		b.WriteString(listPrefix)
	}
	switch f.Kind {
	case KindEnum:
		b.WriteString(enumPrefix + strings.Join(f.Enum, "|"))
	case KindRecord:
		b.WriteString(f.Record.Name)
	default:
		b.WriteString(simpleKinds[f.Kind])
	}
	if f.Optional {
		b.WriteString(optionalSuffix)
	}
	return b.String()
}

// fields reads an array of field declarations.
func (d *declarations) fields(v value) (fields []Field, err error) {
	if v.kind != arrayValue {
		return nil, fmt.Errorf("expected an array of fields, got %s", describe(d.data, v))
	}
	for i, elem := range elements(d.data, v) {
		f, err := d.field(elem)
		if err != nil {
			return nil, fmt.Errorf("field %d (%s): %w", i, quote(d.nameOf(elem)), err)
		}
		if slices.ContainsFunc(fields, func(other Field) bool { return other.Name == f.Name }) {
			return nil, fmt.Errorf("field %q is declared twice", f.Name)
		}
		if len(fields) == maxFields {
			return nil, fmt.Errorf("more than %d fields", maxFields)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (d *declarations) field(v value) (f Field, err error) {
	values, err := d.entry(v, "name", "type")
	if err != nil {
		return f, err
	}
	if f.Name, err = d.stringOf("name", values[0]); err != nil {
		return f, err
	}
	if err := checkName(f.Name); err != nil {
		return f, fmt.Errorf("name %w", err)
	}
	declared, err := d.stringOf("type", values[1])
	if err != nil {
		return f, err
	}
	rest, optional := strings.CutSuffix(declared, optionalSuffix)
	rest, list := strings.CutPrefix(rest, listPrefix)
	f.Optional, f.List = optional, list
	if names, ok := strings.CutPrefix(rest, enumPrefix); ok {
		f.Kind = KindEnum
		f.Enum = strings.Split(names, "|")
		return f, checkEnum(f.Enum)
	}
	if kind := slices.Index(simpleKinds, rest); kind >= 0 {
		f.Kind = Kind(kind)
		if f.Kind == KindTimestamp && (list || optional) {
			return f, errors.New("a timestamp is neither a list nor optional (where one is missing the router sets it)")
		}
		return f, nil
	}
	if f.Record = d.lookupRecord(rest); f.Record != nil {
		f.Kind = KindRecord
		return f, nil
	}
	known := func(yield func(string) bool) {
		for _, name := range simpleKinds {
			if !yield(name) {
				return
			}
		}
		for _, r := range d.records {
			if !yield(r.Name) {
				return
			}
		}
	}
	return f, fmt.Errorf("unknown type %s%s", quote(rest), didYouMean(rest, known))
}

func checkEnum(names []string) error {
	for i, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("enum value %w", err)
		}
		for _, other := range names[:i] {
			if sameEnum([]byte(other), name) {
				return fmt.Errorf("enum values %q and %q differ in case and underscores only", other, name)
			}
		}
	}
	return nil
}
