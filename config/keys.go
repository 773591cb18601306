package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// The types of a key, as [Key.Type] names them.
const (
	TypeString   = "string"   // string
	TypeInteger  = "integer"  // int
	TypeSize     = "size"     // int, bytes
	TypeNumber   = "number"   // float64
	TypeDuration = "duration" // time.Duration
	TypeBoolean  = "boolean"  // bool
	TypeList     = "list"     // []string
)

// EnvPrefix begins the name of every environment variable that is a key.
const EnvPrefix = "ADIC_"

// Key describes one key of the configuration. It is what flags, the printed
// configuration and the documentation are made from.
type Key struct {
	Name    string // section and key: "events.high_priority_buffer"; also the flag, behind "--"
	Env     string // environment variable: "ADIC_EVENTS_HIGH_PRIORITY_BUFFER"
	Also    string // another name of the variable, or empty: "ADIC_NODE_URL"
	Type    string // one of the Type constants
	Default string // as an environment variable or flag would hold it
	Doc     string // one line: what it does, then the range with its unit
	Reload  bool   // can change while the router runs
	Secret  bool   // is never to be shown

	index  []int  // of the field in Config, or of a key of a named table in that
	in     *entry // the named table that the key is of, or nil
	lo, hi any    // bounds, both allowed; nil for none
	unit   string
	oneOf  []string
	form   string // names the check in checkForm
}

// Keys returns every key, in the order of the fields of [Config]. The caller
// owns the slice.
func Keys() []Key { return newTable() }

// table is every key.
type table []Key

// newTable reads the table from the struct tags of Config. A tag that cannot
// be read is a mistake in this package, and panics.
func newTable() table {
	var t table
	defaults := Default()
	config := reflect.TypeFor[Config]()
	for section := range config.Fields() {
		for field := range section.Type.Fields() {
			if field.Type.Kind() == reflect.Map {
				continue // for newNamed
			}
			k := newKey(section.Tag.Get("toml")+".", field)
			k.index = append(slices.Clone(section.Index), field.Index...)
			k.Default = k.format(k.get(&defaults))
			t = append(t, k)
		}
	}
	return t
}

// newKey reads the tags of a field. The index and the default are for the caller
// to set.
func newKey(prefix string, field reflect.StructField) Key {
	name := prefix + field.Tag.Get("toml")
	k := Key{
		Name:   name,
		Env:    EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")),
		Also:   field.Tag.Get("also"),
		Type:   typeOf(field),
		Reload: field.Tag.Get("reload") == "true",
		Secret: field.Tag.Get("secret") == "true",
		unit:   field.Tag.Get("unit"),
		form:   field.Tag.Get("form"),
	}
	if bounds, ok := field.Tag.Lookup("range"); ok {
		lo, hi, _ := strings.Cut(bounds, "..")
		k.lo, k.hi = k.mustParse(lo), k.mustParse(hi)
	}
	if names, ok := field.Tag.Lookup("oneof"); ok {
		k.oneOf = strings.Split(names, ",")
	}
	k.Doc = field.Tag.Get("doc")
	if allowed := k.allowed(); allowed != "" {
		k.Doc += " (" + allowed + ")"
	}
	return k
}

func typeOf(field reflect.StructField) string {
	switch reflect.Zero(field.Type).Interface().(type) {
	case string:
		return TypeString
	case int:
		if field.Tag.Get("unit") == "bytes" {
			return TypeSize
		}
		return TypeInteger
	case float64:
		return TypeNumber
	case time.Duration:
		return TypeDuration
	case bool:
		return TypeBoolean
	case []string:
		return TypeList
	}
	panic(fmt.Sprintf("config: field %s is a %s, which no key can be", field.Name, field.Type))
}

// lookup returns the key of that name, or nil.
func (t table) lookup(name string) *Key {
	i := slices.IndexFunc(t, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return &t[i]
}

// sections returns the names of the sections, in order.
func (t table) sections() []string {
	var names []string
	for _, k := range t {
		if section, _ := k.split(); !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	return names
}

// split returns the section and the name in it.
func (k *Key) split() (section, name string) {
	dot := strings.LastIndexByte(k.Name, '.') // a section may be called source.relay
	return k.Name[:dot], k.Name[dot+1:]
}

// bare returns the name without what it is in.
func (k *Key) bare() string { return k.Name[strings.LastIndexByte(k.Name, '.')+1:] }

func (k *Key) get(c *Config) any {
	if k.in != nil {
		return k.in.get(c).FieldByIndex(k.index).Interface()
	}
	return reflect.ValueOf(c).Elem().FieldByIndex(k.index).Interface()
}

// set stores v, which is of the field's type.
func (k *Key) set(c *Config, v any) {
	if k.in != nil {
		k.in.set(c, k.index, v)
		return
	}
	reflect.ValueOf(c).Elem().FieldByIndex(k.index).Set(reflect.ValueOf(v))
}

// allowed says what the key may be, or "" where its type says it all.
func (k *Key) allowed() string {
	switch {
	case k.lo != nil && (k.unit == "" || k.Type == TypeSize):
		return k.format(k.lo) + " to " + k.format(k.hi)
	case k.lo != nil:
		return k.format(k.lo) + " to " + k.format(k.hi) + " " + k.unit
	case k.oneOf != nil:
		return oneOf(k.oneOf)
	case k.Type == TypeBoolean:
		return "true or false"
	}
	return ""
}

// oneOf joins names: "a, b or c".
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// hidden is shown in place of a secret.
const hidden = "***"

// mask hides a secret but not whether there is one.
func mask(secret string) string {
	if secret == "" {
		return ""
	}
	return hidden
}
