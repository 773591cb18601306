//go:build unix

package main

import (
	"log/slog"
	"math"
	"syscall"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/server"
)

// raiseDescriptorLimit raises the soft limit of open files to the hard one, and
// warns if that does not hold the configured connections.
func raiseDescriptorLimit(log *slog.Logger, cfg *config.Config) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("cannot read the limit of open files", "error", err)
		return
	}
	if limit.Cur < limit.Max {
		raised := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
			log.Warn("cannot raise the limit of open files", "from", limit.Cur, "to", limit.Max, "error", err)
		} else {
			limit = raised
		}
	}
	need := server.Descriptors(cfg)
	if have := min(uint64(limit.Cur), math.MaxInt64); need > have {
		log.Warn("the limit of open files does not hold the configured connections: raise it "+
			"(ulimit -n, or LimitNOFILE= in the systemd unit) or lower api.max_websocket_connections and api.max_sse_connections",
			"limit", have, "needed", need)
	}
}
