package event

import (
	"testing"

	"pgregory.net/rapid"
)

func drawTypeSet(t *rapid.T, label string) (set TypeSet, model map[TypeID]bool) {
	model = make(map[TypeID]bool)
	for _, id := range rapid.SliceOf(rapid.Uint8()).Draw(t, label) {
		set = set.With(TypeID(id))
		model[TypeID(id)] = true
	}
	return set, model
}

// TestTypeSetLaws compares sets of bits with sets as everybody knows them.
func TestTypeSetLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, inA := drawTypeSet(t, "a")
		b, inB := drawTypeSet(t, "b")
		if a.Len() != len(inA) || a.IsEmpty() != (len(inA) == 0) {
			t.Fatalf("Len %d, IsEmpty %t, want %d elements", a.Len(), a.IsEmpty(), len(inA))
		}
		union, intersect, minus, common := a.Union(b), a.Intersect(b), a.Minus(b), false
		for i := range MaxTypes {
			id := TypeID(i)
			common = common || inA[id] && inB[id]
			for _, law := range []struct {
				name      string
				got, want bool
			}{
				{"Has", a.Has(id), inA[id]},
				{"Union", union.Has(id), inA[id] || inB[id]},
				{"Intersect", intersect.Has(id), inA[id] && inB[id]},
				{"Minus", minus.Has(id), inA[id] && !inB[id]},
				{"With", a.With(id).Has(id), true},
				{"Without", a.Without(id).Has(id), false},
			} {
				if law.got != law.want {
					t.Fatalf("%s: type %d: %t, want %t", law.name, id, law.got, law.want)
				}
			}
			if without := a.Without(id); without.With(id) != a.With(id) || !inA[id] && without != a {
				t.Fatalf("Without(%d) changed more than one type", id)
			}
		}
		if a.Intersects(b) != common {
			t.Fatalf("Intersects = %t, want %t", a.Intersects(b), common)
		}
		if minus.Union(intersect) != a || union.Minus(b) != minus {
			t.Fatal("a is not (a minus b) and (a intersect b)")
		}
	})
}
