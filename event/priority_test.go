package event

import (
	"strings"
	"testing"
)

func TestPriorityNames(t *testing.T) {
	for i, p := range Priorities() {
		if int(p) != i {
			t.Errorf("Priorities()[%d] = %d; the most important comes first", i, p)
		}
		if back, err := ParsePriority(p.String()); err != nil || back != p {
			t.Errorf("ParsePriority(%q) = %v, %v", p.String(), back, err)
		}
	}
	if got := Priority(9).String(); got != "Priority(9)" {
		t.Errorf("Priority(9).String() = %q", got)
	}
	if _, err := ParsePriority("High"); err == nil || !strings.Contains(err.Error(), `unknown priority "High"`) {
		t.Errorf("ParsePriority(High): %v", err)
	}
}

func TestParsePriorities(t *testing.T) {
	var none PrioritySet
	for _, test := range []struct {
		name, value string
		want        PrioritySet
		wantErr     string
	}{
		{name: "absent", value: "", want: AllPriorities},
		{name: "blank", value: " ", want: AllPriorities},
		{name: "all", value: "all", want: AllPriorities},
		{name: "one", value: "high", want: none.With(High)},
		{name: "two", value: "high,low", want: none.With(High).With(Low)},
		{name: "spaces", value: " medium , low ", want: none.With(Medium).With(Low)},
		{name: "twice", value: "low,low", want: none.With(Low)},
		{name: "all and one", value: "low,all", want: AllPriorities},
		{name: "each offender", value: "urgent,high,HIGH", wantErr: `unknown priority "urgent", "HIGH"; expected all, or one or more of high, medium and low`},
		{name: "nothing between commas", value: "high,", wantErr: `unknown priority ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParsePriorities(test.value)
			checkError(t, err, test.wantErr)
			if got != test.want {
				t.Errorf("ParsePriorities(%q) = %03b, want %03b", test.value, got, test.want)
			}
		})
	}
}

func TestPrioritySet(t *testing.T) {
	s := PrioritySet(0).With(Medium)
	if s.Has(High) || !s.Has(Medium) || s.Has(Low) {
		t.Errorf("set of medium holds high: %t, medium: %t, low: %t", s.Has(High), s.Has(Medium), s.Has(Low))
	}
}

// checkError fails the test unless err contains want, or is nil if want is "".
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Fatalf("unexpected error: %v", err)
	case want != "" && err == nil:
		t.Fatalf("no error; want one with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Fatalf("error %q; want one with %q", err, want)
	}
}
