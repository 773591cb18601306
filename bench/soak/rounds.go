//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/adic-network/router/bench"
)

// A session is one soak.
type session struct {
	options
	out   io.Writer
	began time.Time

	router    *router
	publisher *publisher
	followers []*follower
	work      sync.WaitGroup

	life       int // of the router, from 0
	played     int // rounds
	restarts   int
	deliveries uint64
	lost       uint64 // and told, by clients that had stalled
	passers    int
	memory     [][]int64 // after each round of each life, in bytes
	problems   []string
}

// rounds plays rounds, with restarts between them.
func (s *session) rounds(ctx context.Context) error {
	s.memory = [][]int64{nil}
	for ctx.Err() == nil {
		if err := s.round(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil || time.Since(s.began) >= s.lasts {
			return nil
		}
		if len(s.memory[s.life]) >= s.restartAfter {
			if err := s.restart(); err != nil {
				return err
			}
		}
	}
	return nil
}

// round has clients come, publishes to them, at a rate with some of them stalled or in
// a burst, while others pass by, and checks what each has received.
func (s *session) round(ctx context.Context) error {
	cfg := bench.DefaultConfig()
	cfg.URL, cfg.Token, cfg.ServerPID = "http://"+s.router.addr, token, s.router.cmd.Process.Pid
	cfg.WebSocket, cfg.SSE = s.clients/2, s.clients-s.clients/2
	cfg.Events = "MessageAdded,SyncProgress,NodeStarted" // all that the load consists of
	cfg.Idle, cfg.Settle, cfg.Size = time.Second, 5*time.Second, 500
	kind := "burst"
	if s.played%3 == 2 {
		cfg.Burst = int(10 * s.rate)
	} else {
		kind, cfg.Rate, cfg.Duration, cfg.Stall = "stalls", s.rate, s.load, s.clients/10
	}
	passing, stop := context.WithCancel(ctx)
	var churn sync.WaitGroup
	counts := make([]int, 4)
	for i := range counts {
		churn.Go(func() { counts[i] = passBy(passing, s.router.addr) })
	}
	report, err := bench.Run(ctx, cfg)
	stop()
	churn.Wait()
	if err != nil {
		return err
	}
	for _, n := range counts {
		s.passers += n
	}
	if !report.Interrupted {
		for _, problem := range report.Problems() {
			s.problems = append(s.problems, fmt.Sprintf("round %d, %s: %s", s.played, kind, problem))
		}
	}
	s.deliveries += report.Deliveries.Total
	s.lost += report.Loss.Lost.Sum()
	memory, err := s.router.settled(len(s.followers))
	if err != nil {
		return err
	}
	s.memory[s.life] = append(s.memory[s.life], memory)
	fmt.Fprintf(s.out, "%8s  round %d, %s: %d deliveries, p99 %.1f ms, %d lost and told, %.1f MB\n", time.Since(s.began).Round(time.Second),
		s.played, kind, report.Deliveries.Total, report.Deliveries.LatencyMS.P99, report.Loss.Lost.Sum(), float64(memory)/1e6)
	s.played++
	return nil
}

// restart drains the router and starts the next one on its port, with followers and
// publisher going on.
func (s *session) restart() error {
	if err := s.router.stop(); err != nil {
		return err
	}
	next, err := startRouter(s.adic, s.router.port())
	if err != nil {
		return err
	}
	s.router = next
	s.restarts++
	s.life++
	s.memory = append(s.memory, nil)
	fmt.Fprintf(s.out, "%8s  restarted\n", time.Since(s.began).Round(time.Second))
	return nil
}

// passBy connects and leaves over and over, wherever it is with its handshake, with FIN
// and with RST, and returns how often.
func passBy(ctx context.Context, addr string) (n int) {
	const request = "GET /v1/sse/events HTTP/1.1\r\nHost: soak\r\n\r\n"
	for ctx.Err() == nil {
		if conn, err := net.DialTimeout("tcp", addr, patience); err == nil {
			_, err = io.WriteString(conn, request[:rand.IntN(len(request)+1)])
			if err == nil && rand.IntN(2) == 0 {
				err = conn.(*net.TCPConn).SetLinger(0)
			}
			if conn.Close() == nil && err == nil {
				n++
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return n
}

// settle waits until the followers have all that was published.
func (s *session) settle() {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !slices.ContainsFunc(s.followers, func(f *follower) bool { return !f.complete() }) {
			return
		}
	}
	s.problems = append(s.problems, fmt.Sprintf("not all followers have everything after %v", patience))
}

// growth is how much more memory a router may take after its last rounds than after
// its first ones, in bytes. A round's clients would take 20 times as much in an hour
// if 1 KiB of each stayed behind.
const growth = 8 << 20

// summary prints what was done, and returns what was wrong.
func (s *session) summary() error {
	events, lost, streams := 0, 0, 0
	for i, f := range s.followers {
		events, lost, streams = events+f.events, lost+f.lost, streams+f.streams
		for _, wrong := range f.wrong {
			s.problems = append(s.problems, fmt.Sprintf("follower %d: %s", i, wrong))
		}
	}
	for life, samples := range s.memory {
		third := len(samples) / 3
		if third == 0 {
			continue
		}
		first, last := slices.Min(samples[:third]), slices.Min(samples[len(samples)-third:])
		if last-first > growth {
			s.problems = append(s.problems, fmt.Sprintf("memory of life %d grew from %d to %d bytes: %d", life, first, last, samples))
		}
	}
	all := slices.Concat(s.memory...)
	p := s.publisher
	fmt.Fprintf(s.out, `
lasted              %v
rounds              %d of %d clients, and %d restarts
deliveries          %d, and %d events lost by stalled clients, each told
clients passing by  %d
followers           %d, which received %d events over %d streams, and were told of %d lost
published to them   %d events; %d batches refused while draining, %d without an answer
memory              %.1f to %.1f MB after a round
problems            %d
`, time.Since(s.began).Round(time.Second), s.played, s.clients, s.restarts, s.deliveries, s.lost, s.passers,
		len(s.followers), events, streams, lost, p.events, p.refused, p.unclear,
		float64(slices.Min(all))/1e6, float64(slices.Max(all))/1e6, len(s.problems))
	var err error
	for _, problem := range s.problems {
		err = errors.Join(err, errors.New(problem))
	}
	return err
}
