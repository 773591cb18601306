package server

import "github.com/adic-network/router/config"

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
