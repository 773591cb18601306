//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package journal

import (
	"errors"
	"os"
)

// lock fails: without a lock two routers could write one journal.
func lock(string) (*os.File, error) {
	return nil, errors.New("a journal needs flock, which this system lacks; run without events.journal")
}
