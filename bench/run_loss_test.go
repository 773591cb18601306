//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunFindsLoss(t *testing.T) {
	// Client 0 is a WebSocket, client 1 an SSE stream. Of 100 events 60 are high.
	isHigh := func(e fakeEvent, seqs ...int) bool { return e.Class == "high" && slices.Contains(seqs, e.Seq) }
	var held *fakeEvent
	tests := []struct {
		name     string
		deliver  func(c *fakeClient, e fakeEvent)
		problems []string
		lost     uint64
		told     uint64
	}{
		{
			name: "told",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 10, 11, 12) {
					return
				}
				if isHigh(e, 13) {
					c.lagged("3", "0", "0")
				}
				c.event(e)
			},
			lost: 6, told: 6,
		},
		{
			name: "told in two parts",
			deliver: func(c *fakeClient, e fakeEvent) {
				switch {
				case isHigh(e, 10, 11, 12, 20):
					return
				case isHigh(e, 13):
					c.lagged("3", "0", "0")
				case isHigh(e, 21):
					c.lagged("1", "0", "0")
				}
				c.event(e)
			},
			lost: 8, told: 8,
		},
		{
			name: "not told",
			deliver: func(c *fakeClient, e fakeEvent) {
				if !isHigh(e, 10, 11, 12) {
					c.event(e)
				}
			},
			problems: []string{"6 events were lost without a word", "2 connections saw a gap before"},
			lost:     6,
		},
		{
			name: "not told of the tail",
			deliver: func(c *fakeClient, e fakeEvent) {
				if !isHigh(e, 59, 60) {
					c.event(e)
				}
			},
			problems: []string{"4 events were lost without a word", "2 connections had not received the last events"},
			lost:     4,
		},
		{
			name: "told late",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 10) {
					return
				}
				c.event(e)
				if isHigh(e, 20) {
					c.lagged("1", "0", "0")
				}
			},
			problems: []string{"2 connections saw a gap before"},
			lost:     2, told: 2,
		},
		{
			name: "told too few",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 10, 11, 12) {
					return
				}
				if isHigh(e, 13) {
					c.lagged("2", "0", "0")
				}
				c.event(e)
			},
			problems: []string{"2 events were lost without a word", "2 connections saw a gap before"},
			lost:     6, told: 4,
		},
		{
			name: "told too many",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 10) {
					c.lagged("0", "0", "4")
				}
				c.event(e)
			},
			problems: []string{"8 events were told lost that were not"},
			told:     8,
		},
		{
			name: "told without a count",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 10, 11) {
					return
				}
				if isHigh(e, 12) {
					c.lagged("null", "0", "0")
				}
				c.event(e)
			},
			lost: 4,
		},
		{
			name: "duplicate",
			deliver: func(c *fakeClient, e fakeEvent) {
				c.event(e)
				if isHigh(e, 10) {
					c.event(e)
				}
			},
			problems: []string{"2 events came twice"},
		},
		{
			name: "out of order",
			deliver: func(c *fakeClient, e fakeEvent) {
				switch {
				case isHigh(e, 10):
					held = &e
					return
				case isHigh(e, 11):
					c.event(e)
					e = *held
				}
				c.event(e)
			},
			problems: []string{"2 connections saw a gap before", "2 events came out of order"},
		},
		{
			name: "damaged",
			deliver: func(c *fakeClient, e fakeEvent) {
				if isHigh(e, 60) {
					e.raw = strings.Replace(e.raw, `"seq":60`, `"seq":6e1`, 1)
				}
				c.event(e)
			},
			problems: []string{"2 events were lost without a word", "2 connections had not received the last events", "2 events came with changed fields"},
			lost:     2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newFakeRouter(t)
			r.deliver = tt.deliver
			cfg := r.start()
			cfg.WebSocket, cfg.SSE = 1, 1
			report := mustRun(t, cfg)
			wantProblems(t, report, tt.problems...)
			if l := report.Loss; l.Lost.Sum() != tt.lost || l.Told.Sum() != tt.told {
				t.Errorf("lost %v, told %v, want %d and %d", l.Lost, l.Told, tt.lost, tt.told)
			}
		})
	}
}

