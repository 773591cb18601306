//go:build linux

package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A short soak, with a restart, finds nothing wrong.
func TestSoak(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "adic")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/adic-network/router/cmd/adic").CombinedOutput(); err != nil {
		t.Fatalf("cannot build adic: %v\n%s", err, out)
	}
	var out bytes.Buffer
	err := soak(t.Context(), options{adic: binary, lasts: 10 * time.Second, clients: 100, followers: 4, rate: 100,
		load: time.Second, restartAfter: 1}, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "restarted") || !strings.Contains(out.String(), "problems            0\n") {
		t.Error("the summary is not that of a good soak")
	}
}

// The checks of a follower see what they are there for.
func TestFollowerSeesWhatIsWrong(t *testing.T) {
	const high = `{"type":"MessageFinalized","seq":`
	for name, test := range map[string]struct {
		messages []string // Lagged is given as its data
		wrong    string
	}{
		"all":                 {[]string{high + `1}`, high + `2}`, high + `3}`}, ""},
		"twice":               {[]string{high + `1}`, high + `1}`}, "came after"},
		"out of order":        {[]string{`{"dropped":{"high":1,"medium":0,"low":0}}`, high + `2}`, high + `1}`}, "came after"},
		"lost without a word": {[]string{high + `1}`, high + `3}`}, "are missing"},
		"lost and told":       {[]string{high + `1}`, `{"dropped":{"high":1,"medium":0,"low":0}}`, high + `3}`}, ""},
		"told too much":       {[]string{high + `1}`, `{"dropped":{"high":2,"medium":0,"low":0}}`, high + `3}`}, "are missing"},
		"another stream":      {[]string{high + `1}`, `{"dropped":{"high":null,"medium":null,"low":null}}`, high + `3}`}, ""},
		"made up":             {[]string{high + `9}`}, "never accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &publisher{accepted: map[key]bool{{0, 1}: true, {0, 2}: true, {0, 3}: true}, last: [3]int{3, 0, 0}}
			f := &follower{accepted: p}
			for _, data := range test.messages {
				event := "MessageFinalized"
				if strings.Contains(data, "dropped") {
					event = "Lagged"
				}
				f.received("id", event, data)
			}
			got := strings.Join(f.wrong, "; ")
			if test.wrong == "" && got != "" || !strings.Contains(got, test.wrong) {
				t.Errorf("found %q, want %q", got, test.wrong)
			}
		})
	}
}
