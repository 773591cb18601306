package check

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// limits compares what the router may hold with what it is allowed to, by its own
// metrics.
func (in *inspection) limits(context.Context) Result {
	m := in.seen.metrics
	most := m["adic_websocket_connections_limit"] + m["adic_sse_connections_limit"]
	open := m["adic_websocket_connections"] + m["adic_sse_connections"]
	if files := m["process_max_fds"]; files > 0 && files < most+spare {
		return failed("raise it (LimitNOFILE= of the unit, or ulimit -n) or lower api.max_websocket_connections and api.max_sse_connections",
			"the limit of open files is %.0f, and %.0f connections are configured", files, most)
	}
	if open > nearly*most {
		return warning("raise api.max_websocket_connections and api.max_sse_connections, with the limit of open files, or add a router",
			"%.0f of %.0f connections are taken", open, most)
	}
	return ok("%.0f of %.0f connections are taken, %.0f files may be open", open, most, m["process_max_fds"])
}

const (
	spare  = 64  // descriptors that are no connections
	nearly = 0.9 // of a limit, from which it is nearly reached
)

// A setting is a number of the kernel and the least that does for a router.
type setting struct {
	file  string // below /proc/sys
	least uint64
	why   string
}

var settings = []setting{
	{"net/core/somaxconn", 4096, "connections that wait to be accepted, after a restart all at once"},
	{"net/ipv4/tcp_max_syn_backlog", 1024, "handshakes under way"},
	{"fs/file-max", 100_000, "open files of all processes"},
	{"fs/nr_open", 20_000, "open files of one process"},
}

// kernel looks at the settings of this machine, if the router runs on it.
func (in *inspection) kernel(ctx context.Context) Result {
	if !here(ctx, in.Router.Hostname()) {
		return skipped("the router runs on another machine")
	}
	return readKernel("/proc/sys")
}

func readKernel(root string) Result {
	var low []string
	read := 0
	for _, s := range settings {
		text, err := os.ReadFile(filepath.Join(root, s.file))
		if err != nil {
			continue // another system, or a container that hides it
		}
		n, err := strconv.ParseUint(strings.Fields(string(text) + " 0")[0], 10, 64)
		if err != nil {
			continue
		}
		read++
		if n < s.least {
			low = append(low, strings.ReplaceAll(s.file, "/", ".")+" is "+strconv.FormatUint(n, 10)+", at least "+
				strconv.FormatUint(s.least, 10)+" is right ("+s.why+")")
		}
	}
	switch {
	case len(low) > 0:
		return warning("set them with sysctl, for good in /etc/sysctl.d", "%s", strings.Join(low, "; "))
	case read == 0:
		return skipped("this system does not say")
	}
	return ok("%d settings are as they should be", read)
}

// here reports whether a host is this machine.
func here(ctx context.Context, host string) bool {
	mine, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if a.IsLoopback() {
			return true
		}
		for _, m := range mine {
			if network, ok := m.(*net.IPNet); ok && network.IP.Equal(a.AsSlice()) {
				return true
			}
		}
	}
	return false
}
