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
		section := s.path[0]
		value := doc[section]
		table, isTable := value.(map[string]any)
		known := slices.Contains(l.keys.sections(), section)

		// An unknown section is one problem, not one for each key in it.
		shown := showPath(s.path)
		if !known || !isTable {
			shown = showPath(s.path[:1])
		}
		if seen[shown] {
			continue
		}
		seen[shown] = true

		o := Origin{Layer: LayerFile, Name: name, Line: s.line}
		switch {
		case !known:
			l.problems = append(l.problems, l.unknownSection(o, shown, value))
		case !isTable:
			l.problems = append(l.problems, Problem{
				Origin: o,
				Key:    shown,
				What:   describe(value) + " is not a section",
				Remedy: "write [" + section + "] and its keys in the lines below",
			})
		case len(s.path) == 1:
			// The head of a section sets nothing.
		default:
			if k := l.keys.lookup(section + "." + s.path[1]); k != nil {
				v, p := k.convert(table[s.path[1]])
				l.value(k, o, v, p)
			} else {
				l.problems = append(l.problems, l.unknownKey(o, shown, section))
			}
		}
	}
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
	return l.unknownKey(o, shown, "")
}

func (l *loader) unknownKey(o Origin, shown, section string) Problem {
	var remedy string
	if k := l.keys.nearest(shown); k != nil {
		remedy = "did you mean " + k.Name + "?"
		if right, bare := k.split(); right != section {
			remedy = "did you mean " + bare + " under [" + right + "]?"
		}
	} else if section != "" {
		remedy = "[" + section + "] has " + strings.Join(l.keys.in(section), ", ")
	} else {
		remedy = "keys are written under one of the sections " + strings.Join(l.keys.sections(), ", ")
	}
	return Problem{Origin: o, Key: shown, What: "unknown key", Remedy: remedy}
}

// statement is a line of a TOML document that opens a section or sets a key.
type statement struct {
	path []string // one or two elements: what is deeper belongs to the key
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
// if the value is a whole section: api = { host = "::1", port = 80 }.
func appendAssignment(list []statement, p *unstable.Parser, head []string, e *unstable.Node) []statement {
	s := newStatement(p, head, e)
	list = append(list, s)
	if len(s.path) == 1 && e.Value().Kind == unstable.InlineTable {
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
	s.path = s.path[:min(len(s.path), 2)]
	return s
}

// showPath writes a path as TOML does, quoting what is no bare key.
func showPath(path []string) string {
	shown := make([]string, len(path))
	for i, name := range path {
		odd := func(r rune) bool {
			return r != '_' && r != '-' && (r > 'z' || r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
		}
		if shown[i] = name; name == "" || strings.ContainsFunc(name, odd) {
			shown[i] = quote(name)
		}
	}
	return strings.Join(shown, ".")
}
