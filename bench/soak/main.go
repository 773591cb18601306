//go:build linux

// Command soak runs a router for long with clients that come, go, stall and resume,
// with bursts and restarts, and checks what each of them saw: nothing lost without a
// word, nothing twice, each class in its order, and memory that stays flat.
//
//	go run ./bench/soak -adic ./adic -for 30m
//
// The exit status is 1 if anything was wrong. docs/reliability.md has its figures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options say how to soak.
type options struct {
	adic         string        // path of the binary
	lasts        time.Duration // at least; the last round is finished
	clients      int           // of a round, half of each transport
	followers    int           // that stay and resume
	rate         float64       // events a second of a round
	load         time.Duration // how long a round publishes
	restartAfter int           // rounds
}

func main() {
	o := options{followers: 20}
	flag.StringVar(&o.adic, "adic", "./adic", "the router's `binary`")
	flag.DurationVar(&o.lasts, "for", 30*time.Minute, "how long to soak")
	flag.IntVar(&o.clients, "clients", 1000, "clients of a round")
	flag.Float64Var(&o.rate, "rate", 100, "events a second")
	flag.DurationVar(&o.load, "load", 10*time.Second, "how long a round publishes at that rate")
	flag.IntVar(&o.restartAfter, "restart-after", 6, "rounds after which the router is restarted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soak(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak soaks and prints what it does and a summary. An error says what was wrong.
func soak(ctx context.Context, o options, out io.Writer) (err error) {
	s := &session{options: o, out: out, began: time.Now()}
	if s.router, err = startRouter(o.adic, 0); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.router.stop()) }()
	stay, leave := context.WithCancel(ctx)
	s.publisher = &publisher{addr: s.router.addr, accepted: make(map[key]bool)}
	for range o.followers {
		f := &follower{addr: s.router.addr, accepted: s.publisher}
		s.followers = append(s.followers, f)
		s.work.Go(func() { f.follow(stay) })
	}
	talk, hush := context.WithCancel(ctx)
	s.work.Go(func() { s.publisher.publish(talk) })
	err = s.rounds(ctx)
	hush()
	if err == nil {
		s.settle()
	}
	leave()
	s.work.Wait()
	if err != nil {
		return err
	}
	return s.summary()
}
