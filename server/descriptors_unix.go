//go:build unix

package server

import (
	"math"
	"syscall"
)

// descriptorLimit is how many open files the process may have; 0 if that cannot
// be told.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return min(uint64(limit.Cur), math.MaxInt64)
}
