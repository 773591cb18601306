package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/adic-network/router/event"
)

// MaxRate is the highest rate, in events a second, that a Source takes.
const MaxRate = 100_000

// maxDelay is how far a Source may fall behind its schedule before it gives up
// the time it has lost. A machine that was suspended must not be answered with
// a burst of everything missed.
const maxDelay = time.Second

// A Source publishes the life of a made-up ADIC network. Use [New].
type Source struct {
	rate    float64
	network *network
	pace    *rand.Rand

	published atomic.Uint64
	dropped   atomic.Uint64
}

// New returns a source of rate events a second on average, which must be above
// 0 and at most [MaxRate]. Sources with the same seed and catalogue publish the
// same events but for their timestamps.
func New(rate float64, seed uint64, catalogue *event.Catalogue) (*Source, error) {
	if !(rate > 0 && rate <= MaxRate) { // in this form it catches NaN
		return nil, fmt.Errorf("the rate of the demo must be above 0 and at most %d events a second, not %v", MaxRate, rate)
	}
	return &Source{
		rate:    rate,
		network: newNetwork(seed, catalogue),
		// A generator of its own, lest the pace change the stories.
		pace: rand.New(rand.NewPCG(seed, 1)),
	}, nil
}

// Run publishes until ctx is done and then returns nil; there is nothing else
// that can end a demo. It may be called again, one call at a time, and goes on
// with the story where it left off.
//
// Each p is one event in the flat form, which publish may keep. An event whose
// publish returns an error is dropped and counted: a router that is overloaded
// is not made to wait for its demo.
func (s *Source) Run(ctx context.Context, publish func(p []byte) error) error {
	due := time.Now()
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		now := time.Now()
		if ahead := due.Sub(now); ahead > 0 {
			wake.Reset(ahead)
			select {
			case <-wake.C:
			case <-ctx.Done():
				return nil
			}
			now = time.Now()
		} else if ctx.Err() != nil {
			return nil
		} else if ahead < -maxDelay {
			due = now
		}
		if err := publish(s.network.next(now)); err != nil {
			s.dropped.Add(1)
		} else {
			s.published.Add(1)
		}
		// Exponential gaps are those of arrivals that know nothing of each
		// other (a Poisson process): bursty as real traffic, exact on average.
		due = due.Add(time.Duration(s.pace.ExpFloat64() / s.rate * float64(time.Second)))
	}
}

// Published returns the number of events that publish has taken. It may be
// called at any time.
func (s *Source) Published() uint64 { return s.published.Load() }

// Dropped returns the number of events that publish has refused. It may be
// called at any time.
func (s *Source) Dropped() uint64 { return s.dropped.Load() }
