package bench

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string // empty: valid
	}{
		{"default", func(*Config) {}, ""},
		{"ws", func(c *Config) { c.URL = "ws://router:9121/" }, ""},
		{"IPv6", func(c *Config) { c.URL = "http://[::1]:9121" }, ""},
		{"no URL", func(c *Config) { c.URL = "" }, "not the address of a router"},
		{"no scheme", func(c *Config) { c.URL = "127.0.0.1:9121" }, "URL of the router is not valid"},
		{"TLS", func(c *Config) { c.URL = "wss://router" }, "does not speak TLS"},
		{"path", func(c *Config) { c.URL = "http://router/v1/ws/events" }, "scheme, host and port only"},
		{"query", func(c *Config) { c.URL = "http://router/?x=1" }, "scheme, host and port only"},
		{"nothing to connect", func(c *Config) { c.WebSocket = 0 }, "nothing to connect"},
		{"negative number", func(c *Config) { c.SSE = -1 }, "nothing to connect"},
		{"rate and burst", func(c *Config) { c.Rate, c.Burst = 1, 1 }, "not both"},
		{"negative rate", func(c *Config) { c.Rate = -1 }, "cannot be negative"},
		{"batch", func(c *Config) { c.Batch = 0 }, "batch of 0"},
		{"size", func(c *Config) { c.Size = -1 }, "events of -1 bytes"},
		{"duration", func(c *Config) { c.Duration = 0 }, "run of 0s"},
		{"burst needs no duration", func(c *Config) { c.Duration, c.Burst = 0, 1 }, ""},
		{"idle", func(c *Config) { c.Idle = -1 }, "idle time of -1ns"},
		{"settle", func(c *Config) { c.Settle = 0 }, "settling time of 0s"},
		{"connect rate", func(c *Config) { c.ConnectRate = -1 }, "connect rate of -1"},
		{"connect concurrency", func(c *Config) { c.ConnectConcurrency = 0 }, "concurrency of 0"},
		{"connect timeout", func(c *Config) { c.ConnectTimeout = 0 }, "connect timeout of 0s"},
		{"stall", func(c *Config) { c.Stall = 101 }, "101 of 100 clients cannot stall"},
		{"process", func(c *Config) { c.ServerPID = -1 }, "-1 is no process id"},
		{"filter", func(c *Config) { c.Rate, c.Events = 1, "TipsUpdated" }, "matches none of the events that are published"},
		{"filter of a listener", func(c *Config) { c.Events = "TipsUpdated" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.URL = "http://127.0.0.1:9121"
			tt.change(&cfg)
			switch err := cfg.Validate(); {
			case tt.want == "" && err != nil:
				t.Errorf("%v, want it valid", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:9121": "127.0.0.1:9121",
		"ws://router:9121/":     "router:9121",
		"http://[::1]:9121":     "[::1]:9121",
		"http://router":         "router:80",
		"http://[::1]":          "[::1]:80",
	} {
		if got, err := (Config{URL: url}).target(); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", url, got, err, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration // 0: an error
	}{
		{"2", 2 * time.Second},
		{"0", 10 * time.Millisecond},
		{now.Add(5 * time.Second).Format(http.TimeFormat), 5 * time.Second},
		{now.Add(-5 * time.Second).Format(http.TimeFormat), 10 * time.Millisecond},
		{"", 0},
		{"-1", 0},
		{"soon", 0},
		{"99999999999999999999", 0},
	}
	for _, tt := range tests {
		got, err := retryAfter(tt.header, now)
		if got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%q: %s, %v, want %s", tt.header, got, err, tt.want)
		}
	}
}

func TestClockAdvancesLikeTheWallClock(t *testing.T) {
	c := newClock()
	before := c.now()
	wall := time.Now().UnixNano()
	after := c.now()
	if d := wall - before; after < before || d < -int64(time.Second) || d > int64(time.Second) {
		t.Errorf("clock %d and %d around a wall clock of %d", before, after, wall)
	}
}
