package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

const (
	maxLimit     = 1000
	defaultLimit = 50
	// maxText is the most bytes of a text that is looked for.
	maxText = 256
	// maxNames is the most names in a list of types; a prefix such as vrf.* is one.
	maxNames = 256
)

// params are the parameters of one request. The methods that read them note what is
// wrong; err has it, and whatever they did not ask for.
type params struct {
	values url.Values
	known  []string
	wrong  problems
}

func parseParams(query string) *params {
	values, err := url.ParseQuery(query)
	p := &params{values: values}
	if err != nil {
		p.wrong.note("the query is malformed; write %% as %%25, ; as %%3B and & as %%26 in values")
	}
	return p
}

// text returns the value of a parameter, "" if it is absent or bad.
func (p *params) text(name string) string {
	p.known = append(p.known, name)
	values := p.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		p.wrong.note("%s is there %d times; give it once", name, len(values))
		return ""
	case !utf8.ValidString(values[0]):
		p.wrong.note("%s is not text in UTF-8; encode it so", name)
		return ""
	}
	return values[0]
}

// short returns the value of a parameter that is compared with what is stored.
func (p *params) short(name string) string {
	value := p.text(name)
	if len(value) > maxText {
		p.wrong.note("%s is longer than %d bytes; give less of it", name, maxText)
	}
	return value
}

// oneOf returns the value of a parameter that is one of a few, or absent.
func (p *params) oneOf(name string, values ...string) string {
	value := p.text(name)
	if value != "" && !slices.Contains(values, value) {
		p.wrong.note("%s is %s; it is one of %s", name, quote(value), strings.Join(values, ", "))
	}
	return value
}

func (p *params) limit() int {
	value := p.text("limit")
	if value == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxLimit {
		p.wrong.note("limit is %s; it is a number from 1 to %d", quote(value), maxLimit)
		return defaultLimit
	}
	return n
}

// oldest reports whether the oldest come first.
func (p *params) oldest() bool { return p.oneOf("order", "newest", "oldest") == "oldest" }

// span reads from and to.
func (p *params) span() store.Span {
	s := store.Span{From: p.time("from"), To: p.time("to")}
	if !s.From.IsZero() && !s.To.IsZero() && s.From.After(s.To) {
		p.wrong.note("from is after to; exchange them")
	}
	return s
}

// time reads a time, zero if it is absent or bad.
func (p *params) time(name string) time.Time {
	value := p.text(name)
	if value == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, value)
	switch {
	case err != nil && strings.Contains(value, " "):
		p.wrong.note("%s is %s; a + in a query is a space, write it as %%2B", name, quote(value))
	case err != nil:
		p.wrong.note("%s is %s; it is a time such as 2026-01-31T12:00:00Z", name, quote(value))
	case t.UTC().Year() < 0 || t.UTC().Year() > 9999:
		p.wrong.note("%s is %s; in UTC its year has to have four digits", name, quote(value))
	default:
		return t.UTC()
	}
	return time.Time{}
}

// types reads the types of events that are wanted, nil if all are: also those that the
// catalogue lacks.
func (p *params) types(c *event.Catalogue) []string {
	value := p.text("types")
	if n := strings.Count(value, ",") + 1; n > maxNames {
		p.wrong.note("types has %d names, at most %d are taken; a prefix such as vrf.* is one", n, maxNames)
		return nil
	}
	set, all, err := c.ParseTypesParam(value)
	switch {
	case err != nil:
		p.wrong.note("types: %v", err)
		return nil
	case all:
		return nil
	}
	return c.Names(set)
}

// err returns all that is wrong with the parameters, also those that nobody asked for.
func (p *params) err() error {
	var unknown []string
	for name := range p.values {
		if !slices.Contains(p.known, name) {
			unknown = append(unknown, quote(name))
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		takes := "it takes none"
		if len(p.known) > 0 {
			takes = "it takes " + strings.Join(p.known, ", ")
		}
		const most = 4
		if len(unknown) > most {
			unknown = append(unknown[:most], "…")
		}
		p.wrong.note("this path does not know the parameter %s; %s", strings.Join(unknown, ", "), takes)
	}
	return p.wrong.err()
}
