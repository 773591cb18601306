//go:build !linux

package server

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/adic-network/router/actors"
)

// poller does not exist here: every connection is a streamTransport.
type poller struct{}

func newPoller() (*poller, error) { return nil, nil }

func (*poller) close() error { return nil }

// wire is what TLS is over on systems with a poller.
type wire struct{ net.Conn }

func newTLS(conn net.Conn, config *tls.Config) net.Conn { return tls.Server(conn, config) }

func (*transports) newSecureSocket(*tls.Conn, *wire, transportSettings) (actors.Transport, error) {
	return nil, errors.ErrUnsupported
}

func newSocket(*net.TCPConn, *poller, transportSettings) (actors.Transport, error) {
	return nil, errors.ErrUnsupported
}
