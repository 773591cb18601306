package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is recorded is played back, event for event; a loss is kept and has nothing to
// play.
func TestRecordAndReplay(t *testing.T) {
	source := newStreamingRouter(t, stream(sseText(1, 2)+"event: Lagged\ndata: "+lagged+"\n\n"+sseText(3), false))
	file := filepath.Join(t.TempDir(), "day.ndjson")
	r := adic(t, nil, "record", source.URL, "--transport", "sse", "--since", "earliest", "--count", "3", "--output", file)
	r.check(t, 0)
	if !strings.Contains(r.stderr, "3 events recorded, 1 losses\n") {
		t.Errorf("reported %q", r.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, want := range []string{`"id":"` + cursor(1) + `","event":{"type":"X","n":1}}`, `"event":{"type":"X","n":2}}`, `"dropped":{"high":0,"medium":3,"low":120}}`, `"event":{"type":"X","n":3}}`} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) || !strings.HasPrefix(lines[i], `{"at":"20`) {
			t.Errorf("line %d of\n%s\nwant %s at its end", i, text, want)
		}
	}
	adic(t, nil, "record", source.URL, "--output", file).check(t, statusFailure, "cannot record", "exists")

	// A recorder that is killed leaves a line that is not whole.
	if err := os.WriteFile(file, append(text, `{"at":"2024-01-15T10:30:01Z","event":{"ty`...), 0o600); err != nil {
		t.Fatal(err)
	}
	sink := newFakeRouter(t)
	adic(t, nil, "emit", "--replay", "max", "--url", sink.URL, file).check(t, 0, "3 accepted, 0 refused")
	if got := strings.Join(sink.events, "\n") + "\n"; got != numbers(1, 2, 3) {
		t.Errorf("published\n%s", got)
	}
	for _, speed := range []string{"0", "-1", "fast", "NaN", "Inf"} {
		adic(t, nil, "emit", "--replay", speed, file).check(t, statusUsage, "--replay must be a speed")
	}
	adic(t, nil, "emit", "--replay", "1", "--rate", "5", file).check(t, statusUsage, "leave out --rate")
	adic(t, strings.NewReader(numbers(1)), "emit", "--replay", "1", "--url", sink.URL).check(t, statusFailure, "not a line of a recording")
}

func TestReplayPace(t *testing.T) {
	for _, test := range []struct {
		name  string
		speed float64
		want  []time.Duration // after the first
	}{
		{"as recorded", 1, []time.Duration{0, 2 * time.Second, 2 * time.Second, 12 * time.Second}},
		{"ten times", 10, []time.Duration{0, 200 * time.Millisecond, 200 * time.Millisecond, 1200 * time.Millisecond}},
		{"half", 0.5, []time.Duration{0, 4 * time.Second, 4 * time.Second, 24 * time.Second}},
		{"at once", asFastAsTaken, []time.Duration{0, 0, 0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, r := time.Now(), &replay{speed: test.speed}
				for i, at := range []string{"10:30:00Z", "10:30:02Z", "10:30:01Z", "10:30:12Z"} {
					if _, err := r.next(t.Context(), []byte(`{"at":"2024-01-15T`+at+`","event":{}}`)); err != nil {
						t.Fatal(err)
					}
					if got := time.Since(began); got != test.want[i] {
						t.Errorf("event %d after %v, want %v", i, got, test.want[i])
					}
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &replay{speed: 1, first: time.Unix(0, 0), began: time.Now()}
	if _, err := r.next(ctx, []byte(`{"at":"2100-01-15T10:00:00Z","event":{}}`)); err == nil {
		t.Error("it was not interrupted")
	}
}
