package main

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestCollect(t *testing.T) {
	small, large, bad := line{event: []byte("{}")}, line{event: make([]byte, maxBatchSize/2)}, line{err: errStopped}
	for _, test := range []struct {
		name  string
		lines []line
		sizes []int // of the batches
		bad   int
	}{
		{"nothing", nil, []int{0}, 0},
		{"by number", []line{small, small, small, small, small}, []int{3, 2}, 0},
		{"by size", []line{large, large, large, small}, []int{2, 2}, 0},
		{"up to a bad one", []line{small, bad, bad, small}, []int{1, 0, 1}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := make(chan line, len(test.lines))
			for _, l := range test.lines {
				lines <- l
			}
			close(lines)
			var sizes []int
			foundBad := 0
			for more := true; more; {
				var batch []line
				var b line
				batch, b, more = collect(t.Context(), lines, 3)
				sizes = append(sizes, len(batch))
				if b.err != nil {
					foundBad++
				}
			}
			if !slices.Equal(sizes, test.sizes) || foundBad != test.bad {
				t.Errorf("batches of %v and %d bad, want %v and %d", sizes, foundBad, test.sizes, test.bad)
			}
		})
	}
}

func TestRateOfEmit(t *testing.T) {
	for _, test := range []struct {
		name    string
		rate    float64
		request time.Duration // how long one takes
		want    float64       // events a second
		largest int           // batch
	}{
		{"slow", 0.5, time.Millisecond, 0.5, 1},
		{"smooth", 1000, time.Millisecond, 1000, 52},
		{"slow requests", 1000, 90 * time.Millisecond, 1000, 100},
		{"too fast for the router", 10_000, 100 * time.Millisecond, 1000, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &emitter{options: emitOptions{rate: test.rate, batch: 100}, publisher: publisher{sleep: sleep}, due: time.Now()}
				start, events, largest := time.Now(), 0, 0
				for time.Since(start) < 100*time.Second {
					batch := e.limit()
					if err := e.pace(t.Context(), batch); err != nil {
						t.Fatal(err)
					}
					time.Sleep(test.request)
					events += batch
					largest = max(largest, batch)
				}
				if got := float64(events) / time.Since(start).Seconds(); got < 0.97*test.want || got > 1.03*test.want {
					t.Errorf("%v events a second, want %v", got, test.want)
				}
				if largest > test.largest {
					t.Errorf("a batch of %d, want %d at most", largest, test.largest)
				}
			})
		})
	}
}

// After a pause, of the input or of the machine, there is no burst of all that
// could have been sent.
func TestRateOfEmitAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &emitter{options: emitOptions{rate: 50, batch: 5}, publisher: publisher{sleep: sleep}, due: time.Now()}
		time.Sleep(time.Hour)
		start := time.Now()
		for events := 0; events < 500; {
			batch := e.limit()
			if err := e.pace(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			events += batch
		}
		if took := time.Since(start); took < 8*time.Second {
			t.Errorf("500 events at a rate of 50 took %v", took)
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.pace(ctx, 5); err == nil {
			t.Error("does not end with its context")
		}
	})
}
