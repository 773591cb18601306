package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/adic-network/router/config"
)

const (
	dialTimeout = 2 * time.Second
	// A connection that was cut without a word is found dead after two pings.
	pingInterval = 2 * time.Second
	maxPings     = 2
)

// connect connects to one of the servers. What cannot be right by waiting fails
// at once.
func (c *Cluster) connect(ctx context.Context) (*nats.Conn, error) {
	secure, err := tlsConfig(&c.o.Config)
	if err != nil {
		return nil, err
	}
	who, err := credentials(&c.o.Config)
	if err != nil {
		return nil, err
	}
	dialer := &dialer{Dialer: net.Dialer{Timeout: dialTimeout}}
	options := append(who,
		nats.Name("adic router"),
		nats.SetCustomDialer(dialer),
		nats.Timeout(dialTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPings),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(retryWait),
		nats.ReconnectJitter(retryWait, retryWait),
		nats.ReconnectBufSize(-1), // what cannot be sent now is refused, not stored behind the publisher's back
		nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.log.Warn("cluster: the connection to NATS broke", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.log.Warn("cluster: NATS reports", "error", err)
		}),
	)
	urls := c.o.Config.NATS
	if c.embedded != nil {
		urls = ""
		options = append(options, nats.InProcessServer(c.embedded.server))
	} else if secure != nil {
		options = append(options, nats.Secure(secure))
	}
	for {
		conn, err := nats.Connect(urls, options...)
		switch {
		case err == nil:
			return conn, nil
		case errors.Is(err, nats.ErrNoServers) && dialer.last() != nil:
			err = dialer.last()
		}
		if refused(err) {
			return nil, fmt.Errorf("NATS refuses the router (cluster.nats): %w; see the credentials and certificates under [cluster]", err)
		}
		c.log.Warn("cluster: NATS cannot be reached yet", "error", err)
		if !sleep(ctx, retryWait) {
			return nil, fmt.Errorf("cannot reach NATS at %s (cluster.nats): %w", c.o.Config.NATS, err)
		}
	}
}

// refused reports whether an error of a handshake is for an operator to resolve.
func refused(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return unverified || alert || strings.Contains(err.Error(), "tls: ") ||
		errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) ||
		errors.Is(err, nats.ErrAccountAuthExpired) || errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, nats.ErrSecureConnWanted) ||
		errors.Is(err, nats.ErrNkeysNotSupported)
}

// credentials are the options that say who the router is.
func credentials(c *config.Cluster) ([]nats.Option, error) {
	switch {
	case c.CredsFile != "":
		if _, err := os.ReadFile(c.CredsFile); err != nil {
			return nil, fmt.Errorf("cannot read cluster.creds_file: %w", err)
		}
		return []nats.Option{nats.UserCredentials(c.CredsFile)}, nil
	case c.NKeyFile != "":
		nkey, err := nats.NkeyOptionFromSeed(c.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot use cluster.nkey_file: %w", err)
		}
		return []nats.Option{nkey}, nil
	case c.User != "":
		return []nats.Option{nats.UserInfo(c.User, c.Password)}, nil
	case c.Token != "":
		return []nats.Option{nats.Token(c.Token)}, nil
	}
	return nil, nil
}

// tlsConfig returns what the configuration says of TLS, nil if it says nothing.
func tlsConfig(c *config.Cluster) (*tls.Config, error) {
	if c.TLSCA == "" && c.TLSCert == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("cannot read cluster.tls_ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot use cluster.tls_ca: %s has no certificate in PEM", c.TLSCA)
		}
	}
	if c.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("cannot use cluster.tls_cert and cluster.tls_key: %w", err)
		}
		t.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}

// dialer remembers why it failed: the library tells only that no server was there.
type dialer struct {
	net.Dialer
	failed atomic.Pointer[error]
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.Dialer.Dial(network, address)
	if err != nil {
		d.failed.Store(&err)
	}
	return conn, err
}

func (d *dialer) last() error {
	if err := d.failed.Load(); err != nil {
		return *err
	}
	return nil
}

const (
	// apiTimeout bounds a request to JetStream.
	apiTimeout = 3 * time.Second
	// ackTimeout is when the library forgets an event that JetStream never
	// answered for; storeTimeout comes before it.
	ackTimeout = 2 * storeTimeout
	// unacknowledged is no bound: storing has its own.
	unacknowledged = 1 << 30
)

func newJetStream(conn *nats.Conn) (jetstream.JetStream, error) {
	return jetstream.New(conn, jetstream.WithDefaultTimeout(apiTimeout),
		jetstream.WithPublishAsyncTimeout(ackTimeout), jetstream.WithPublishAsyncMaxPending(unacknowledged))
}
