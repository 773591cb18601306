package event

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func setOf(t *testing.T, c *Catalogue, names ...string) (set TypeSet) {
	t.Helper()
	for _, name := range names {
		id, ok := c.Lookup(name)
		if !ok {
			t.Fatalf("no type %q", name)
		}
		set = set.With(id)
	}
	return set
}

func TestParseTypesParam(t *testing.T) {
	c := Default()
	vrf := []string{"VRFCommitSubmitted", "VRFRevealOpened", "VRFRandomnessFinalized"}
	for _, test := range []struct {
		name, value string
		want        []string // nil is all
		all         bool
	}{
		{name: "absent", value: "", all: true},
		{name: "blank", value: "  ", all: true},
		{name: "all", value: "all", all: true},
		{name: "all among others", value: "TipsUpdated,all", all: true},
		{name: "name", value: "TipsUpdated", want: []string{"TipsUpdated"}},
		{name: "alias", value: "tips.update", want: []string{"TipsUpdated"}},
		{name: "mixed", value: "TipsUpdated,finality.update", want: []string{"TipsUpdated", "MessageFinalized"}},
		{name: "spaces", value: " TipsUpdated , finality.update ", want: []string{"TipsUpdated", "MessageFinalized"}},
		{name: "twice", value: "TipsUpdated,tips.update", want: []string{"TipsUpdated"}},
		{name: "prefix", value: "vrf.*", want: vrf},
		{name: "prefix and name", value: "vrf.*,TipsUpdated", want: append([]string{"TipsUpdated"}, vrf...)},
		{name: "long prefix", value: "governance.treasury.*",
			want: []string{"TreasuryGrantExecuted", "TreasuryMilestoneCompleted", "TreasuryGrantClawedBack"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := c.All()
			if test.want != nil {
				want = setOf(t, c, test.want...)
			}
			got, all, err := c.ParseTypesParam(test.value)
			if err != nil || got != want || all != test.all {
				t.Errorf("got %v, all %t, error %v; want %v, all %t", c.Names(got), all, err, c.Names(want), test.all)
			}
		})
	}
}

func TestParseTypesOfNothing(t *testing.T) {
	set, all, err := Default().ParseTypes(nil)
	if err != nil || all || !set.IsEmpty() {
		t.Errorf("no names: %v, all %t, %v; want nothing", set, all, err)
	}
}

func TestUnknownTypes(t *testing.T) {
	for _, test := range []struct {
		name, value string
		names       []string
		message     string
	}{
		{"other case", "tipsupdated", []string{"tipsupdated"}, `"tipsupdated" (did you mean "TipsUpdated"?)`},
		{"other style", "tips_updated", []string{"tips_updated"}, `"tips_updated" (did you mean "TipsUpdated"?)`},
		{"misspelt alias", "finalty.update", []string{"finalty.update"}, `(did you mean "finality.update"?)`},
		{"misspelt prefix", "vfr.*", []string{"vfr.*"}, `(did you mean "vrf.*"?)`},
		{"nothing near", "xyzzy", []string{"xyzzy"}, `unknown event type "xyzzy"; GET /v1/events/types`},
		{"each offender once", "a1,TipsUpdated,b2,a1", []string{"a1", "b2"}, `unknown event type "a1", "b2";`},
		{"unknown beside all", "all,b2", []string{"b2"}, `"b2"`},
		{"star", "*", []string{"*"}, `"*"`},
		{"ALL", "ALL", []string{"ALL"}, `"ALL" (did you mean "all"?)`},
		{"prefix of a name", "Tips.*", []string{"Tips.*"}, `"Tips.*"`},
		{"half a word", "v.*", []string{"v.*"}, `"v.*"`},
		{"whole alias as prefix", "tips.update.*", []string{"tips.update.*"}, `"tips.update.*"`},
		{"prefix without dot", "vrf*", []string{"vrf*"}, `"vrf*"`},
		{"dot and star", ".*", []string{".*"}, `".*"`},
		{"nothing between commas", "TipsUpdated,", []string{""}, `unknown event type ""`},
		{"terminal escapes", "\x1b[31m", []string{"\x1b[31m"}, `"\x1b[31m"`},
		{"endless", strings.Repeat("x", 1000), []string{strings.Repeat("x", 1000)}, `"` + strings.Repeat("x", 40) + `"…;`},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, all, err := Default().ParseTypesParam(test.value)
			checkError(t, err, test.message)
			var unknown *UnknownTypesError
			if !errors.As(err, &unknown) || !slices.Equal(unknown.Names, test.names) {
				t.Errorf("error %#v; want names %q", err, test.names)
			}
			if all || !set.IsEmpty() {
				t.Errorf("with the error came %v, all %t", set, all)
			}
		})
	}
}

// A client decides how many names are unknown; looking for what they were meant
// to be must not cost more than it is worth.
func TestSuggestionsAreBounded(t *testing.T) {
	names := strings.Split(strings.Repeat("TipsUpdate", 100), "U")
	for i := range names {
		names[i] += strings.Repeat("x", i)
	}
	_, _, err := Default().ParseTypes(names)
	var unknown *UnknownTypesError
	if !errors.As(err, &unknown) || len(unknown.Names) != len(names) || len(unknown.Suggestions) != maxSuggestions {
		t.Errorf("%d names, %d suggestions; want %d and %d", len(unknown.Names), len(unknown.Suggestions), len(names), maxSuggestions)
	}
}

// checkErrorText makes sure that the error for a hostile input can be shown.
func checkErrorText(t *testing.T, err error, input string) {
	t.Helper()
	text := err.Error()
	if !utf8.ValidString(text) {
		t.Errorf("error text is not UTF-8: %q", text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("error text has %U in it: %q", r, text)
		}
	}
	for i := 0; i+2*maxEcho < len(input); i += maxEcho / 2 {
		if strings.Contains(text, input[i:i+2*maxEcho]) {
			t.Errorf("error text repeats %q", input[i:i+2*maxEcho])
		}
	}
}

func FuzzParseTypes(f *testing.F) {
	for _, seed := range []string{
		"", "all", "TipsUpdated", "tips.update,finality.update", "vrf.*", "vrf.*,all, TipsUpdated ", ",", "*", ".*", "vrf*",
		"tipsupdated,\x00,\xff", strings.Repeat("x,", 100),
	} {
		f.Add(seed)
	}
	c := Default()
	f.Fuzz(func(t *testing.T, value string) {
		set, all, err := c.ParseTypesParam(value)
		if err != nil {
			var unknown *UnknownTypesError
			if !errors.As(err, &unknown) || len(unknown.Names) == 0 {
				t.Fatalf("error %#v names nobody", err)
			}
			for _, name := range unknown.Names {
				if _, ok := c.Lookup(name); ok || !strings.Contains(value, name) {
					t.Errorf("%q is called unknown", name)
				}
			}
			return
		}
		if all && set != c.All() {
			t.Errorf("all, but only %d types", set.Len())
		}
		// What the router says back to the client selects the same.
		if back, _, err := c.ParseTypes(c.Names(set)); err != nil || back != set {
			t.Errorf("%q selects %v, but the names of that select %v, %v", value, set, back, err)
		}
	})
}
