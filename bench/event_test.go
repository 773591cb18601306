package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEventsCarryTheirStamp(t *testing.T) {
	sent := time.Unix(1705314600, 123456789)
	mark := newMarker("00c0ffee00c0ffee")
	for c := range classes {
		for _, size := range []int{0, 200, 5000} {
			event := appendEvent(nil, "00c0ffee00c0ffee", c, 4294967295, sent, size)
			var fields map[string]any
			if err := json.Unmarshal(event, &fields); err != nil {
				t.Fatalf("%s: %v", event, err)
			}
			if fields["type"] != published[c].name || fields["timestamp"] != "2024-01-15T10:30:00Z" {
				t.Errorf("%v of %d bytes: %s", c, size, event)
			}
			if size >= 300 && len(event) != size {
				t.Errorf("%v: %d bytes, want %d", c, len(event), size)
			}
			got, found, err := mark.find([]byte(`{"type":"Event","id":"c1","event":` + string(event) + `}`))
			want := stamp{class: c, seq: 4294967295, sentNS: 1705314600123456789}
			if got != want || !found || err != nil {
				t.Errorf("%v: found %+v, %v, %v, want %+v", c, got, found, err, want)
			}
			if _, found, err := newMarker("00c0ffee00c0ffef").find(event); found || err != nil {
				t.Errorf("an event of another run is found: %v", err)
			}
		}
	}
}

func TestMarkerRefusesChangedFields(t *testing.T) {
	event := string(appendEvent(nil, "r", medium, 7, time.Unix(1, 0), 0))
	for _, change := range [][2]string{
		{`"class":"medium"`, `"class":"middle"`},
		{`"seq":7`, `"seq":"7"`},
		{`"seq":7`, `"seq":0`},
		{`"seq":7`, `"seq":4294967296`},
		{`"seq":7`, `"seq":7.0`},
		{`"seq":7`, `"seq":18446744073709551623`},
		{`"sent_ns":1000000000`, `"sent_ns":1e9`},
		{`"sent_ns":1000000000`, `"sent_ns":9223372036854775808`},
		{`,"sent_ns":1000000000`, ``},
	} {
		changed := strings.Replace(event, change[0], change[1], 1)
		if changed == event {
			t.Fatalf("%s has no %s", event, change[0])
		}
		if s, found, err := newMarker("r").find([]byte(changed)); !found || !errors.Is(err, errStamp) {
			t.Errorf("%s: %+v, %v, %v, want an error", changed, s, found, err)
		}
	}
	for i := range len(event) {
		if s, _, err := newMarker("r").find([]byte(event[:i])); err == nil && s.seq != 0 && s.seq != 7 {
			t.Errorf("the first %d bytes give %+v", i, s)
		}
	}
}

func TestMarkerAllocatesNothing(t *testing.T) {
	mark := newMarker("r")
	event := appendEvent(nil, "r", low, 7, time.Unix(1, 0), 200)
	if n := testing.AllocsPerRun(100, func() {
		if _, found, err := mark.find(event); !found || err != nil {
			t.Fatal(found, err)
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestMixHasItsProportions(t *testing.T) {
	var n [classes]int
	for _, c := range mix {
		n[c]++
	}
	if want := [classes]int{6, 3, 1}; n != want {
		t.Errorf("%v, want %v", n, want)
	}
}

func TestExpectedClasses(t *testing.T) {
	tests := []struct {
		events, priority string
		want             string // the classes, or none
	}{
		{"", "", "high medium low"},
		{"all", "all", "high medium low"},
		{"MessageAdded", "", "high"},
		{"message.new,node.started", "", "high low"},
		{"message.*", "", "high"},
		{"sync.*, NodeStarted", "", "medium low"},
		{"TipsUpdated,all", "", "high medium low"},
		{"", "low,high", "high low"},
		{"MessageAdded,SyncProgress", "medium", "medium"},
		{"messageadded", "", ""},
		{"mess*", "", ""},
		{"MessageAdded", "low", ""},
		{"TipsUpdated", "", ""},
	}
	for _, tt := range tests {
		got, err := expectedClasses(tt.events, tt.priority)
		var names []string
		for c := range classes {
			if got[c] {
				names = append(names, c.String())
			}
		}
		if s := strings.Join(names, " "); s != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("events %q, priority %q: %q, %v, want %q", tt.events, tt.priority, s, err, tt.want)
		}
	}
}

func TestReadProcess(t *testing.T) {
	const statm = "500000 300 100 5 0 4000 0\n"
	for _, test := range []struct {
		name    string
		threads []string // schedstat
		statm   string
		cpu     time.Duration
		wrong   string
	}{
		{"one thread", []string{"2500000000 7 3\n"}, statm, 2500 * time.Millisecond, ""},
		{"several", []string{"1 0 1\n", "20 0 1\n", "300 0 1\n"}, statm, 321, ""},
		{"nothing to read", []string{""}, statm, 0, "has 0 fields"},
		{"no number", []string{"many 0 1\n"}, statm, 0, "schedstat"},
		{"no memory", []string{"1 0 1\n"}, "1\n", 0, "has 1 fields"},
	} {
		dir := t.TempDir()
		write := func(name, text string) {
			if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		write("statm", test.statm)
		for i, schedstat := range test.threads {
			write(fmt.Sprintf("task/%d/schedstat", i), schedstat)
		}
		u, err := readProcess(dir)
		switch {
		case test.wrong != "":
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v, want an error about %q", test.name, err, test.wrong)
			}
		case err != nil || u.cpu != test.cpu || u.rss != 300*int64(os.Getpagesize()):
			t.Errorf("%s: %+v, %v, want %v and 300 pages", test.name, u, err, test.cpu)
		}
	}
}

func TestReadUsageOfThisProcess(t *testing.T) {
	stat, err := readUsage(os.Getpid())
	if err != nil || stat.rss < 1<<20 {
		t.Errorf("%+v, %v, want more than a MiB", stat, err)
	}
	if _, err := readUsage(1 << 30); err == nil || !strings.Contains(err.Error(), "process 1073741824") {
		t.Errorf("no such process: %v", err)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -12: "-12"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 3 << 20: "3.0 MiB", 5 << 40: "5120.0 GiB", -2048: "-2.0 KiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	if got := brief([]byte(" {\"error\":\r\n \"x\"}\n")); got != `{"error": "x"}` {
		t.Errorf("%q", got)
	}
	if got := brief(bytes.Repeat([]byte("é"), 150)); got != strings.Repeat("é", 100)+"..." {
		t.Errorf("%q", got)
	}
}
