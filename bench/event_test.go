package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
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

func TestParseUsage(t *testing.T) {
	const tail = " S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 7 0 100 200000 300 18446744073709551615 1 2"
	for name, want := range map[string]bool{"(adic)": true, "(a) (b c)": true, "()": true} {
		u, err := parseUsage([]byte("4711 " + name + tail))
		if (err == nil) != want || u.cpu != 3*time.Second || u.rss != 300*int64(os.Getpagesize()) {
			t.Errorf("%s: %+v, %v, want 3 s and 300 pages", name, u, err)
		}
	}
	for _, bad := range []string{"", "4711 (adic)", "4711 (adic) S 1 2", "4711 adic" + tail, "4711 (adic)" + strings.Replace(tail, "250", "x", 1)} {
		if u, err := parseUsage([]byte(bad)); err == nil {
			t.Errorf("%q: %+v, want an error", bad, u)
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
