package event

import (
	_ "embed"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// TypeID is the position of a type in its catalogue, from 0.
type TypeID uint8

// MaxTypes is the most types that a catalogue can hold.
const MaxTypes = 1 << 8

// Type is one type of event.
type Type struct {
	ID TypeID
	// Name is the canonical name, under which events go out: "MessageAdded".
	Name string
	// Alias is the dotted name, which the tagged form of SSE and filters use:
	// "message.new".
	Alias    string
	Priority Priority
	Fields   []Field // exactly one of them is the timestamp
}

// Catalogue is the set of types that a router knows. It never changes; any
// number of goroutines may use it. What its methods return is shared and must
// not be modified.
type Catalogue struct {
	types      []Type            // unknown, if there is one, comes last
	unknown    *Type             // of WithUnknown; nil without
	byName     map[string]TypeID // names and aliases
	all        TypeSet
	byPriority [NumPriorities]TypeSet
	json       []byte
}

//go:embed events.json
var defaultJSON []byte

var defaultCatalogue = sync.OnceValue(func() *Catalogue {
	c, err := ParseCatalogue(defaultJSON)
	if err != nil {
		panic("event: the embedded catalogue: " + err.Error())
	}
	return c
})

// Default returns the catalogue of the ADIC network. It is parsed once.
func Default() *Catalogue { return defaultCatalogue() }

// newCatalogue takes over types that are right and have their IDs.
func newCatalogue(types []Type, records []Record) *Catalogue {
	c := &Catalogue{types: types, byName: make(map[string]TypeID, 2*len(types))}
	for _, t := range types {
		c.byName[t.Name] = t.ID
		c.byName[t.Alias] = t.ID
		c.all = c.all.With(t.ID)
		c.byPriority[t.Priority] = c.byPriority[t.Priority].With(t.ID)
	}
	c.json = appendCatalogue(nil, types, records)
	return c
}

// Len returns the number of types.
func (c *Catalogue) Len() int { return len(c.Types()) }

// Types returns the types in catalogue order, which is that of their IDs.
func (c *Catalogue) Types() []Type {
	if c.unknown != nil {
		return c.types[:len(c.types)-1]
	}
	return c.types
}

// Type returns the type with the ID. It panics if the catalogue has none.
func (c *Catalogue) Type(id TypeID) *Type { return &c.types[id] }

// WithUnknown returns c with one type more, without a name, for events of types that c
// lacks (see [Parser.PassUnknown]). It is of medium priority and part of All.
func (c *Catalogue) WithUnknown() (*Catalogue, error) {
	if c.unknown != nil {
		return c, nil
	}
	if len(c.types) == MaxTypes {
		return nil, fmt.Errorf("a catalogue of %d types has no room for unknown ones", MaxTypes)
	}
	id := TypeID(len(c.types))
	d := *c
	d.types = append(slices.Clone(c.types), Type{ID: id, Priority: Medium, Fields: []Field{{Name: timestampKey, Kind: KindTimestamp}}})
	d.unknown = &d.types[id]
	d.all = c.all.With(id)
	d.byPriority[Medium] = c.byPriority[Medium].With(id)
	return &d, nil
}

// IsUnknown reports whether e is of a type that c lacks.
func (c *Catalogue) IsUnknown(e *Event) bool { return c.unknown != nil && e.Type == c.unknown.ID }

// Lookup returns the type with the name or the alias, in exact case.
func (c *Catalogue) Lookup(nameOrAlias string) (TypeID, bool) {
	id, ok := c.byName[nameOrAlias]
	return id, ok
}

// LookupBytes is [Catalogue.Lookup] for bytes. It does not allocate.
func (c *Catalogue) LookupBytes(nameOrAlias []byte) (TypeID, bool) {
	id, ok := c.byName[string(nameOrAlias)]
	return id, ok
}

// All returns the set of all types.
func (c *Catalogue) All() TypeSet { return c.all }

// OfPriorities returns the set of the types of the classes in set.
func (c *Catalogue) OfPriorities(set PrioritySet) TypeSet {
	var types TypeSet
	for _, p := range Priorities() {
		if set.Has(p) {
			types = types.Union(c.byPriority[p])
		}
	}
	return types
}

// Names returns the canonical names of the types in set, in catalogue order.
// It is never nil.
func (c *Catalogue) Names(set TypeSet) []string {
	names := make([]string, 0, set.Len())
	for _, t := range c.Types() {
		if set.Has(t.ID) {
			names = append(names, t.Name)
		}
	}
	return names
}

// JSON returns the catalogue for clients:
//
//	{"types":[{"name":"...","alias":"...","priority":"high","fields":[{"name":"...","type":"uint"}]}],
//	 "records":{"axis":[{"name":"...","type":"uint"}]}}
func (c *Catalogue) JSON() []byte { return c.json }

// names returns all names and aliases in catalogue order.
func (c *Catalogue) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, t := range c.Types() {
			if !yield(t.Name) || !yield(t.Alias) {
				return
			}
		}
	}
}

// Names need no escaping: see checkName.
func appendCatalogue(dst []byte, types []Type, records []Record) []byte {
	dst = append(dst, `{"types":[`...)
	for i, t := range types {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"name":"`+t.Name+`","alias":"`+t.Alias+`","priority":"`+t.Priority.String()+`","fields":`...)
		dst = append(appendFields(dst, t.Fields), '}')
	}
	dst = append(dst, `],"records":{`...)
	for i, r := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFields(append(dst, `"`+r.Name+`":`...), r.Fields)
	}
	return append(dst, `}}`...)
}

func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '[')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"name":"`+fields[i].Name+`","type":"`+fields[i].Type()+`"}`...)
	}
	return append(dst, ']')
}
