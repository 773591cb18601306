package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"
)

// closeTimeout is how long the server may take to answer close frames.
const closeTimeout = 2 * time.Second

// session is one run: its steps share what is in it.
type session struct {
	ctx       context.Context
	cfg       Config
	loop      *loop
	publisher *publisher // nil when nothing is published
	server    *monitor
	clock     clock
	began     int64
	storm     *StormReport
	phase     Phase
}

func run(ctx context.Context, cfg Config, host string, want [classes]bool) (report *Report, err error) {
	server := &monitor{pid: cfg.ServerPID}
	empty := server.read()
	if server.err != nil {
		return nil, server.err
	}
	own := &monitor{pid: os.Getpid()}
	clock := newClock()
	id := fmt.Sprintf("%016x", rand.Uint64())
	l, err := newLoop(ctx, cfg, host, id, clock)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := l.close(); err == nil && closeErr != nil {
			report, err = nil, fmt.Errorf("cannot close the epoll instance: %w", closeErr)
		}
	}()
	s := &session{ctx: ctx, cfg: cfg, loop: l, server: server, clock: clock, began: clock.now()}
	l.everyInterval = s.interval
	if cfg.loads() {
		l.since = math.MaxInt64 // until the load begins
	}
	if cfg.publishes() {
		s.publisher = newPublisher(cfg, host, id, clock)
		defer s.publisher.close()
	}

	if err := s.connect(want); err != nil {
		return nil, err
	}
	connected, connectedAt := server.read(), clock.now()
	if err := s.until(PhaseIdle, func(now int64) bool { return now-connectedAt >= int64(cfg.Idle) }); err != nil {
		return nil, err
	}
	idle, idleAt := server.read(), clock.now()
	opened := float64(l.open)
	if err := s.warmUp(want); err != nil {
		return nil, err
	}
	before, ownBefore, beforeAt := server.read(), own.read(), clock.now()
	if err := s.load(want); err != nil {
		return nil, err
	}
	after, ownAfter, afterAt := server.read(), own.read(), clock.now()
	received := l.measured + l.other
	if err := s.resume(want); err != nil {
		return nil, err
	}

	connections := l.connectionReport(s.began)
	connections.Storm = s.storm
	report = &Report{
		URL:         cfg.URL,
		Run:         id,
		Interrupted: ctx.Err() != nil,
		Connections: connections,
		Publishing:  s.publishReport(),
		Deliveries:  l.deliveryReport(),
		Loss:        l.lossReport(want, s.accepted()),
		Generator: GeneratorReport{
			RSS:        ownAfter.rss,
			CPUSeconds: (ownAfter.cpu - ownBefore.cpu).Seconds(),
			CPUPercent: percent(ownAfter.cpu-ownBefore.cpu, afterAt-beforeAt),
		},
	}
	if cfg.ServerPID != 0 {
		cpu := after.cpu - before.cpu
		report.Server = &ServerReport{
			PID:                    cfg.ServerPID,
			RSSBefore:              empty.rss,
			RSSIdle:                idle.rss,
			RSSPeak:                server.peak,
			RSSAfter:               after.rss,
			IdleBytesPerConnection: ratio(float64(idle.rss-empty.rss), opened),
			ConnectCPUMicros:       ratio(float64((connected.cpu - empty.cpu).Microseconds()), opened),
			IdleCPUPercent:         percent(idle.cpu-connected.cpu, idleAt-connectedAt),
			CPUSeconds:             cpu.Seconds(),
			CPUPercent:             percent(cpu, afterAt-beforeAt),
			CPUMicrosPerDelivery:   ratio(float64(cpu.Microseconds()), float64(received)),
		}
		if server.err != nil {
			report.Server.Error = server.err.Error()
		}
	}
	return report, s.closeAll()
}

// publish runs a method of the publisher and closes done after it.
func (s *session) publish(with func(p *publisher)) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		with(s.publisher)
	}()
	return done
}

