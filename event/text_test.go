package event

import (
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"TipsUpdated", "tips.update", "MessageAdded", "MessageFinalized", "a", "c"}
	for _, test := range []struct{ name, in, want string }{
		{"itself", "MessageAdded", "MessageAdded"},
		{"other case", "messageadded", "MessageAdded"},
		{"other style", "message_added", "MessageAdded"},
		{"letter missing", "MesageAdded", "MessageAdded"},
		{"letter too many", "MessageAddded", "MessageAdded"},
		{"letters swapped", "MessageAdedd", "MessageAdded"},
		{"word ending", "MessageFinalised", "MessageFinalized"},
		{"first of two as near", "b", "a"},
		{"nearer of two", "tipsupdate", "tips.update"},
		{"nothing near", "Economics", ""},
		{"too long to compare", strings.Repeat("MessageAdded", 10), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := nearest(test.in, slices.Values(names)); got != test.want {
				t.Errorf("nearest(%q) = %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"aéé", 4, "aé"},
		{"a😀", 4, "a"},
		{"a\x80\x80\x80\x80\x80", 5, "a\x80\x80\x80\x80"}, // no text: anywhere will do
	} {
		if got := cut(test.in, test.n); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
}
