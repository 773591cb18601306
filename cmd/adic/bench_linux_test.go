package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/adic-network/router/bench"
)

func TestParseBenchStall(t *testing.T) {
	tests := []struct {
		value string
		want  int // -1: an error
	}{
		{"0", 0}, {"7", 7}, {"200", 200},
		{"0%", 0}, {"10%", 20}, {"2.5%", 5}, {"100%", 200},
		{"", -1}, {"x", -1}, {"-1", -1}, {"201", -1}, {"101%", -1}, {"-1%", -1}, {"%", -1}, {"NaN%", -1}, {"1.5", -1},
	}
	for _, tt := range tests {
		got, err := parseBenchStall(tt.value, 200)
		if err != nil {
			got = -1
		}
		if got != tt.want {
			t.Errorf("parseBenchStall(%q, 200) = %d, %v, want %d", tt.value, got, err, tt.want)
		}
	}
}

// A router that refuses every connection is enough to see the command's
// output and exit status; package bench tests the rest.
func TestBenchReportsProblems(t *testing.T) {
	router := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"error":"too many connections"}`, http.StatusServiceUnavailable)
	}))
	defer router.Close()
	const problem = `3 connections were refused with status 503: {"error":"too many connections"}`

	r := adic(t, nil, "bench", router.URL, "--websocket", "2", "--sse", "1", "--idle", "0s")
	r.check(t, statusFailure, "adic: the run had a problem: "+problem+"\n")
	if !strings.Contains(r.stdout, "WebSocket         0 of 2\n") || !strings.Contains(r.stdout, problem) {
		t.Errorf("standard output:\n%s", r.stdout)
	}

	r = adic(t, nil, "bench", router.URL, "--websocket", "3", "--idle", "0s", "--json")
	var report bench.Report
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("%v:\n%s", err, r.stdout)
	}
	if got := report.Problems(); len(got) != 1 || got[0] != problem {
		t.Errorf("problems %q, want %q", got, problem)
	}
}

func TestBenchRefusesBadCommandLines(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string
	}{
		{"http://127.0.0.1:1 --stall 101%", "between 0% and 100%"},
		{"http://127.0.0.1:1 --rate 1 --burst 1", "not both"},
		{"https://127.0.0.1:1", "does not speak TLS"},
		{"http://127.0.0.1:1 --websocket 0", "nothing to connect"},
		{"http://127.0.0.1:1 --rat 5", "did you mean --rate?"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			adic(t, nil, append([]string{"bench"}, strings.Fields(tt.args)...)...).check(t, statusUsage, tt.want)
		})
	}
}