// while serves the connections until done, however the run goes.
func (s *session) while(phase Phase, done <-chan struct{}) error {
	s.phase = phase
	err := s.loop.spin(func(int64) bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	<-done
	return err
}

// warmUp publishes what is not measured.
func (s *session) warmUp(want [classes]bool) error {
	if s.loop.open == 0 || s.ctx.Err() != nil || !s.cfg.loads() {
		return nil
	}
	if s.cfg.Warmup > 0 {
		began := s.clock.now()
		err := s.while(PhaseWarmup, s.publish(func(p *publisher) {
			if s.cfg.Burst > 0 {
				p.burst(s.ctx, s.cfg.Burst)
			} else {
				p.steadily(s.ctx, s.cfg.Rate, s.cfg.Warmup)
			}
		}))
		if err == nil {
			err = s.settle(PhaseWarmup, want)
		}
		if err == nil {
			err = s.until(PhaseWarmup, func(now int64) bool { return now-began >= int64(s.cfg.Warmup) })
		}
		if err != nil {
			return err
		}
	}
	s.loop.since = s.clock.now()
	return nil
}

// load publishes and waits until everything has arrived, or listens.
func (s *session) load(want [classes]bool) error {
	if s.loop.open == 0 || s.ctx.Err() != nil {
		return nil
	}
	if !s.cfg.loads() {
		began := s.clock.now()
		return s.until(PhaseListen, func(now int64) bool { return now-began >= int64(s.cfg.Duration) })
	}
	err := s.while(PhasePublish, s.publish(func(p *publisher) {
		if s.cfg.Burst > 0 {
			p.burst(s.ctx, s.cfg.Burst)
		} else {
			p.steadily(s.ctx, s.cfg.Rate, s.cfg.Duration)
		}
	}))
	if err != nil {
		return err
	}
	return s.settle(PhaseSettle, want)
}

// resume lets stalled clients read what they have missed.
func (s *session) resume(want [classes]bool) error {
	if s.loop.openedStalled == 0 || s.publisher == nil {
		return nil
	}
	s.loop.resumeStalled()
	return s.settle(PhaseResume, want)
}

// settle waits until every client that reads has everything, or until nothing
// has come for the settling time. It does so after an interruption too: what
// was published has to arrive.
func (s *session) settle(phase Phase, want [classes]bool) error {
	s.phase = phase
	last := s.accepted()
	seen, since, next := s.loop.delivered(), s.clock.now(), int64(0)
	return s.loop.spin(func(now int64) bool {
		if n := s.loop.delivered(); n != seen {
			seen, since = n, now
		}
		if now-since >= int64(s.cfg.Settle) {
			return true
		}
		if now < next {
			return false
		}
		next = now + int64(50*time.Millisecond) // Looking at 20,000 connections has its price.
		return s.loop.complete(want, last)
	})
}

// closeAll closes the connections and gives the server time to do its part.
func (s *session) closeAll() error {
	s.phase = PhaseClose
	s.loop.closeAll()
	deadline := s.clock.now() + int64(closeTimeout)
	return s.loop.spin(func(now int64) bool { return s.loop.open == 0 || now >= deadline })
}

// until runs one phase until it is done or the run is interrupted.
func (s *session) until(phase Phase, done func(now int64) bool) error {
	s.phase = phase
	return s.loop.spin(func(now int64) bool { return s.ctx.Err() != nil || done(now) })
}

// accepted returns the last sequence numbers that the router answered for.
func (s *session) accepted() accepted {
	a := accepted{groups: s.cfg.Groups}
	if s.publisher != nil {
		for i := range a.last {
			a.last[i] = s.publisher.accepted[i].Load()
		}
	}
	return a
}

// interval reads the server's memory and tells the progress.
func (s *session) interval(now int64) {
	if s.phase != PhaseClose {
		s.server.read()
	}
	if s.cfg.Progress == nil {
		return
	}
	progress := Progress{
		Phase:      s.phase,
		Elapsed:    time.Duration(now - s.began),
		Connected:  s.loop.open,
		Clients:    len(s.loop.conns),
		Deliveries: s.loop.delivered(),
	}
	if s.publisher != nil {
		progress.Published = s.publisher.total()
	}
	s.cfg.Progress(progress)
}

func (s *session) publishReport() *PublishReport {
	p := s.publisher
	if p == nil {
		return nil
	}
	r := &PublishReport{
		Events:       byClass(s.accepted().byClass()),
		Total:        p.total(),
		Seconds:      p.elapsed.Seconds(),
		PerSecond:    ratio(float64(p.total()), p.elapsed.Seconds()),
		ResponseMS:   p.response.percentiles(),
		LateMS:       p.late.percentiles(),
		Retries:      p.retries,
		RetrySeconds: p.waited.Seconds(),
	}
	if p.err != nil {
		r.Error = p.err.Error()
	}
	return r
}

// monitor reads what a process uses. After an error it repeats what it read
// last, so that a server that ends does not end the run.
type monitor struct {
	pid  int // 0 reads nothing
	last usage
	peak int64
	err  error
}

func (m *monitor) read() usage {
	if m.pid == 0 || m.err != nil {
		return m.last
	}
	if now, err := readUsage(m.pid); err != nil {
		m.err = err
	} else {
		m.last, m.peak = now, max(m.peak, now.rss)
	}
	return m.last
}

// percent is the share of one core that cpu is of elapsed nanoseconds.
func percent(cpu time.Duration, elapsed int64) float64 {
	return 100 * ratio(float64(cpu), float64(elapsed))
}
