package cluster

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Open says what is wrong, and waits only for what may change.
func TestOpenFails(t *testing.T) {
	secured := startNATS(t, `authorization { user: "adic", password: "right" }`)
	tokens := startNATS(t, `authorization { token: "right" }`)
	without := startNATS(t, "")
	plain := startPlainNATS(t)
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	nobody := freeAddress(t)
	tests := []struct {
		name   string
		nats   string
		change func(c *config.Cluster)
		want   string // in the error
		wait   time.Duration
	}{
		{"nobody there", "nats://" + nobody, nil, "connection refused", time.Second},
		{"no such host", "nats://nowhere.invalid", nil, "nowhere.invalid", time.Second},
		{"no user", secured.url(), nil, "NATS refuses the router", patience},
		{"wrong password", secured.url(), func(c *config.Cluster) { c.User, c.Password = "adic", "wrong" }, "NATS refuses the router", patience},
		{"wrong token", tokens.url(), func(c *config.Cluster) { c.Token = "wrong" }, "NATS refuses the router", patience},
		{"no file of credentials", secured.url(), func(c *config.Cluster) { c.CredsFile = "nowhere.creds" }, "cannot read cluster.creds_file", patience},
		{"no nkey in the file", secured.url(), func(c *config.Cluster) { c.NKeyFile = file("no key") }, "cannot use cluster.nkey_file", patience},
		{"no certificate in the file", secured.url(), func(c *config.Cluster) { c.TLSCA = file("none") }, "has no certificate in PEM", patience},
		{"TLS to a server without", "tls://" + without.addr, nil, "NATS refuses the router", patience},
		{"more replicas than servers", without.url(), func(c *config.Cluster) { c.Replicas = 3 }, "replicas > 1 not supported in non-clustered mode", patience},
		{"no JetStream", plain.url(), nil, "stream adic_high", time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.nats)
			if test.change != nil {
				test.change(&o.Config)
			}
			ctx, cancel := context.WithTimeout(t.Context(), test.wait)
			defer cancel()
			c, err := Open(ctx, o)
			if err == nil {
				c.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want one with %q", err, test.want)
			}
			if test.wait == patience && ctx.Err() != nil {
				t.Error("it waited for what does not change")
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	secured := startNATS(t, `authorization { user: "adic", password: "right" }`)
	tokens := startNATS(t, `authorization { token: "right" }`)
	ca, cert, key := certificates(t)
	encrypted := startNATS(t, fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }", cert, key, ca))
	tests := []struct {
		name   string
		nats   string
		change func(c *config.Cluster)
	}{
		{"user", secured.url(), func(c *config.Cluster) { c.User, c.Password = "adic", "right" }},
		{"token", tokens.url(), func(c *config.Cluster) { c.Token = "right" }},
		{"certificate", "tls://" + encrypted.addr, func(c *config.Cluster) { c.TLSCA, c.TLSCert, c.TLSKey = ca, cert, key }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.nats)
			test.change(&o.Config)
			c := open(t, o)
			r := follow(t, c)
			publish(t, c, made(t, 0, 1, event.High))
			r.awaitEvents(1)
		})
	}
	o := options(t, "tls://"+encrypted.addr) // without the CA
	if c, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "NATS refuses the router") {
		t.Errorf("a certificate that cannot be verified: %v", err)
		if err == nil {
			c.Close()
		}
	}
}

// Streams that were made with other settings are used as they are, and reported.
func TestStreamsWithOtherSettings(t *testing.T) {
	nats := startNATS(t, "")
	first := options(t, nats.url())
	first.Config.MaxAge, first.Config.MaxBytes = time.Hour, 1<<20
	c := open(t, first)
	follow(t, c)
	if reasons := c.Reasons(); reasons != nil {
		t.Errorf("its own streams: %q", reasons)
	}
	var log bytes.Buffer
	o := options(t, nats.url())
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	c = open(t, o)
	r := follow(t, c)
	publish(t, c, made(t, 0, 1, all...))
	r.awaitEvents(3)
	reasons := c.Reasons()
	want := "the stream adic_high was made with other settings and is not changed: max_age is 1h0m0s, and cluster.max_age makes it 24h0m0s"
	if len(reasons) != 6 || reasons[0] != want {
		t.Errorf("got %q, want 6 that begin with %q", reasons, want)
	}
	var page bytes.Buffer
	o.Metrics.WritePrometheus(&page)
	for _, line := range []string{"adic_cluster_streams_differ 6\n", "adic_cluster_connected 1\n", "adic_cluster_stored_total 3\n", "adic_cluster_store_seconds_count 1\n"} {
		if !strings.Contains(page.String(), line) {
			t.Errorf("the metrics lack %q:\n%s", line, page.String())
		}
	}
	r.stop()
	if strings.Count(log.String(), want) != 1 {
		t.Errorf("the log says %s", log.String())
	}
}

// A stream of that name that is for other subjects is somebody else's.
func TestStreamOfSomebodyElse(t *testing.T) {
	nats := startNATS(t, "")
	c := open(t, options(t, nats.url()))
	config := c.streamConfig(event.High)
	config.Name, config.Subjects = "other_high", []string{"something"}
	if _, err := c.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	o := options(t, nats.url())
	o.Config.StreamPrefix = "other"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := Open(ctx, o)
	if err == nil {
		c.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "the stream is not an adic router's: stream other_high is for the subjects") || ctx.Err() != nil {
		t.Errorf("got %v", err)
	}
}

// certificates makes a certificate authority and a certificate for both sides.
func certificates(t *testing.T) (ca, cert, key string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "adic"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = write("cert.pem", "CERTIFICATE", der)
	return cert, cert, write("key.pem", "EC PRIVATE KEY", secret)
}
