//go:build linux

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/adic-network/router/bench"
)

// So many clients are let in as there are descriptors in a process that has 20,000 of
// them, which all come at the same moment, and then leave at the same moment. All are
// served, and nothing stays behind.
func TestRushOfClients(t *testing.T) {
	const clients, limit = 19_900, 20_000
	r := startOdd(t, withDescriptors(t, limit), "--api.max_websocket_connections", fmt.Sprint(clients/2),
		"--api.max_sse_connections", fmt.Sprint(clients/2), "--auth.publish_token", publishToken)
	before := r.footprint(t)
	cfg := bench.DefaultConfig()
	cfg.URL, cfg.Token, cfg.ServerPID = r.http(), publishToken, r.cmd.Process.Pid
	cfg.WebSocket, cfg.SSE = clients/2, clients/2
	cfg.ConnectConcurrency, cfg.ConnectTimeout = clients, deadline
	cfg.Burst, cfg.Idle, cfg.Settle = 3, 0, 5*time.Second
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	report, err := bench.Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range report.Problems() {
		t.Error(problem)
	}
	wantAll(t, report, cfg.Burst, clients)
	t.Logf("%d clients connected in %.1f s; the slowest took %.0f ms", clients, report.Connections.Seconds, report.Connections.TimeMS.Max)
	r.wantBack(t, before, 44<<20) // the connections took more than that, their garbage as much again
}
