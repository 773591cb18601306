//go:build !linux

package server

import (
	"errors"
	"net"

	"github.com/adic-network/router/actors"
)

// poller does not exist here: every connection is a streamTransport.
type poller struct{}

func newPoller() (*poller, error) { return nil, nil }

func (*poller) close() error { return nil }

func newSocket(*net.TCPConn, *poller, transportSettings) (actors.Transport, error) {
	return nil, errors.ErrUnsupported
}
