//go:build unix

package server

import (
	"math"
	"syscall"

	"github.com/adic-network/router/config"
)

// spareDescriptors are what the process needs beside its streams: the listener,
// epoll sets, the log, requests under way.
const spareDescriptors = 64

// Descriptors is how many open files the configured connections need.
func Descriptors(c *config.Config) uint64 {
	n := spareDescriptors
	if c.API.EnableWebSocket {
		n += c.API.MaxWebSocketConnections
	}
	if c.API.EnableSSE {
		n += c.API.MaxSSEConnections
	}
	return uint64(n)
}

// descriptorLimit is how many open files the process may have; 0 if that cannot
// be told.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return min(uint64(limit.Cur), math.MaxInt64)
}
