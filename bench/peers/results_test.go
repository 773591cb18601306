package main

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/bench"
)

// A server that does not start is a result, and the others go on.
func TestFailureIsAResult(t *testing.T) {
	t.Setenv("PEERS_TEST_MAIN", "1")
	c, err := newComparison(io.Discard, 1, "1000", "router,floor")
	if err != nil {
		t.Fatal(err)
	}
	c.adic, c.loads[0], c.quiet = "/bin/false", c.loads[0].small(), 0
	r := new(results)
	if err := c.compare(t.Context(), func(one result) error { r.Runs = append(r.Runs, one); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 || !strings.Contains(r.Runs[0].Error, "the server had ended") || r.Runs[1].Report == nil {
		t.Fatalf("%+v", r.Runs)
	}
	if page := r.page(); !strings.Contains(page, "router: a run without a result: cannot start router") {
		t.Errorf("the page does not say so:\n%s", page)
	}
}

func TestInterruptedComparisonEnds(t *testing.T) {
	c, err := newComparison(io.Discard, 1, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.program, c.adic = "/bin/false", "/bin/false"
	if err := c.compare(ctx, func(result) error { return errors.New("a result of nothing") }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// With nothing measured, no target is met or missed, and every load has a table
// or none.
func TestPageOfNothing(t *testing.T) {
	page := new(results).page()
	if strings.Contains(page, "**missed**") || strings.Contains(page, "| met") || strings.Contains(page, "NaN") {
		t.Error(page)
	}
}

// A figure that every report has is a number.
func TestFiguresAreNumbers(t *testing.T) {
	r := &bench.Report{Server: new(bench.ServerReport)}
	for _, s := range sections {
		for _, c := range s.columns {
			if v, ok := c.figure(r); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
				t.Errorf("%s, %s: %g of an empty report", s.title, c.title, v)
			}
		}
	}
}

func TestResultsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	r, err := openResults(dir)
	if err != nil || r.Machine == "" || time.Since(r.From) > time.Minute {
		t.Fatalf("%+v, %v", r, err)
	}
	for rep := range 2 {
		if err := r.add(result{Load: "l", Server: "s", Rep: rep}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openResults(dir)
	if err != nil || len(again.Runs) != 2 || again.Machine != r.Machine || again.Commit != r.Commit {
		t.Errorf("%+v, %v", again, err)
	}
	if err := os.WriteFile(r.file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openResults(dir); err == nil || !strings.Contains(err.Error(), "results.json") {
		t.Error(err)
	}
}

// The tables are of loads that there are.
func TestSectionsNameLoads(t *testing.T) {
	var names []string
	for _, l := range loads() {
		names = append(names, l.name)
	}
	for _, s := range sections {
		for _, name := range s.loads {
			if !slices.Contains(names, name) {
				t.Errorf("%s: no load %q", s.title, name)
			}
		}
	}
}
