//go:build linux

package bench

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestStormOfConnects(t *testing.T) {
	r := newFakeRouter(t)
	r.opening = func(http.ResponseWriter, *http.Request) bool {
		time.Sleep(time.Millisecond) // so that events are published between connects
		return false
	}
	cfg := r.start()
	cfg.WebSocket, cfg.SSE, cfg.ConnectConcurrency = 30, 30, 60
	cfg.StormRate = 2000
	report := mustRun(t, cfg)
	wantProblems(t, report)
	c := report.Connections
	if c.Storm == nil || c.Storm.RecoverSeconds < c.Seconds || c.Storm.Published == 0 || c.WebSocket.Opened+c.SSE.Opened != 60 {
		t.Errorf("storm %+v, connected after %g s", c.Storm, c.Seconds)
	}
	if d := report.Deliveries; d.Events.Medium != 30*60 || d.LatencyMS.Count != 100*60 {
		t.Errorf("%v delivered, of which %d were measured, want 1,800 medium and 6,000", d.Events, d.LatencyMS.Count)
	}

	r.mu.Lock()
	r.clients = nil
	r.deliver = func(*fakeClient, fakeEvent) {}
	r.mu.Unlock()
	cfg.Burst, cfg.Duration, cfg.ConnectTimeout = 0, time.Millisecond, 500*time.Millisecond
	report = mustRun(t, cfg)
	if n := report.Connections.Storm.RecoverSeconds; n != 0 || !slices.Contains(report.Problems(), "no event reached all clients after the storm of connects") {
		t.Errorf("recovered after %g s from a server that delivers nothing: %v", n, report.Problems())
	}
}

func TestWarmupIsNotMeasured(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"burst": func(c *Config) { c.Warmup = time.Millisecond },
		"rate": func(c *Config) {
			c.Burst, c.Rate, c.Duration, c.Warmup = 0, 1000, 100*time.Millisecond, 100*time.Millisecond
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFakeRouter(t)
			cfg := r.start()
			change(&cfg)
			report := mustRun(t, cfg)
			wantProblems(t, report)
			if d := report.Deliveries; d.Total != 1200 || d.LatencyMS.Count != 600 {
				t.Errorf("%d deliveries, of which %d were measured, want 1,200 and 600", d.Total, d.LatencyMS.Count)
			}
		})
	}
}
