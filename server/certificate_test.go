package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// A keyPair is the files of a certificate.
type keyPair struct{ cert, key string }

// newKeyPair returns a pair in files of its own. serial tells certificates apart.
func newKeyPair(t *testing.T, serial int64, notAfter time.Time) keyPair {
	t.Helper()
	dir := t.TempDir()
	p := keyPair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{p.cert: {Type: "CERTIFICATE", Bytes: der}, p.key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// replace puts the files of another pair in place of p's, as a renewal does: each
// at once, one after the other.
func (p keyPair) replace(t *testing.T, by keyPair) {
	t.Helper()
	for from, to := range map[string]string{by.cert: p.cert, by.key: p.key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
}

// logged is what a logger has written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	good, other := newKeyPair(t, 1, tomorrow()), newKeyPair(t, 2, tomorrow())
	expired := newKeyPair(t, 3, time.Now().Add(-time.Hour))
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	if err := os.WriteFile(garbage, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		cert, key string
		says      []string
	}{
		{"certificate is not there", "/nowhere/cert.pem", good.key, []string{"api.tls_cert", "/nowhere/cert.pem", "no such file"}},
		{"key is not there", good.cert, "/nowhere/key.pem", []string{"api.tls_key", "/nowhere/key.pem", "no such file"}},
		{"key of another", good.cert, other.key, []string{"api.tls_cert", "api.tls_key", "does not match"}},
		{"the two the other way round", good.key, good.cert, []string{good.key, "api.tls_cert", "switched"}},
		{"no PEM", garbage, good.key, []string{garbage, "failed to find any PEM data"}},
		{"a directory", filepath.Dir(good.cert), good.key, []string{"api.tls_cert", "is a directory"}},
		{"expired", expired.cert, expired.key, []string{"api.tls_cert", expired.cert, "expired at", "renew it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := loadCertificate(test.cert, test.key, slog.New(slog.DiscardHandler))
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

// serial is the number of the certificate that clients get, once its files may be
// looked at again.
func (c *certificate) serial(t *testing.T) int64 {
	t.Helper()
	c.mu.Lock()
	c.checked = c.checked.Add(-certificateCheck)
	c.mu.Unlock()
	pair, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Int64()
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	files := newKeyPair(t, 1, tomorrow())
	told := &logged{}
	c, err := loadCertificate(files.cert, files.key, slog.New(slog.NewTextHandler(told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	failures := 0
	c.failed = func() { failures++ }
	want := func(what string, serial int64, failed, reloaded int) {
		t.Helper()
		for range 3 { // looking again changes nothing
			if got := c.serial(t); got != serial {
				t.Errorf("%s: certificate %d is in use, want %d", what, got, serial)
			}
		}
		if failures != failed || told.count("level=ERROR") != failed || told.count("certificate reloaded") != reloaded {
			t.Errorf("%s: %d failures and %d reloads, want %d and %d:\n%s", what, failures, told.count("certificate reloaded"), failed, reloaded, told.text.String())
		}
	}
	want("unchanged", 1, 0, 0)
	files.replace(t, newKeyPair(t, 2, tomorrow()))
	want("renewed", 2, 0, 1)

	third := newKeyPair(t, 3, tomorrow())
	if err := os.Rename(third.cert, files.cert); err != nil {
		t.Fatal(err)
	}
	want("its key has not come yet", 2, 1, 1)
	if err := os.Rename(third.key, files.key); err != nil {
		t.Fatal(err)
	}
	want("its key has come", 3, 1, 2)

	files.replace(t, newKeyPair(t, 4, time.Now().Add(-time.Hour)))
	want("expired", 3, 2, 2)
	if err := os.Remove(files.key); err != nil {
		t.Fatal(err)
	}
	want("removed", 3, 3, 2)
	files.replace(t, newKeyPair(t, 5, tomorrow()))
	want("there again", 5, 3, 3)

	// Files are not looked at for each client, but at once at a reload.
	files.replace(t, newKeyPair(t, 6, tomorrow()))
	c.checked = time.Now()
	if pair, _ := c.get(nil); pair.Leaf.SerialNumber.Int64() != 5 {
		t.Error("the files were looked at again at once")
	}
	c.reload()
	if pair, _ := c.get(nil); pair.Leaf.SerialNumber.Int64() != 6 {
		t.Error("a reload did not look at the files")
	}
}

// startSecure starts a front that serves TLS with the files of p.
func startSecure(t *testing.T, p keyPair, change ...func(*config.Config)) *front {
	t.Helper()
	over := carrier{
		listen: func(_ *testing.T, ln net.Listener) net.Listener { return ln },
		dial:   func(conn net.Conn) duplex { return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) },
	}
	return startFront(t, over, append(change, func(c *config.Config) { c.API.TLSCert, c.API.TLSKey = p.cert, p.key })...)
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	t.Parallel()
	files := newKeyPair(t, 1, tomorrow())
	f := startSecure(t, files)
	root := x509.NewCertPool()
	if data, err := os.ReadFile(files.cert); err != nil || !root.AppendCertsFromPEM(data) {
		t.Fatal("no certificate", err)
	}
	for _, test := range []struct {
		name    string
		version uint16
		offers  []string
		refused string
		agreed  string
	}{
		{"TLS 1.3", tls.VersionTLS13, nil, "", ""},
		{"TLS 1.2", tls.VersionTLS12, nil, "", ""},
		{"TLS 1.1", tls.VersionTLS11, nil, "protocol version", ""},
		{"a browser's offer", tls.VersionTLS13, []string{"h2", "http/1.1"}, "", "http/1.1"},
		{"HTTP/2 only", tls.VersionTLS13, []string{"h2"}, "no application protocol", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", f.addr, &tls.Config{RootCAs: root, ServerName: "127.0.0.1", NextProtos: test.offers,
				MinVersion: test.version, MaxVersion: test.version})
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("the handshake ended with %v, want %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if got := conn.ConnectionState().NegotiatedProtocol; got != test.agreed {
				t.Errorf("agreed on %q, want %q", got, test.agreed)
			}
			fmt.Fprintf(conn, "GET /health/live HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", f.addr)
			var answer bytes.Buffer
			if _, err := answer.ReadFrom(conn); err != nil || !strings.Contains(answer.String(), `{"status":"live"}`) {
				t.Errorf("%v %s", err, &answer)
			}
		})
	}
	if _, text := f.get(t, "/metrics"); !strings.Contains(text, "\nadic_tls_certificate_expiry_seconds ") || !strings.Contains(text, "\nadic_tls_reload_failures_total 0\n") {
		t.Error("the metrics of TLS are not there")
	}
	if res, err := http.Get("http://" + f.addr + "/health"); err == nil {
		res.Body.Close()
		t.Errorf("plain HTTP was answered with %s", res.Status)
	}
}

// Streams go on while the certificate changes under them, time and again, and who
// comes gets the newest. Then all are told that the router goes.
func TestCertificateChangesUnderStreams(t *testing.T) {
	t.Parallel()
	const clients, renewals = 20, 5
	files := newKeyPair(t, 1, tomorrow())
	f := startSecure(t, files)
	streams := make([]*sseClient, clients)
	for i := range streams {
		streams[i] = f.dialSSE(t, "")
	}
	ws, _ := f.open(t)
	for i := range renewals {
		serial := int64(i + 2)
		files.replace(t, newKeyPair(t, serial, tomorrow()))
		f.Reload(*f.config.Load())
		f.publish(t, fmt.Sprintf(`{"type":"MessageAdded","message_id":"%d","depth":%d}`, i, i))
		for _, s := range streams {
			if got := s.next(); got.kind != "Event" || !strings.Contains(got.data, fmt.Sprintf(`"depth":%d`, i)) {
				t.Fatalf("after %d renewals: %+v", i+1, got)
			}
		}
		conn, err := tls.Dial("tcp", f.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != serial {
			t.Errorf("certificate %d is in use, want %d", got, serial)
		}
		conn.Close()
	}
	over := f.beginDrain(context.Background(), t)
	for range renewals {
		ws.expect("Event")
	}
	ws.expect("close 1001")
	ws.send(masked(fin|closing, closeBody(1001, "")))
	ws.expectEnd()
	for _, s := range streams {
		for {
			if _, err := s.body.ReadString('\n'); err != nil {
				break
			}
		}
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}
