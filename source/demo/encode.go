package demo

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/adic-network/router/event"
)

func itoa(i int) string { return strconv.Itoa(i) }

// startUnknownTypes lets the types happen that only this catalogue has, the
// important ones more often as in the stories.
func (n *network) startUnknownTypes() {
	known := event.Default()
	interval := [event.NumPriorities]float64{event.High: 4, event.Medium: 10, event.Low: 40}
	for _, t := range n.catalogue.Types() {
		if _, ok := known.Lookup(t.Name); !ok {
			n.every(1, interval[t.Priority], func() { n.tell(t.Name) })
		}
	}
}

// absent is the value of a field that a story does not have, unlike nil, which
// is an optional field left empty.
type absent struct{}

// value returns what r has for the field with this name.
func (r record) value(name string) any {
	for i := 0; i < len(r.values); i += 2 {
		if r.values[i] == name {
			return r.values[i+1]
		}
	}
	return absent{}
}

// values returns the fields of a in the form that tell takes.
func (a axis) values() []any {
	return []any{
		"axis", a.axis,
		"radius", a.radius,
		"distinct_balls", a.distinctBalls,
		"required_diversity", a.requiredDiversity,
		"meets_requirement", a.meetsRequirement,
	}
}

// encode returns r in the flat form.
func (n *network) encode(r record) []byte {
	t := n.catalogue.Type(r.typ)
	b := append(make([]byte, 0, 512), `{"type":`...)
	b = appendString(b, t.Name)
	b = append(b, ',')
	return n.appendFields(b, t.Fields, r)
}

// appendFields appends the fields and the closing brace of an object. The
// catalogue has the last word on what the fields are: a value that one of them
// cannot take, and one that r does not have, is made up.
func (n *network) appendFields(b []byte, fields []event.Field, r record) []byte {
	for i := range fields {
		f := &fields[i]
		b = appendString(b, f.Name)
		b = append(b, ':')
		if encoded, ok := n.appendValue(b, f, r.value(f.Name)); ok {
			b = encoded
		} else {
			b = n.appendGeneric(b, f)
		}
		b = append(b, ',')
	}
	b[len(b)-1] = '}'
	return b
}

// appendValue appends v, and reports whether f can take it.
func (n *network) appendValue(b []byte, f *event.Field, v any) ([]byte, bool) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), f.Optional
	case []string:
		return appendList(b, v, appendString), f.List && f.Kind == event.KindString
	case []axis:
		if !f.List || f.Kind != event.KindRecord {
			return b, false
		}
		return appendList(b, v, func(b []byte, a axis) []byte {
			return n.appendFields(append(b, '{'), f.Record.Fields, record{values: a.values()})
		}), true
	}
	if f.List {
		return b, false
	}
	switch v := v.(type) {
	case string:
		return appendString(b, v), f.Kind == event.KindString || f.Kind == event.KindEnum && slices.Contains(f.Enum, v)
	case amount:
		if f.Kind == event.KindString {
			return appendString(b, v.String()), true
		}
		return append(b, v.String()...), f.Kind == event.KindFloat
	case int:
		return strconv.AppendInt(b, int64(v), 10), f.Kind == event.KindFloat || f.Kind == event.KindUint
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64), f.Kind == event.KindFloat
	case bool:
		return strconv.AppendBool(b, v), f.Kind == event.KindBool
	}
	return b, false
}

// appendGeneric appends a value that f can take, whatever it means.
func (n *network) appendGeneric(b []byte, f *event.Field) []byte {
	if f.Optional && n.chance(0.2) {
		return append(b, "null"...)
	}
	if f.List {
		return appendList(b, make([]struct{}, n.between(1, 3)), func(b []byte, _ struct{}) []byte {
			return n.appendGenericElement(b, f)
		})
	}
	return n.appendGenericElement(b, f)
}

func (n *network) appendGenericElement(b []byte, f *event.Field) []byte {
	switch f.Kind {
	case event.KindUint: // many a number counts something
		n.generic[f.Name] += uint64(n.between(0, 9))
		return strconv.AppendUint(b, n.generic[f.Name], 10)
	case event.KindFloat:
		return strconv.AppendFloat(b, round(100*n.rand.Float64(), 2), 'f', -1, 64)
	case event.KindBool:
		return strconv.AppendBool(b, n.chance(0.5))
	case event.KindTimestamp:
		return n.clock.UTC().AppendFormat(b, `"`+time.RFC3339+`"`)
	case event.KindEnum:
		return appendString(b, pick(n, f.Enum))
	case event.KindRecord:
		if len(f.Record.Fields) == 0 {
			return append(b, "{}"...)
		}
		return n.appendFields(append(b, '{'), f.Record.Fields, record{})
	default:
		return appendString(b, n.id(f.Name))
	}
}

func appendList[T any](b []byte, list []T, appendElement func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, element := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, element)
	}
	return append(b, ']')
}

// appendString appends s as JSON. What the network says is plain ASCII; names
// from a catalogue may be anything.
func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(b, quoted...)
}
