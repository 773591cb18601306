package config

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// file reads a TOML document. The decoder gives the values and says what is
// not TOML or there twice; the parser says in which line each key was set.
func (l *loader) file(name string, data []byte) {
	// Some editors begin UTF-8 files with a byte order mark; the decoder takes
	// it for a key.
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var doc map[string]any
	if err := toml.Unmarshal(data, &doc); err != nil {
		l.syntax(name, err)
		return
	}
	statements, err := parseStatements(data)
	if err != nil {
		l.syntax(name, err)
		return
	}
	seen := map[string]bool{}
	for _, s := range statements {
		s.path = l.joinSection(doc, s.path)
		path := s.path[:l.depth(doc, s.path)]
		shown := showPath(path)
		if seen[shown] {
			continue
		}
		seen[shown] = true

		o := Origin{Layer: LayerFile, Name: name, Line: s.line}
		section, value := path[0], valueAt(doc, path)
		_, isTable := doc[section].(map[string]any)
		switch n := namedOf(path); {
		case !slices.Contains(l.keys.sections(), section):
			l.problems = append(l.problems, l.unknownSection(o, shown, value))
		case !isTable:
			l.problems = append(l.problems, Problem{
				Origin: o,
				Key:    shown,
				What:   describe(value) + " is not a section",
				Remedy: "write [" + section + "] and its keys in the lines below",
			})
		case n != nil:
			l.named(n, o, path, value)
		case len(path) == 1:
			// The head of a section sets nothing.
		default:
			if k := l.keys.lookup(section + "." + path[1]); k != nil {
				v, p := k.convert(value)
				l.value(k, o, v, p)
			} else {
				l.problems = append(l.problems, l.unknownKey(o, shown, section, value))
			}
		}
	}
}

// joinSection makes one name of the first two of a path where that is the name of a
// section, such as source.relay, in the document as well.
func (l *loader) joinSection(doc map[string]any, path []string) []string {
	if len(path) < 2 {
		return path
	}
	section := path[0] + "." + path[1]
	if !slices.Contains(l.keys.sections(), section) {
		return path
	}
	if outer, ok := doc[path[0]].(map[string]any); ok {
		doc[section] = outer[path[1]]
	}
	return append([]string{section}, path[2:]...)
}

// named takes what path sets in named tables. Their values are not described in
// problems: a token may stand in the wrong place.
func (l *loader) named(n *named, o Origin, path []string, value any) {
	problem := Problem{Origin: o, Key: showPath(path)}
	_, isTable := value.(map[string]any)
	switch {
	case len(path) <= 3 && !isTable:
		problem.What = "is not a table"
		problem.Remedy = "write [" + n.name + ".NAME], with a name of your choice, and " +
			strings.Join(n.keyNames(), ", ") + " in the lines below"
	case len(path) == 2:
		return // nothing is set by the head of them all
	case checkName(path[2]) != nil:
		p := checkName(path[2])
		problem.What, problem.Remedy = p.What, p.Remedy
	default:
		keys := l.open(n, o, path[2])
		if len(path) == 3 {
			return
		}
		if k := keys.lookup(strings.Join(path, ".")); k != nil {
			v, p := k.convert(value)
			l.value(k, o, v, p)
			return
		}
		head := n.name + "." + path[2]
		problem.What, problem.Remedy = "unknown key", "["+head+"] has "+strings.Join(n.keyNames(), ", ")
		if near := nearest(path[3], n.keyNames()); near != "" {
			problem.Remedy = "did you mean " + head + "." + near + "?"
		}
	}
	l.problems = append(l.problems, problem)
}

// open makes a named table where there is none yet, and returns its keys.
func (l *loader) open(n *named, o Origin, name string) table {
	keys := n.keys(name)
	if head := keys[0].in.String(); l.heads[head] == (Origin{}) {
		l.heads[head] = o
		n.add(&l.Config, name)
		for _, k := range keys {
			l.Origin[k.Name] = Origin{}
		}
	}
	return keys
}

// depth is how much of path is to be told apart: an unknown section is one
// problem, not one for each key in it, and so is a value where a section or a
// table should be.
func (l *loader) depth(doc map[string]any, path []string) int {
	most := 2
	switch n := namedOf(path); {
	case !slices.Contains(l.keys.sections(), path[0]):
		most = 1
	case n != nil && len(path) > 2 && checkName(path[2]) != nil:
		most = 3
	case n != nil:
		most = 4
	}
	most = min(most, len(path))
	for i := 1; i < most; i++ {
		if _, isTable := valueAt(doc, path[:i]).(map[string]any); !isTable {
			return i
		}
	}
	return most
}

