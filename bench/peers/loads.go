package main

import (
	"slices"
	"time"

	"github.com/adic-network/router/bench"
)

// router is the name of the server that the others are compared with.
const router = "router"

// load is one of the loads of the comparison. What it does not say is as in
// bench.DefaultConfig.
type load struct {
	name, title      string
	webSocket, sse   int // connections; a server that speaks one of both gets all as that
	rate             float64
	burst, size      int
	stormRate        float64 // events a second while everybody connects
	duration, idle   time.Duration
	warmup           time.Duration
	stalled, groups  int
	atOnce           bool          // all connections are opened at once
	window           time.Duration // delivery window, of servers that have one
	servers          []string      // none: all
	bothTransports   bool          // only servers that speak both
	onlySSE, onlyWeb bool          // only servers that speak it
}

const (
	// settled is how long connections are left alone before their memory is read.
	settled = 4 * time.Second
	// warm is for how long events are published before anything is measured.
	warm = time.Second
)

// loads are all loads, in the order in which they are run and reported.
func loads() []load {
	withWindow := []string{router, "floor"}
	all := []load{
		{name: "1000", title: "100 events/s to 1,000 connections", webSocket: 1000, rate: 100, warmup: warm, duration: 5 * time.Second},
		{name: "5000", title: "100 events/s to 5,000 connections", webSocket: 5000, rate: 100, warmup: warm, duration: 4 * time.Second, idle: settled},
		{name: "10000", title: "100 events/s to 10,000 connections", webSocket: 10000, rate: 100, warmup: warm, duration: 2500 * time.Millisecond, idle: settled},
		{name: "burst-1000", title: "2,000 events at once to 1,000 connections", webSocket: 1000, burst: 2000},
		{name: "burst-5000", title: "500 events at once to 5,000 connections", webSocket: 5000, burst: 500},
		{name: "stalled", title: "100 events/s to 1,000 connections, 100 of which do not read", webSocket: 1000, rate: 100, warmup: warm, duration: 5 * time.Second, stalled: 100},
		{name: "memory", title: "8 MB to 200 connections, 20 of which do not read", webSocket: 200, rate: 250, size: 4096, duration: 8 * time.Second, stalled: 20},
		{name: "memory-read", title: "8 MB to 200 connections that all read", webSocket: 200, rate: 250, size: 4096, duration: 8 * time.Second},
		{name: "storm", title: "10,000 connects at once", webSocket: 10000, duration: time.Second, atOnce: true},
		{name: "storm-events", title: "10,000 connects at once, with 10 events/s meanwhile", webSocket: 10000, stormRate: 10, duration: time.Second, atOnce: true},
		{name: "filter", title: "100 events/s to 5,000 connections, each of which wants a tenth", webSocket: 5000, rate: 100, warmup: warm, duration: 4 * time.Second, groups: 10, onlyWeb: true},
		{name: "mixed", title: "100 events/s to 1,000 WebSocket and 1,000 SSE connections", webSocket: 1000, sse: 1000, rate: 100, warmup: warm, duration: 4 * time.Second, bothTransports: true},
		{name: "15000", title: "10 events/s to 15,000 connections", webSocket: 15000, rate: 10, warmup: warm, duration: 5 * time.Second, servers: withWindow},
		{name: "window-5ms", title: "a delivery window of 5 ms, 100 events/s to 1,000 connections", webSocket: 1000, rate: 100, warmup: warm, duration: 5 * time.Second, window: 5 * time.Millisecond, servers: withWindow},
		{name: "window-20ms", title: "a delivery window of 20 ms, 100 events/s to 1,000 connections", webSocket: 1000, rate: 100, warmup: warm, duration: 5 * time.Second, window: 20 * time.Millisecond, servers: withWindow},
		{name: "window-50ms", title: "a delivery window of 50 ms, 100 events/s to 1,000 connections", webSocket: 1000, rate: 100, warmup: warm, duration: 5 * time.Second, window: 50 * time.Millisecond, servers: withWindow},
		{name: "idle-19900", title: "19,900 idle WebSocket connections", webSocket: 19900, duration: time.Second, idle: settled, onlyWeb: true},
		{name: "idle-sse-5000", title: "5,000 idle SSE connections", sse: 5000, duration: time.Second, idle: settled, onlySSE: true},
		{name: "idle-sse-10000", title: "10,000 idle SSE connections", sse: 10000, duration: time.Second, idle: settled, onlySSE: true},
		{name: "idle-sse-19900", title: "19,900 idle SSE connections", sse: 19900, duration: time.Second, idle: settled, onlySSE: true},
		{name: "cpu-19900", title: "10,000 WebSocket and 9,900 SSE connections, idle for 20 s", webSocket: 10000, sse: 9900, duration: time.Second, idle: 20 * time.Second, servers: []string{router, "reference", "floor"}},
	}
	return all
}

// small is the load with few connections and events, to see that it works.
func (l load) small() load {
	l.webSocket, l.sse = min(l.webSocket, 40), min(l.sse, 40)
	l.burst, l.stalled = min(l.burst, 100), min(l.stalled, 4)
	l.rate = min(l.rate, 50)
	l.duration, l.idle, l.warmup = min(l.duration, 300*time.Millisecond), min(l.idle, 100*time.Millisecond), min(l.warmup, 50*time.Millisecond)
	return l
}

// runsOn reports whether the load is for a server.
func (l load) runsOn(d description) bool {
	switch {
	case d.Name == "floor-64k" && l.burst < 100:
		return false
	case l.servers != nil && !slices.Contains(l.servers, d.Name):
		return false
	case l.bothTransports:
		return d.Transport == "both"
	case l.onlySSE:
		return d.Transport != "websocket"
	case l.onlyWeb:
		return d.Transport != "sse"
	}
	return true
}

// config is what the load generator is told for a server at addr, which takes
// events at door.
func (l load) config(d description, addr, door string, pid int) bench.Config {
	c := bench.DefaultConfig()
	c.URL = "http://" + addr
	c.WebSocket, c.SSE = l.webSocket, l.sse
	if d.Transport == "sse" {
		c.WebSocket, c.SSE = 0, l.webSocket+l.sse
	}
	c.Rate, c.Burst, c.Groups, c.Stall = l.rate, l.burst, l.groups, l.stalled
	c.Duration, c.Idle, c.Warmup, c.StormRate = l.duration, l.idle, l.warmup, l.stormRate
	if l.size > 0 {
		c.Size = l.size
		c.Batch = 100
	}
	if l.atOnce {
		c.ConnectConcurrency = l.webSocket + l.sse
		c.ConnectTimeout = 30 * time.Second
	}
	c.ServerPID = pid
	c.Token = token
	if d.Name != router {
		c.Peer = &bench.Peer{
			Path: d.Path, SSEPath: d.SSEPath, Subprotocol: d.Subprotocol, Ready: d.Ready, Door: door,
		}
		if d.Transport == "sse" {
			c.Peer.SSEPath = d.Path
		}
		for _, m := range d.Hello {
			c.Peer.Hello = append(c.Peer.Hello, bench.Message(m))
		}
		if d.Keepalive != nil {
			c.Peer.Keepalive = &bench.Keepalive{Expect: d.Keepalive.Expect, Answer: bench.Message(d.Keepalive.Answer)}
		}
	}
	return c
}
