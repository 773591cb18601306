package config

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Layer is a kind of source. A layer's values go over those of the layers
// before it.
type Layer uint8

// The layers, from the lowest to the highest.
const (
	LayerDefault Layer = iota
	LayerFile
	LayerEnvironment
	LayerFlag
)

// Origin says where a value was set. The zero Origin is the default.
type Origin struct {
	Layer  Layer
	Name   string // path of the file, name of the variable, or name of the flag without "--"
	Line   int    // in a file, from 1; 0 if it is the whole file
	Column int    // in bytes from 1; 0 if it is the whole line
}

// String returns "default", "file /etc/adic.toml:12", "environment
// ADIC_API_PORT" or "flag --api.port".
func (o Origin) String() string {
	switch o.Layer {
	case LayerFile:
		return "file " + o.position()
	case LayerEnvironment:
		return "environment " + printable(o.Name)
	case LayerFlag:
		return "flag --" + printable(o.Name)
	}
	return "default"
}

// position returns the form of a place in a file that editors and compilers
// use: name:line:column.
func (o Origin) position() string {
	s := printable(o.Name)
	if o.Line > 0 {
		s += ":" + strconv.Itoa(o.Line)
	}
	if o.Column > 0 {
		s += ":" + strconv.Itoa(o.Column)
	}
	return s
}

// printable returns name as it is, or quoted where that would break a line or
// not be UTF-8: origins go into TOML comments and logs.
func printable(name string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(name) || strings.ContainsFunc(name, odd) {
		return strconv.Quote(name)
	}
	return name
}
