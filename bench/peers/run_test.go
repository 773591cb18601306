package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/bench"
)

// A comparison of a few servers under every kind of load, with few connections.
func TestComparison(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "peers")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("peers %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("run", "--out", dir, "--quick", "--reps", "1", "--servers", "router,nats,mercure,reference,floor",
		"--loads", "1000,burst-1000,stalled,storm,storm-events,filter,mixed,window-5ms,idle-sse-5000")
	run("report", "--out", dir, "--write", dir)

	r, err := openResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 5+5+5+5+5+4+3+2+4 {
		t.Errorf("%d runs", len(r.Runs))
	}
	for _, one := range r.Runs {
		if one.Error != "" {
			t.Errorf("%s: %s: %s", one.Load, one.Server, one.Error)
			continue
		}
		if n := lostPercent(one.Report); n > 0 || one.Report.Deliveries.Duplicates+one.Report.Deliveries.Damaged > 0 {
			t.Errorf("%s: %s: %g %% lost, %d twice, %d damaged", one.Load, one.Server, n, one.Report.Deliveries.Duplicates, one.Report.Deliveries.Damaged)
		}
		if p := one.Report.Publishing; p != nil && one.Report.Deliveries.Total == 0 {
			t.Errorf("%s: %s: nothing was delivered", one.Load, one.Server)
		}
	}
	for _, one := range r.Runs {
		if one.Load == "storm-events" && one.Report != nil && one.Report.Connections.Storm.RecoverSeconds == 0 {
			t.Errorf("%s never recovered from the storm", one.Server)
		}
	}
	page := r.page()
	for _, want := range []string{"quick look", "| **router** |", "| nats |", "| **missed** |", "not in this series", "results/memory.svg", "JetStream"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestBadCommands(t *testing.T) {
	for args, want := range map[string]string{
		"":                           "usage:",
		"run":                        "--out is missing",
		"run --out /tmp --loads 7":   `unknown "7": it is one of 1000, 5000`,
		"run --out /tmp --servers x": `unknown "x": it is one of router, centrifuge`,
		"report":                     "is missing",
		"load":                       "cannot read what to do",
	} {
		err := run(t.Context(), strings.Fields(args), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("peers %s: %v, want %q", args, err, want)
		}
	}
}

func TestMedians(t *testing.T) {
	r := &results{}
	for i, us := range []float64{3, 1, 2, 10} {
		r.Runs = append(r.Runs, result{Load: "1000", Server: router, Rep: i, Report: &bench.Report{
			Server: &bench.ServerReport{CPUMicrosPerDelivery: us}, Deliveries: bench.DeliveryReport{Total: 1},
		}})
	}
	r.Runs = append(r.Runs, result{Load: "1000", Server: router, Error: "it broke"})
	if s, ok := r.of("1000", router, cpu); !ok || s != (spread{median: 2.5, least: 1, most: 10, runs: 4}) {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, ok := r.of("1000", "floor", cpu); ok {
		t.Error("a server that did not run has a figure")
	}
	if got := r.failures("1000", router); len(got) != 1 || got[0] != "a run without a result: it broke" {
		t.Errorf("failures: %q", got)
	}
}

// Every load is one that the load generator takes, for each server that it is for.
func TestLoads(t *testing.T) {
	for _, l := range loads() {
		for _, d := range []description{
			{Name: router, Transport: "both"}, {Name: "x", Transport: "websocket", Path: "/ws"}, {Name: "y", Transport: "sse", Path: "/sse"},
		} {
			if !l.runsOn(d) {
				continue
			}
			c := l.config(d, "127.0.0.1:1", "127.0.0.1:2", 0)
			if err := c.Validate(); err != nil {
				t.Errorf("%s: %s: %v", l.name, d.Name, err)
			}
			if n := c.WebSocket + c.SSE; n != l.webSocket+l.sse {
				t.Errorf("%s: %s: %d connections", l.name, d.Name, n)
			}
			if _, err := json.Marshal(c); err != nil {
				t.Error(err)
			}
			if c.Duration > time.Minute {
				t.Errorf("%s takes %s", l.name, c.Duration)
			}
		}
	}
}
