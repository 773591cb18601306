package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// named is a map in Config whose values are tables with a name that the operator
// chose: [auth.publisher.NAME]. They are set in the file only: a variable could
// not tell the NAME from the key behind it.
type named struct {
	name   string // "auth.publisher"
	doc    string
	index  []int // of the map in Config
	typ    reflect.Type
	reload bool
}

// allNamed reads the struct tags of Config as newTable does.
func allNamed() []named {
	var list []named
	for section := range reflect.TypeFor[Config]().Fields() {
		for field := range section.Type.Fields() {
			if field.Type.Kind() == reflect.Map {
				list = append(list, named{
					name:   section.Tag.Get("toml") + "." + field.Tag.Get("toml"),
					doc:    field.Tag.Get("doc"),
					index:  append(slices.Clone(section.Index), field.Index...),
					typ:    field.Type.Elem(),
					reload: field.Tag.Get("reload") == "true",
				})
			}
		}
	}
	return list
}

// namedOf returns the named tables that path leads into, or nil.
func namedOf(path []string) *named {
	if len(path) < 2 {
		return nil
	}
	for _, n := range allNamed() {
		if n.name == path[0]+"."+path[1] {
			return &n
		}
	}
	return nil
}

// namedLike returns the named tables of which the name of a variable or flag would
// be a key, or nil.
func namedLike(name string) *named {
	for _, n := range allNamed() {
		if strings.HasPrefix(fold(name), fold(n.name)+"_") {
			return &n
		}
	}
	return nil
}

func (n *named) fileOnly() string {
	return "set it in the configuration file, under [" + n.name + ".NAME]"
}

// in returns the map of c.
func (n *named) in(c *Config) reflect.Value {
	return reflect.ValueOf(c).Elem().FieldByIndex(n.index)
}

// names returns the names of the tables in any of configs, in order.
func (n *named) names(configs ...*Config) []string {
	seen := map[string]bool{}
	for _, c := range configs {
		for _, name := range n.in(c).MapKeys() {
			seen[name.String()] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// keys returns the keys of one table.
func (n *named) keys(name string) table {
	var t table
	for field := range n.typ.Fields() {
		k := newKey(n.name+"."+name+".", field)
		k.Env = "" // there is none
		k.Reload = n.reload
		k.Default = field.Tag.Get("default")
		k.index = field.Index
		k.in = &entry{n, name}
		t = append(t, k)
	}
	return t
}

// keyNames returns the names that keys have in each of the tables.
func (n *named) keyNames() []string {
	var names []string
	for field := range n.typ.Fields() {
		names = append(names, field.Tag.Get("toml"))
	}
	return names
}

// add makes a table with the defaults, unless it is there.
func (n *named) add(c *Config, name string) {
	m := n.in(c)
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	if m.MapIndex(reflect.ValueOf(name)).IsValid() {
		return
	}
	m.SetMapIndex(reflect.ValueOf(name), reflect.Zero(n.typ))
	for _, k := range n.keys(name) {
		k.set(c, k.mustParse(k.Default))
	}
}

// entry is one of the named tables.
type entry struct {
	of   *named
	name string
}

func (e *entry) String() string { return e.of.name + "." + e.name }

// get returns the table, which is of zeros where c has none of that name.
func (e *entry) get(c *Config) reflect.Value {
	if v := e.of.in(c).MapIndex(reflect.ValueOf(e.name)); v.IsValid() {
		return v
	}
	return reflect.Zero(e.of.typ)
}

// set stores v in the map, which no other copy of c may share.
func (e *entry) set(c *Config, index []int, v any) {
	changed := reflect.New(e.of.typ).Elem()
	changed.Set(e.get(c))
	changed.FieldByIndex(index).Set(reflect.ValueOf(v))
	e.of.in(c).SetMapIndex(reflect.ValueOf(e.name), changed)
}

// entries returns every key of every named table of configs.
func entries(configs ...*Config) table {
	var t table
	for _, n := range allNamed() {
		for _, name := range n.names(configs...) {
			t = append(t, n.keys(name)...)
		}
	}
	return t
}

// checkNames reports names that no table may have, and tokens that two have: the
// router could not tell their holders apart.
func checkNames(c *Config) []Problem {
	var ps []Problem
	for _, n := range allNamed() {
		holders := map[string]string{}
		for _, name := range n.names(c) {
			if p := checkName(name); p != nil {
				p.Key = n.name + "." + showPath([]string{name})
				ps = append(ps, *p)
			}
			for _, k := range n.keys(name) {
				if k.form != "token_hash" {
					continue
				}
				hash := k.get(c).(string)
				if first, again := holders[hash]; again && hash != "" {
					ps = append(ps, Problem{
						Key:    k.Name,
						What:   "is the token of " + n.name + "." + first + " as well",
						Remedy: "give each a token of its own: adic token new",
					})
				}
				holders[hash] = name
			}
		}
	}
	return ps
}

// checkName takes what is a bare key in TOML, and no longer than a label should
// be.
func checkName(name string) *Problem {
	const most = 64
	if name != "" && len(name) <= most && !strings.ContainsFunc(name, notBare) {
		return nil
	}
	return &Problem{
		What:   "no name for a table",
		Remedy: "use 1 to 64 letters, digits, dashes and underscores",
	}
}
