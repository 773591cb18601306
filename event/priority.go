package event

import (
	"fmt"
	"strings"
)

// Priority is the class of an event. Smaller is more important: a class is
// sent before every class with a greater number, and lost after it.
type Priority uint8

// The classes, most important first.
const (
	High Priority = iota
	Medium
	Low
)

// NumPriorities is the number of classes. A Priority smaller than it is an
// index into the per-class arrays of this package.
const NumPriorities = 3

var priorityNames = [NumPriorities]string{"high", "medium", "low"}

// Priorities returns the classes, most important first.
func Priorities() [NumPriorities]Priority { return [...]Priority{High, Medium, Low} }

// String returns the name that the wire, the catalogue and the metrics use:
// "high", "medium" or "low".
func (p Priority) String() string {
	if p < NumPriorities {
		return priorityNames[p]
	}
	return fmt.Sprintf("Priority(%d)", uint8(p))
}

// ParsePriority returns the class that s names, in exactly the spelling of
// [Priority.String].
func ParsePriority(s string) (Priority, error) {
	if p, ok := lookupPriority(s); ok {
		return p, nil
	}
	return 0, fmt.Errorf("unknown priority %s; expected high, medium or low", quote(s))
}

func lookupPriority(s string) (Priority, bool) {
	for i, name := range priorityNames {
		if s == name {
			return Priority(i), true
		}
	}
	return 0, false
}

// PrioritySet is a set of classes. The zero value is empty.
type PrioritySet uint8

// AllPriorities holds every class.
const AllPriorities PrioritySet = 1<<NumPriorities - 1

// Has reports whether p is in s.
func (s PrioritySet) Has(p Priority) bool { return s&(1<<p) != 0 }

// With returns s and p.
func (s PrioritySet) With(p Priority) PrioritySet { return s | 1<<p }

// ParsePriorities reads the query parameter `priority`: class names separated
// by commas, with or without spaces around them, or "all". An empty value
// counts as absent and means all. The error names every offender.
func ParsePriorities(value string) (PrioritySet, error) {
	if strings.TrimSpace(value) == "" {
		return AllPriorities, nil
	}
	var (
		set     PrioritySet
		unknown []string
	)
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if name == "all" {
			set = AllPriorities
		} else if p, ok := lookupPriority(name); ok {
			set = set.With(p)
		} else {
			unknown = append(unknown, quote(name))
		}
	}
	if len(unknown) > 0 {
		return 0, fmt.Errorf("unknown priority %s; expected all, or one or more of high, medium and low separated by commas",
			strings.Join(unknown, ", "))
	}
	return set, nil
}
