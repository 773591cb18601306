package systemd

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the time on the clock that MONOTONIC_USEC means, 0 if that cannot
// be told.
func monotonic() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
