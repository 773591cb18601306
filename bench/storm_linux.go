package bench

import (
	"context"
	"math"
	"slices"
	"time"
)

// connect opens all connections, in a storm with events meanwhile.
func (s *session) connect(want [classes]bool) error {
	all := func(now int64) bool { return s.loop.openMore(now, s.began) }
	if s.cfg.StormRate == 0 {
		return s.until(PhaseConnect, all)
	}
	s.storm = new(StormReport)
	ctx, stop := context.WithCancel(s.ctx)
	// Events of one class, so that the sequences of the others begin when
	// everybody is there.
	s.publisher.mix, s.loop.joining = []class{class(slices.Index(want[:], true))}, true
	done := s.publish(func(p *publisher) { p.steadily(ctx, s.cfg.StormRate, math.MaxInt64/2) })
	err := s.until(PhaseConnect, all)
	if err == nil {
		err = s.recover(want)
	}
	stop()
	<-done
	s.storm.Published = s.publisher.total()
	s.publisher.mix, s.publisher.next, s.loop.joining = mix[:], 0, false
	return err
}

// recover waits until an event that was published after all connections were
// open has reached them, but no longer than a connection may take.
func (s *session) recover(want [classes]bool) error {
	next := accepted{groups: s.cfg.Groups}
	if s.cfg.Groups == 0 {
		c := s.publisher.mix[0]
		next.last[c] = s.publisher.begun[c].Load() + 1
	}
	for g := range s.cfg.Groups {
		next.last[g] = s.publisher.begun[g].Load() + 1
	}
	opened := s.clock.now()
	return s.until(PhaseRecover, func(now int64) bool {
		if s.loop.complete(want, next) {
			s.storm.RecoverSeconds = time.Duration(now - s.began).Seconds()
			return true
		}
		return now-opened >= int64(s.cfg.ConnectTimeout)
	})
}
