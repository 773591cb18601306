package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDistance(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       int
	}{
		{"same", "port", "port", 0},
		{"both empty", "", "", 0},
		{"one empty", "", "port", 4},
		{"inserted", "prt", "port", 1},
		{"removed", "portt", "port", 1},
		{"replaced", "pork", "port", 1},
		{"swapped", "prot", "port", 1},
		{"swapped twice", "rpto", "prot", 2},
		{"swapped and changed between", "ca", "abc", 3},
		{"nothing in common", "abc", "xyz", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := distance(test.a, test.b); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// Whoever makes one slip in a name is told the name.
func TestOneSlipIsRecognised(t *testing.T) {
	keys := newTable()
	rapid.Check(t, func(t *rapid.T) {
		right := rapid.SampledFrom(keys).Draw(t, "key")
		name := []byte(right.Name)
		i := rapid.IntRange(0, len(name)-1).Draw(t, "position")
		if name[i] == '.' {
			return
		}
		switch rapid.IntRange(0, 2).Draw(t, "slip") {
		case 0:
			name = append(name[:i], name[i+1:]...)
		case 1:
			name[i] = 'x'
		case 2:
			name = append(name[:i+1], name[i:]...)
		}
		k := keys.nearest(string(name))
		if k == nil || k.Name != right.Name {
			t.Fatalf("%s is taken for %v, want %s", name, k, right.Name)
		}
	})
}