// valueAt returns what path leads to in a document, or nil.
func valueAt(doc map[string]any, path []string) any {
	var v any = doc
	for _, name := range path {
		t, _ := v.(map[string]any)
		v = t[name]
	}
	return v
}

// syntax reports a document that is not TOML. All keys count as wrong, because
// nothing is known about them.
func (l *loader) syntax(name string, err error) {
	o := Origin{Layer: LayerFile, Name: name}
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		o.Line, o.Column = at.Position()
	}
	l.problems = append(l.problems, Problem{
		Origin: o,
		What:   "not TOML: " + strings.TrimPrefix(err.Error(), "toml: "),
		Remedy: "text needs quotes; a section or key can be there once",
	})
	for _, k := range l.keys {
		l.wrong[k.Name] = true
	}
}

// unknownSection reports what stands at the top of a file and is no section:
// a misspelt one, or a key without its section.
func (l *loader) unknownSection(o Origin, shown string, value any) Problem {
	switch value.(type) {
	case map[string]any, []any:
		remedy := "the sections are " + strings.Join(l.keys.sections(), ", ")
		if near := nearest(shown, l.keys.sections()); near != "" {
			remedy = "did you mean [" + near + "]?"
		}
		return Problem{Origin: o, Key: shown, What: "unknown section", Remedy: remedy}
	}
	return l.unknownKey(o, shown, "", value)
}

func (l *loader) unknownKey(o Origin, shown, section string, value any) Problem {
	var tables, inSection []string
	for _, n := range allNamed() {
		tables = append(tables, n.name)
		if of, name, _ := strings.Cut(n.name, "."); of == section {
			inSection = append(inSection, name+".NAME")
		}
	}
	_, isTable := value.(map[string]any)
	var remedy string
	if near := nearest(shown, tables); isTable && near != "" {
		remedy = "did you mean [" + near + ".NAME]?"
	} else if k := l.keys.nearest(shown); k != nil {
		remedy = "did you mean " + k.Name + "?"
		if right, bare := k.split(); right != section {
			remedy = "did you mean " + bare + " under [" + right + "]?"
		}
	} else if section != "" {
		remedy = "[" + section + "] has " + strings.Join(append(l.keys.in(section), inSection...), ", ")
	} else {
		remedy = "keys are written under one of the sections " + strings.Join(l.keys.sections(), ", ")
	}
	return Problem{Origin: o, Key: shown, What: "unknown key", Remedy: remedy}
}

// statement is a line of a TOML document that opens a section or sets a key.
type statement struct {
	path []string // from the section on
	line int
}

// parseStatements returns the statements of a valid document, in its order.
func parseStatements(data []byte) ([]statement, error) {
	var list []statement
	var head []string
	var p unstable.Parser
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind == unstable.KeyValue {
			list = appendAssignment(list, &p, head, e)
			continue
		}
		s := newStatement(&p, nil, e)
		list = append(list, s)
		head = s.path
	}
	return list, p.Error()
}

// appendAssignment appends what a key = value sets, which is more than one key
// if the value is a whole section or table: api = { host = "::1", port = 80 }.
func appendAssignment(list []statement, p *unstable.Parser, head []string, e *unstable.Node) []statement {
	s := newStatement(p, head, e)
	list = append(list, s)
	if e.Value().Kind == unstable.InlineTable {
		for it := e.Value().Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				list = appendAssignment(list, p, s.path, it.Node())
			}
		}
	}
	return list
}

func newStatement(p *unstable.Parser, head []string, e *unstable.Node) statement {
	s := statement{path: slices.Clone(head)}
	for it := e.Key(); it.Next(); {
		s.line = p.Shape(it.Node().Raw).Start.Line // a dotted key is on one line
		s.path = append(s.path, string(it.Node().Data))
	}
	return s
}

// showPath writes a path as TOML does, quoting what is no bare key.
func showPath(path []string) string {
	shown := make([]string, len(path))
	for i, name := range path {
		if shown[i] = name; i == 0 && slices.Contains(newTable().sections(), name) {
			continue
		}
		if name == "" || strings.ContainsFunc(name, notBare) {
			shown[i] = quote(name)
		}
	}
	return strings.Join(shown, ".")
}

// notBare reports whether r needs quotes in a key.
func notBare(r rune) bool {
	return r != '_' && r != '-' && (r > 'z' || r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
}