// Other traffic on the router is not an error: its events and the Lagged
// messages about them do not disturb.
func TestRunIgnoresOtherEvents(t *testing.T) {
	r := newFakeRouter(t)
	r.deliver = func(c *fakeClient, e fakeEvent) {
		if e.Class == "low" {
			c.lagged("0", "5", "0")
			c.event(fakeEvent{Type: "NodeStarted", raw: `{"type":"NodeStarted","run":"0000000000000000","class":"low","seq":9,"sent_ns":1,"x":1}`})
		}
		c.event(e)
	}
	report := mustRun(t, r.start())
	wantProblems(t, report)
	if report.Deliveries.Other != 60 || report.Deliveries.Total != 600 {
		t.Errorf("%d other and %d own deliveries, want 60 and 600", report.Deliveries.Other, report.Deliveries.Total)
	}
	if report.Loss.Overtold.Medium != 6*50 {
		t.Errorf("overtold %v, want 300 of medium", report.Loss.Overtold)
	}
}

// Stalled clients read nothing until the others have everything, and their
// losses count when they read again.
func TestRunStallsClients(t *testing.T) {
	r := newFakeRouter(t)
	r.deliver = func(c *fakeClient, e fakeEvent) {
		if c.index < 3 && e.Class == "low" {
			if e.Seq == 10 {
				c.lagged("0", "0", "9")
				c.event(e)
				if c.index == 1 {
					c.raw(serverFrame(true, 8, closePayload(4408, "stalled")))
				}
			}
			return
		}
		c.event(e)
	}
	cfg := r.start()
	cfg.WebSocket, cfg.SSE, cfg.Stall = 6, 0, 3
	cfg.ConnectConcurrency = 1
	cfg.Settle = time.Hour // Nobody waits for clients that are stalled or gone.
	report := mustRun(t, cfg)
	wantProblems(t, report)
	if report.Loss.Lost != (ByClass{Low: 27}) || report.Loss.Told != (ByClass{Low: 27}) {
		t.Errorf("loss %+v, want 27 of low, and told", report.Loss)
	}
	if n := report.Deliveries.LatencyMS.Count; n != 300 {
		t.Errorf("%d latencies, want the 300 of clients that read", n)
	}
	c := report.Connections
	if c.Stalled != 3 || c.StalledDisconnects["WebSocket: close code 4408"] != 1 || len(c.Disconnects) != 0 {
		t.Errorf("stalled %d, ended %v and %v, want 3, one with 4408, none", c.Stalled, c.StalledDisconnects, c.Disconnects)
	}
	// Two events were published after the one that client 1 was closed with.
	if want := uint64(300 + 3*91 - 2); report.Deliveries.Total != want {
		t.Errorf("%d deliveries, want %d", report.Deliveries.Total, want)
	}
}

// A stalled client really leaves bytes with the sender, and any other takes them.
func TestStalledClientsDoNotRead(t *testing.T) {
	flood := bytes.Repeat([]byte(": comment\n\n"), 1<<20)
	for _, stall := range []int{0, 1} {
		r := newFakeRouter(t)
		written := make(chan error, 1)
		r.opened = func(c *fakeClient) {
			r.all.Go(func() {
				if stall > 0 {
					if err := c.conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
						t.Error(err)
					}
				}
				_, err := c.conn.Write(flood)
				written <- err
			})
		}
		r.plain = true
		cfg := r.start()
		cfg.WebSocket, cfg.SSE, cfg.Stall, cfg.Burst = 0, 1, stall, 0
		ctx, cancel := context.WithCancel(t.Context())
		cfg.Duration = time.Hour
		var err error
		cfg.Progress = func(Progress) {
			select {
			case err = <-written:
				cancel()
			default:
			}
		}
		report, runErr := Run(ctx, cfg)
		cancel()
		if runErr != nil {
			t.Fatal(runErr)
		}
		wantProblems(t, report)
		if blocked := errors.Is(err, os.ErrDeadlineExceeded); blocked != (stall > 0) || !blocked && err != nil {
			t.Errorf("%d stalled: writing %d bytes: %v", stall, len(flood), err)
		}
	}
}
