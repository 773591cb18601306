package config

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Origin Origin // where it was set; the default layer if it is not known
	Key    string // or the section, or "" if the whole source is wrong
	What   string // what is wrong, without secrets
	Remedy string // what to do, or ""
}

// Error returns a line of the form
//
//	adic.toml:12: api.port: 70000 is out of range (use 0 to 65535)
//	environment ADIC_API_PORT: "http" is not an integer (use 0 to 65535)
func (p Problem) Error() string {
	var b strings.Builder
	switch p.Origin.Layer {
	case LayerFile:
		b.WriteString(p.Origin.position() + ": ")
	case LayerEnvironment, LayerFlag:
		// The name of the variable or flag says the key.
		b.WriteString(p.Origin.String() + ": ")
	}
	if p.Key != "" && p.Origin.Layer <= LayerFile {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.What)
	if p.Remedy != "" {
		b.WriteString(" (" + p.Remedy + ")")
	}
	return b.String()
}

// Problems is everything that is wrong with a configuration: first what is in
// the file, by line, then variables and flags by name. It is never empty where
// it is returned as an error.
type Problems []Problem

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Origin.Layer, b.Origin.Layer),
			cmp.Compare(a.Origin.Line, b.Origin.Line),
			cmp.Compare(a.Origin.Name, b.Origin.Name),
		)
	})
}

// Error returns a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem as an error, for [errors.As].
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}
