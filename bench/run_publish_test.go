//go:build linux

package bench

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestRunRetriesPublishing(t *testing.T) {
	r := newFakeRouter(t)
	posts := 0
	r.publish = func(w http.ResponseWriter, events []fakeEvent) bool {
		posts++
		if posts == 2 || posts == 3 {
			w.Header().Set("Retry-After", "0")
			http.Error(w, `{"error":"overloaded"}`, http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	report := mustRun(t, r.start())
	wantProblems(t, report)
	if p := report.Publishing; p.Retries != 2 || p.RetrySeconds != 0.02 || p.Total != 100 {
		t.Errorf("%d retries in %g s, %d events, want 2, 0.02 s and 100", p.Retries, p.RetrySeconds, p.Total)
	}
}

func TestRunReportsPublishErrors(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string
	}{
		{"credentials", func(w http.ResponseWriter) { http.Error(w, `{"error":"wrong token"}`, http.StatusUnauthorized) },
			`status 401: {"error":"wrong token"}: give the router's publish token`},
		{"bad event", func(w http.ResponseWriter) { http.Error(w, `{"error":"event 3"}`, http.StatusBadRequest) }, `status 400: {"error":"event 3"}`},
		{"overload without a date", func(w http.ResponseWriter) { http.Error(w, "", http.StatusServiceUnavailable) }, "without a valid Retry-After"},
		{"overload for too long", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3600")
			http.Error(w, "", http.StatusServiceUnavailable)
		}, "refused for 1m0s"},
		{"half a batch", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"accepted":3}`)
		}, "published 7 events and was answered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newFakeRouter(t)
			posts := 0
			r.publish = func(w http.ResponseWriter, events []fakeEvent) bool {
				if posts++; posts < 3 {
					return false
				}
				tt.answer(w)
				return true
			}
			report := mustRun(t, r.start())
			wantProblems(t, report, tt.want)
			if report.Publishing.Total != 14 || report.Deliveries.Total != 14*6 {
				t.Errorf("%d published, %d delivered, want what was accepted before: 14 and 84", report.Publishing.Total, report.Deliveries.Total)
			}
		})
	}
}

func TestRunExpectsWhatTheFilterLetsThrough(t *testing.T) {
	r := newFakeRouter(t)
	r.deliver = func(c *fakeClient, e fakeEvent) {
		if c.query != "events=message.%2A%2CNodeStarted&priority=high%2Cmedium" {
			t.Errorf("query %q", c.query)
		}
		if e.Class == "high" {
			c.event(e)
		}
	}
	cfg := r.start()
	cfg.Events, cfg.Priority = "message.*,NodeStarted", "high,medium"
	report := mustRun(t, cfg)
	wantProblems(t, report)
	if report.Deliveries.Events != (ByClass{High: 360}) {
		t.Errorf("delivered %v", report.Deliveries.Events)
	}
}

func TestRunPublishesAtARate(t *testing.T) {
	tests := []struct {
		name     string
		rate     float64
		duration time.Duration
		want     uint64
	}{
		{"kept", 1000, 100 * time.Millisecond, 100},
		{"too high to keep", 1e6, time.Millisecond, 1000},
		{"one event", 1, 10 * time.Millisecond, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := newFakeRouter(t).start()
			cfg.Burst, cfg.Rate, cfg.Duration = 0, tt.rate, tt.duration
			report := mustRun(t, cfg)
			wantProblems(t, report)
			if p := report.Publishing; p.Total != tt.want || p.LateMS.Count != tt.want {
				t.Errorf("published %d events, %d of them timed, want %d", p.Total, p.LateMS.Count, tt.want)
			}
		})
	}
}
