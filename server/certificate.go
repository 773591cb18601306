package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// certificateCheck is how often, at most, a handshake looks whether the files of
// the certificate have changed.
const certificateCheck = 5 * time.Second

// certificate is the certificate of the public address. Its files are looked at
// when a client connects, so that nothing has to be told of a renewal, and at a
// reload. What cannot be used is logged once, and the last good one stays.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	failed            func() // counts what could not be used

	current atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // held by whoever looks at the files
	checked time.Time
	seen    [2]os.FileInfo // as they were when they were last read, good or bad
}

// loadCertificate reads the certificate that a router starts with.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, failed: func() {}}
	seen, err := c.stat()
	if err != nil {
		return nil, err
	}
	pair, err := c.read()
	if err != nil {
		return nil, err
	}
	c.seen, c.checked = seen, time.Now()
	c.current.Store(pair)
	return c, nil
}

// config is what the public address speaks TLS with: version 1.2 and up (RFC 8996
// has retired the others), with Go's choice of the rest.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: c.get,
		// An event is a record of its own in any case; a batch in small records
		// would cost a system call for each.
		DynamicRecordSizingDisabled: true,
	}
}

// get is tls.Config's GetCertificate. Only one handshake at a time looks at the
// files, and no other waits for it.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.mu.TryLock() {
		if now := time.Now(); now.Sub(c.checked) >= certificateCheck {
			c.refresh(now)
		}
		c.mu.Unlock()
	}
	return c.current.Load(), nil
}

// reload looks at the files now.
func (c *certificate) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh(time.Now())
}

// refresh reads the files if they have changed since they were last read. A new
// pair of which only one file is there yet is bad, and is read again when the other
// comes.
func (c *certificate) refresh(now time.Time) {
	c.checked = now
	seen, err := c.stat()
	if err == nil {
		if same(seen[0], c.seen[0]) && same(seen[1], c.seen[1]) {
			return
		}
		var pair *tls.Certificate
		if pair, err = c.read(); err == nil {
			c.seen = seen
			c.current.Store(pair)
			c.log.Info("certificate reloaded", "file", c.certFile, "expires", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
			return
		}
	} else if c.seen == [2]os.FileInfo{} {
		return // told
	}
	c.seen = seen
	c.failed()
	c.log.Error("certificate not reloaded, the old one stays in use", "error", err,
		"expires", c.current.Load().Leaf.NotAfter.UTC().Format(time.RFC3339))
}

// stat returns what tells a changed file, following links: a renewal often turns
// one to another file.
func (c *certificate) stat() (seen [2]os.FileInfo, err error) {
	for i, file := range []struct{ key, name string }{{"api.tls_cert", c.certFile}, {"api.tls_key", c.keyFile}} {
		if seen[i], err = os.Stat(file.name); err != nil {
			return [2]os.FileInfo{}, fmt.Errorf("cannot read the file of %s: %w", file.key, err)
		}
	}
	return seen, nil
}

func same(a, b os.FileInfo) bool {
	return b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read reads the pair. One that clients would refuse is no better than none.
func (c *certificate) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate of api.tls_cert (%s) with the key of api.tls_key (%s): %w", c.certFile, c.keyFile, err)
	}
	if end := pair.Leaf.NotAfter; time.Now().After(end) {
		return nil, fmt.Errorf("the certificate of api.tls_cert (%s) expired at %s: renew it", c.certFile, end.UTC().Format(time.RFC3339))
	}
	return &pair, nil
}

// expiry is when the certificate in use ends, in Unix seconds.
func (c *certificate) expiry() float64 { return float64(c.current.Load().Leaf.NotAfter.Unix()) }

// tlsListener accepts TLS connections. Their handshake is for who serves them.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

// Accept implements net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newTLS(conn, l.config), nil
}
