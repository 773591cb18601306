package event

import "math/bits"

// TypeSet is a set of the types of one catalogue: a client's filter. It is a
// value; the zero value is empty, and sets are compared with ==.
type TypeSet [MaxTypes / 64]uint64

// Has reports whether id is in s.
func (s TypeSet) Has(id TypeID) bool { return s[id/64]&(1<<(id%64)) != 0 }

// With returns s and id.
func (s TypeSet) With(id TypeID) TypeSet {
	s[id/64] |= 1 << (id % 64)
	return s
}

// Without returns s less id.
func (s TypeSet) Without(id TypeID) TypeSet {
	s[id/64] &^= 1 << (id % 64)
	return s
}

// Union returns what is in s or in t.
func (s TypeSet) Union(t TypeSet) TypeSet {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

// Intersect returns what is in s and in t.
func (s TypeSet) Intersect(t TypeSet) TypeSet {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

// Minus returns what is in s and not in t.
func (s TypeSet) Minus(t TypeSet) TypeSet {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

// Intersects reports whether s and t have a type in common.
func (s TypeSet) Intersects(t TypeSet) bool { return !s.Intersect(t).IsEmpty() }

// IsEmpty reports whether s holds nothing.
func (s TypeSet) IsEmpty() bool { return s == TypeSet{} }

// Len returns the number of types in s.
func (s TypeSet) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
