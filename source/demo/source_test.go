package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/source/demo"
)

func newSource(t *testing.T, rate float64) *demo.Source {
	t.Helper()
	s, err := demo.New(rate, 1, event.Default())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRate(t *testing.T) {
	for _, rate := range []float64{0.5, 20, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const want = 10_000 // events, one in a hundred of which is the standard deviation
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(want/rate*float64(time.Second)))
				defer cancel()
				count, inThisGap, longest := 0, time.Now(), time.Duration(0)
				err := newSource(t, rate).Run(ctx, func([]byte) error {
					count++
					longest = max(longest, time.Since(inThisGap))
					inThisGap = time.Now()
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if count < want*95/100 || count > want*105/100 {
					t.Errorf("%d events in the time for %d", count, want)
				}
				if mean := time.Duration(float64(time.Second) / rate); longest < 2*mean || longest > 25*mean {
					t.Errorf("the longest pause was %v where the mean is %v; want bursts, and mild ones", longest, mean)
				}
			})
		})
	}
}

func TestRefusedEventsAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := newSource(t, 50)
		taken, refused := uint64(0), uint64(0)
		err := s.Run(ctx, func([]byte) error {
			if (taken+refused)%3 == 0 {
				refused++
				return errors.New("overloaded")
			}
			taken++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.Published() != taken || s.Dropped() != refused || refused == 0 {
			t.Errorf("counted %d published and %d dropped, were %d and %d", s.Published(), s.Dropped(), taken, refused)
		}
	})
}

// After a pause, of the machine or of publish, there is no burst of all that
// was missed.
func TestLostTimeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		count, resumed := 0, time.Time{}
		err := newSource(t, 100).Run(ctx, func([]byte) error {
			if count == 0 {
				time.Sleep(time.Hour)
				resumed = time.Now()
			}
			if count++; time.Since(resumed) > 10*time.Second {
				cancel()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if count > 1300 {
			t.Errorf("%d events in 10 s after a pause, at a rate of 100", count)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newSource(t, 0.001).Run(ctx, func([]byte) error { return nil })
	if err != nil {
		t.Errorf("Run returned %v, want nil", err)
	}
}

func TestImpossibleRates(t *testing.T) {
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1), demo.MaxRate + 1} {
		if _, err := demo.New(rate, 1, event.Default()); err == nil {
			t.Errorf("New took a rate of %v", rate)
		}
	}
}

func ExampleSource_Run() {
	source, err := demo.New(1000, 42, event.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = source.Run(ctx, func(p []byte) error {
		var e struct{ Type string }
		if err := json.Unmarshal(p, &e); err != nil {
			return err
		}
		fmt.Println(e.Type)
		if source.Published() == 2 {
			cancel()
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// NodeStarted
	// GenesisLoaded
	// PeerConnected
	// <nil>
}
