//go:build !linux

package bench

import (
	"context"
	"errors"
	"runtime"
)

// run reports that the load generator cannot work here.
func run(context.Context, Config, string, [classes]bool) (*Report, error) {
	return nil, errors.New("the load generator is built on epoll and needs Linux, this is " + runtime.GOOS)
}
