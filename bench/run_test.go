//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func mustRun(t *testing.T, cfg Config) *Report {
	t.Helper()
	report, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return report
}

func wantProblems(t *testing.T, r *Report, want ...string) {
	t.Helper()
	got := r.Problems()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestRunCountsEverything(t *testing.T) {
	tests := []struct {
		name  string
		setup func(r *fakeRouter)
	}{
		{"whole frames", func(*fakeRouter) {}},
		{"single bytes", func(r *fakeRouter) { r.split = true }},
		{"fragments around a ping", func(r *fakeRouter) {
			r.deliver = func(c *fakeClient, e fakeEvent) {
				if c.sse {
					c.event(e)
					return
				}
				text := `{"type":"Event","event":` + e.raw + `}`
				c.raw(serverFrame(false, 1, text[:40]) + serverFrame(true, 9, "") +
					serverFrame(false, 0, text[40:70]) + serverFrame(true, 0, text[70:]))
			}
		}},
		{"comments, CRLF and data of two lines", func(r *fakeRouter) {
			r.deliver = func(c *fakeClient, e fakeEvent) {
				if !c.sse {
					c.event(e)
					return
				}
				c.block(": heartbeat\r\n\r\n")
				c.block("data: " + strings.Replace(e.raw, `,"timestamp"`, ",\r\ndata:\"timestamp\"", 1) + "\r\n\r\n")
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newFakeRouter(t)
			tt.setup(r)
			report := mustRun(t, r.start())
			wantProblems(t, report)
			wantEvents := ByClass{60, 30, 10}
			if report.Publishing.Events != wantEvents {
				t.Errorf("published %v, want %v", report.Publishing.Events, wantEvents)
			}
			if want := (ByClass{360, 180, 60}); report.Deliveries.Events != want {
				t.Errorf("delivered %v, want %v", report.Deliveries.Events, want)
			}
			if n := report.Deliveries.LatencyMS.Count; n != 600 {
				t.Errorf("%d latencies, want 600", n)
			}
			c := report.Connections
			if c.WebSocket.Opened != 3 || c.SSE.Opened != 3 || c.TimeMS.Count != 6 {
				t.Errorf("connections: %+v", c)
			}
		})
	}
}

func TestRunReportsErrorMessages(t *testing.T) {
	r := newFakeRouter(t)
	r.opened = func(c *fakeClient) {
		if !c.sse {
			c.message(`{ "type": "Error", "message": "what?" }`)
			c.message(`{"type":"Pong"}`)
		}
	}
	wantProblems(t, mustRun(t, r.start()), `3 messages of type Error: { "type": "Error", "message": "what?" }`)
}

// Large events come in many reads; too large ones end the connection, not the
// generator.
func TestRunTakesLargeEvents(t *testing.T) {
	r := newFakeRouter(t)
	cfg := r.start()
	cfg.Burst, cfg.Size = 10, 128<<10
	report := mustRun(t, cfg)
	wantProblems(t, report)
	if report.Deliveries.Total != 60 || report.Deliveries.Bytes < 60*128<<10 {
		t.Errorf("%d deliveries in %d bytes", report.Deliveries.Total, report.Deliveries.Bytes)
	}

	cfg.Size = 300 << 10
	wantProblems(t, mustRun(t, cfg), "3 connections were ended: SSE: event of over 262144 bytes",
		"3 connections were ended: WebSocket: message of 3072")
}

func TestRunOnlyListens(t *testing.T) {
	r := newFakeRouter(t)
	r.opened = func(c *fakeClient) { c.event(fakeEvent{Type: "TipsUpdated", raw: `{"type":"TipsUpdated"}`}) }
	cfg := r.start()
	cfg.Burst, cfg.Duration = 0, 50*time.Millisecond
	cfg.Events = "TipsUpdated"
	report := mustRun(t, cfg)
	wantProblems(t, report)
	if report.Publishing != nil || report.Deliveries.Other != 6 || report.Deliveries.Total != 0 {
		t.Errorf("publishing %v, deliveries %+v, want none and 6 other events", report.Publishing, report.Deliveries)
	}
}

func TestRunCanBeInterrupted(t *testing.T) {
	for _, phase := range []Phase{PhaseConnect, PhaseIdle, PhasePublish, PhaseListen} {
		t.Run(string(phase), func(t *testing.T) {
			r := newFakeRouter(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg := r.start()
			cfg.Burst, cfg.Duration = 0, time.Hour
			switch phase {
			case PhaseConnect:
				cfg.ConnectRate = 0.001
			case PhaseIdle:
				cfg.Idle = time.Hour
			case PhasePublish:
				cfg.Rate = 100
			}
			cfg.Progress = func(p Progress) {
				if p.Phase == phase {
					cancel()
				}
			}
			report, err := Run(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, report)
			if !report.Interrupted {
				t.Error("the report does not say that the run was interrupted")
			}
			if p := report.Publishing; phase == PhasePublish && (p.Total == 0 || report.Deliveries.Total != 6*p.Total) {
				t.Errorf("published %d, delivered %d, want all of what was published", p.Total, report.Deliveries.Total)
			}
		})
	}
}

func TestRunMeasuresTheServer(t *testing.T) {
	r := newFakeRouter(t)
	cfg := r.start()
	cfg.ServerPID = os.Getpid()
	report := mustRun(t, cfg)
	wantProblems(t, report)
	if s := report.Server; s.RSSBefore <= 0 || s.RSSPeak < s.RSSBefore || report.Generator.RSS <= 0 {
		t.Errorf("server %+v, generator %+v", s, report.Generator)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"WebSocket         3 of 3", "600, ", "360 high, 180 medium, 60 low", "no problems"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	encoded, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"latency_ms":{"count":600,`, `"idle_bytes_per_connection":`, `"refused":[]`} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("the JSON lacks %s:\n%s", want, encoded)
		}
	}
}

func TestRunRefusesWhatCannotBe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	valid := newFakeRouter(t).start()
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nobody listens", func(c *Config) { c.URL = "http://" + address }, "cannot reach the router"},
		{"no such process", func(c *Config) { c.ServerPID = 1 << 30 }, "process 1073741824"},
		{"descriptors", func(c *Config) { c.SSE = 1 << 30 }, "need 1073741859 descriptors"},
		{"configuration", func(c *Config) { c.Rate = 1 }, "not both"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := valid
			tt.change(&cfg)
			if report, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tt.want) || report != nil {
				t.Errorf("Run: %v, want an error with %q", err, tt.want)
			}
		})
	}
}
