package event

import (
	"iter"
	"strings"
)

const (
	allTypes     = "all"
	prefixSuffix = ".*" // of `vrf.*`
)

// maxSuggestions is how many offenders of one error get a suggestion: clients
// decide how many there are, and looking for one is work.
const maxSuggestions = 8

// UnknownTypesError lists the names in a filter that are none of the
// catalogue's types.
type UnknownTypesError struct {
	// Names are the offenders, in the order of the filter, each once.
	Names []string
	// Suggestions are, by index, the right names that the first of Names were
	// probably meant to be; "" where none is near.
	Suggestions []string
}

func (e *UnknownTypesError) Error() string {
	var b strings.Builder
	b.WriteString("unknown event type ")
	for i, name := range e.Names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(name))
		if i < len(e.Suggestions) && e.Suggestions[i] != "" {
			b.WriteString(" (did you mean " + quote(e.Suggestions[i]) + "?)")
		}
	}
	b.WriteString("; GET /v1/events/types lists the types")
	return b.String()
}

// ParseTypes returns the set that names select: names and aliases in exact
// case, `vrf.*` for every alias under a prefix, and `all`, which is also
// reported. No names select nothing. The error is an [*UnknownTypesError].
func (c *Catalogue) ParseTypes(names []string) (set TypeSet, all bool, err error) {
	var unknown UnknownTypesError
	seen := make(map[string]bool)
	for _, name := range names {
		if name == allTypes {
			all = true
			continue
		}
		named := c.named(name)
		set = set.Union(named)
		if named.IsEmpty() && !seen[name] {
			seen[name] = true
			unknown.Names = append(unknown.Names, name)
			if len(unknown.Suggestions) < maxSuggestions {
				unknown.Suggestions = append(unknown.Suggestions, nearest(name, c.filterNames()))
			}
		}
	}
	if len(unknown.Names) > 0 {
		return TypeSet{}, false, &unknown
	}
	if all {
		set = c.all
	}
	return set, all, nil
}

// ParseTypesParam reads the query parameter `events`: what
// [Catalogue.ParseTypes] takes, separated by commas, with or without spaces
// around them. An empty value counts as absent and means all.
func (c *Catalogue) ParseTypesParam(value string) (set TypeSet, all bool, err error) {
	if strings.TrimSpace(value) == "" {
		return c.all, true, nil
	}
	names := strings.Split(value, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return c.ParseTypes(names)
}

// named returns the types that one name selects, none if it is unknown.
func (c *Catalogue) named(name string) (set TypeSet) {
	if id, ok := c.byName[name]; ok {
		return set.With(id)
	}
	prefix, ok := strings.CutSuffix(name, prefixSuffix)
	if !ok {
		return set
	}
	for _, t := range c.Types() {
		if rest, ok := strings.CutPrefix(t.Alias, prefix); ok && strings.HasPrefix(rest, ".") {
			set = set.With(t.ID)
		}
	}
	return set
}

// filterNames returns everything that can be in a filter.
func (c *Catalogue) filterNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(allTypes) {
			return
		}
		for name := range c.names() {
			if !yield(name) {
				return
			}
		}
		for _, t := range c.Types() {
			for i, r := range t.Alias {
				if r == '.' && !yield(t.Alias[:i]+prefixSuffix) {
					return
				}
			}
		}
	}
}
