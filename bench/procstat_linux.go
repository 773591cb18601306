package bench

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what a process has taken from the machine so far.
type usage struct {
	rss int64         // resident memory in bytes
	cpu time.Duration // user and system time
}

// readUsage reads /proc/PID/statm and the schedstat of every thread, which counts
// in nanoseconds: a burst is over in few of the 10 ms steps of /proc/PID/stat.
// Threads that have ended are not in it; those of Go stay.
func readUsage(pid int) (usage, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	u, err := readProcess(dir)
	if err != nil {
		return usage{}, fmt.Errorf("cannot read what process %d uses: %w", pid, err)
	}
	return u, nil
}

func readProcess(dir string) (u usage, err error) {
	pages, err := readNumber(dir+"/statm", 1)
	if err != nil {
		return u, err
	}
	u.rss = pages * int64(os.Getpagesize())
	threads, err := os.ReadDir(dir + "/task")
	if err != nil {
		return u, err
	}
	for _, thread := range threads {
		ran, err := readNumber(dir+"/task/"+thread.Name()+"/schedstat", 0)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has just ended
		}
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ran)
	}
	return u, nil
}

// readNumber reads a field of a file that holds numbers, counted from 0.
func readNumber(name string, field int) (int64, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data))
	if field >= len(fields) {
		return 0, fmt.Errorf("%s has %d fields", name, len(fields))
	}
	n, err := strconv.ParseInt(fields[field], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}
