package config

import "strings"

// nearest returns the key that whoever wrote name most likely meant, or nil if
// none is near. Name may be that of a file, a variable without its prefix, or
// a flag, and may lack the section or have the wrong one.
func (t table) nearest(name string) *Key {
	name = fold(name)
	bare := name
	for _, section := range t.sections() {
		if rest, ok := strings.CutPrefix(name, section+"_"); ok {
			bare = rest
		}
	}
	var best *Key
	least := slip(bare) + 1
	for i := range t {
		k := &t[i]
		_, key := k.split()
		// A right name in the wrong section is as wrong as one letter.
		if d := min(distance(name, fold(k.Name)), distance(bare, key)+1); d < least {
			best, least = k, d
		}
	}
	return best
}

// in returns the names of a section's keys, without the section.
func (t table) in(section string) []string {
	var names []string
	for _, k := range t {
		if s, name := k.split(); s == section {
			names = append(names, name)
		}
	}
	return names
}

// nearest returns the candidate with the least distance from name, or "" if
// none is near.
func nearest(name string, candidates []string) string {
	var best string
	least := slip(name) + 1
	for _, c := range candidates {
		if d := distance(fold(name), fold(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// slip is how many edits a name of that length may be away from the right one
// and still be told by it.
func slip(name string) int { return 1 + len(name)/3 }

// fold takes away what names of keys, variables and flags differ in.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

// distance is how many bytes must be inserted, removed, replaced or swapped
// with their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	// Rows of the table of distances between prefixes: i-2, i-1 and i bytes of
	// a, each to 0..len(b) bytes of b.
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
