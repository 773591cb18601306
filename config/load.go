package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Sources is where a configuration comes from.
type Sources struct {
	File    string            // path of a TOML file, or "" for none
	Environ []string          // NAME=VALUE each, as os.Environ returns them
	Flags   map[string]string // text of each flag that was given, by the name of its key
}

// Loaded is a valid configuration that knows where it came from.
type Loaded struct {
	Config Config
	Origin map[string]Origin // of every key, by its name
}

// Load reads a configuration from its sources. A file that cannot be read is
// an error that wraps the cause; everything else that is wrong is returned as
// [Problems], all of it.
func Load(s Sources) (*Loaded, error) {
	var data []byte
	if s.File != "" {
		var err error
		if data, err = readFile(s.File); err != nil {
			return nil, err
		}
	}
	return load(s, data)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("cannot read the configuration file %s: it is a directory (name the TOML file in it)", printable(path))
	}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot read the configuration file (correct its path, or name none to run on defaults): %w", err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("cannot read the configuration file (let the user that the router runs as read it): %w", err)
	}
	return nil, fmt.Errorf("cannot read the configuration file: %w", err)
}

// loader lays one source after another over the defaults.
type loader struct {
	Loaded
	keys     table
	problems Problems
	wrong    map[string]bool   // keys with a problem of their own
	heads    map[string]Origin // of named tables: where each begins
}

func load(s Sources, file []byte) (*Loaded, error) {
	l := &loader{
		Loaded: Loaded{Config: Default(), Origin: map[string]Origin{}},
		keys:   newTable(),
		wrong:  map[string]bool{},
		heads:  map[string]Origin{},
	}
	for _, k := range l.keys {
		l.Origin[k.Name] = Origin{}
	}
	l.file(s.File, file)
	l.environment(s.Environ)
	for name, text := range s.Flags {
		l.flag(name, text)
	}
	l.order()
	l.complete()
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return &l.Loaded, nil
}

// text sets a key from a source that holds text.
func (l *loader) text(k *Key, o Origin, text string) {
	v, p := k.parse(text)
	l.value(k, o, v, p)
}

// value sets a key to v, unless that could not be read, which p says, or is
// not allowed.
func (l *loader) value(k *Key, o Origin, v any, p *Problem) {
	var ps []Problem
	if p != nil {
		ps = []Problem{*p}
	} else {
		ps = k.check(v)
	}
	for _, p := range ps {
		p.Origin, p.Key = o, k.Name
		l.problems = append(l.problems, p)
		l.wrong[k.Name] = true
	}
	if len(ps) == 0 {
		k.set(&l.Config, v)
		l.Origin[k.Name] = o
	}
}

func (l *loader) flag(name, text string) {
	o := Origin{Layer: LayerFlag, Name: name}
	if k := l.keys.lookup(name); k != nil {
		l.text(k, o, text)
		return
	}
	remedy := "adic config lists every key"
	if n := namedLike(name); n != nil {
		remedy = n.fileOnly()
	} else if k := l.keys.nearest(name); k != nil {
		remedy = "did you mean --" + k.Name + "?"
	}
	l.problems = append(l.problems, Problem{Origin: o, What: "unknown flag", Remedy: remedy})
}

// order checks the keys against each other. Each problem is told at the key
// that was set in the higher layer, as that is the one to change. Keys that
// are wrong by themselves are left out: what they would be is not known.
func (l *loader) order() {
	for _, r := range rulesOfOrder {
		if l.wrong[r.lesser] || l.wrong[r.greater] || r.holds(&l.Config, l.keys) {
			continue
		}
		at := r.lesser
		if l.Origin[r.greater].Layer > l.Origin[r.lesser].Layer {
			at = r.greater
		}
		p := r.problem(&l.Config, l.keys, at)
		p.Origin = l.Origin[at]
		l.problems = append(l.problems, p)
	}
	for _, r := range pairs {
		if p := r.check(&l.Config, l.keys); p != nil && !l.wrong[r.first] && !l.wrong[r.second] {
			p.Origin = l.Origin[p.Key]
			l.problems = append(l.problems, *p)
		}
	}
	for _, p := range l.Config.contradictions(l.wrong) {
		p.Origin = l.Origin[p.Key]
		l.problems = append(l.problems, p)
	}
}

// complete checks the named tables for keys that may not be left out, and against
// each other.
func (l *loader) complete() {
	for _, k := range entries(&l.Config) {
		if l.wrong[k.Name] || l.Origin[k.Name].Layer != LayerDefault {
			continue
		}
		for _, p := range k.check(k.get(&l.Config)) {
			p.Origin, p.Key = l.heads[k.in.String()], k.Name
			l.problems = append(l.problems, p)
		}
	}
	for _, p := range checkNames(&l.Config) {
		p.Origin = l.Origin[p.Key]
		l.problems = append(l.problems, p)
	}
}
