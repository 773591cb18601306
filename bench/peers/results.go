package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/adic-network/router/bench"
)

// result is one run of a load on a server.
type result struct {
	Load   string        `json:"load"`
	Server string        `json:"server"`
	Rep    int           `json:"rep"`
	Error  string        `json:"error,omitempty"` // why there is no report
	Report *bench.Report `json:"report,omitempty"`
}

// results are the runs of one comparison, in a file.
type results struct {
	Machine string    `json:"machine"`
	Commit  string    `json:"commit"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Quick   bool      `json:"quick"` // small loads
	Runs    []result  `json:"runs"`

	file string
}

// openResults reads the results in a folder, if there are any. A comparison may
// be made in several parts.
func openResults(dir string) (*results, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	r := &results{file: filepath.Join(dir, "results.json")}
	data, err := os.ReadFile(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Machine, err = machine()
		r.Commit, r.From = commit(), time.Now()
		return r, err
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", r.file, err)
	}
	return r, nil
}

// add adds a run and writes the file, so that nothing is lost of a comparison
// that is interrupted.
func (r *results) add(one result) error {
	r.Runs = append(r.Runs, one)
	r.To = time.Now()
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.file, data, 0o644)
}

// spread is a figure of several runs.
type spread struct {
	median, least, most float64
	runs                int
}

// figure is what is read off a report. ok is false where it says nothing.
type figure func(*bench.Report) (value float64, ok bool)

// of returns a figure of a server under a load. Without a run that has it, ok is
// false.
func (r *results) of(load, server string, f figure) (s spread, ok bool) {
	var values []float64
	for _, run := range r.Runs {
		if run.Load == load && run.Server == server && run.Report != nil {
			if v, ok := f(run.Report); ok {
				values = append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return spread{}, false
	}
	slices.Sort(values)
	n := len(values)
	return spread{median: (values[(n-1)/2] + values[n/2]) / 2, least: values[0], most: values[n-1], runs: n}, true
}

// failures are the reasons why a load has no report of a server, and what kept
// others from being whole, each once.
func (r *results) failures(load, server string) (reasons []string) {
	found := func(reason string) {
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	for _, run := range r.Runs {
		switch {
		case run.Load != load || run.Server != server:
		case run.Report == nil:
			found("a run without a result: " + run.Error)
		default:
			c := run.Report.Connections
			for _, refusal := range c.Refused {
				found(fmt.Sprintf("%d connections refused with status %d", refusal.Count, refusal.Status))
			}
			for _, reason := range slices.Sorted(maps.Keys(c.Errors)) {
				found(fmt.Sprintf("%d connections not opened: %s", c.Errors[reason], reason))
			}
			if p := run.Report.Publishing; p != nil && p.Error != "" {
				found("publishing ended early: " + p.Error)
			}
			if run.Report.Server != nil && run.Report.Server.Error != "" {
				found(run.Report.Server.Error)
			}
		}
	}
	return reasons
}

// reported says that there is a report of a server under a load.
func (r *results) reported(load, server string) bool {
	return slices.ContainsFunc(r.Runs, func(run result) bool {
		return run.Load == load && run.Server == server && run.Report != nil
	})
}

// ran reports whether there is any run of a load.
func (r *results) ran(load string) bool {
	return slices.ContainsFunc(r.Runs, func(run result) bool { return run.Load == load })
}

// machine describes this one.
func machine() (string, error) {
	cpu, memory := "unknown processor", ""
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		cpu = after(string(data), "model name")
	}
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscan(after(string(data), "MemTotal"), &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB of memory", kib>>20)
		}
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", fmt.Errorf("cannot read the version of the kernel: %w", err)
	}
	return fmt.Sprintf("%d cores of %s%s, Linux %s, %s", runtime.NumCPU(), cpu, memory, unix.ByteSliceToString(name.Release[:]), runtime.Version()), nil
}

// after returns the value of the first line "key : value".
func after(text, key string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// commit is what is measured, as git names it.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
