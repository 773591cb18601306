package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has taken from the machine so far.
type usage struct {
	rss int64         // resident memory in bytes
	cpu time.Duration // user and system time, in steps of 10 ms
}

// readUsage reads /proc/PID/stat (proc_pid_stat(5)).
func readUsage(pid int) (usage, error) {
	name := "/proc/" + strconv.Itoa(pid) + "/stat"
	stat, err := os.ReadFile(name)
	if err != nil {
		return usage{}, fmt.Errorf("cannot read what process %d uses: %w", pid, err)
	}
	u, err := parseUsage(stat)
	if err != nil {
		return usage{}, fmt.Errorf("cannot read what process %d uses: %s: %w", pid, name, err)
	}
	return u, nil
}

// parseUsage takes utime, stime and rss, fields 14, 15 and 24, from a line of
// /proc/PID/stat. The second field is the name of the program in parentheses,
// which may hold anything, spaces and parentheses too.
func parseUsage(stat []byte) (usage, error) {
	// Linux gives these times in USER_HZ to programs, 100 on every architecture
	// that Go knows, whatever the kernel's own tick is.
	const tick = 10 * time.Millisecond
	const first = 3 // the number of the field behind the name

	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if end < 0 || len(fields) <= 24-first {
		return usage{}, fmt.Errorf("%d fields, want at least 24", len(fields)+first-1)
	}
	var values [3]int64
	for i, field := range [...]int{14, 15, 24} {
		v, err := strconv.ParseInt(fields[field-first], 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("field %d: %w", field, err)
		}
		values[i] = v
	}
	return usage{
		rss: values[2] * int64(os.Getpagesize()),
		cpu: time.Duration(values[0]+values[1]) * tick,
	}, nil
}
