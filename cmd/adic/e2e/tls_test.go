package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// newCertificate has openssl make a certificate and its key in dir.
func newCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	out, err := run(t, "", tool(t, "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-days", "30", "-keyout", key, "-out", cert, "-subj", "/CN="+name, "-addext", "subjectAltName=IP:127.0.0.1")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return cert, key
}

// Real clients find TLS 1.2 and 1.3, a certificate that is right, and all that
// there is without TLS.
func TestTLSWithRealClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := newCertificate(t, dir, "router")
	other, _ := newCertificate(t, dir, "other")
	r := startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key)

	for _, test := range []struct {
		args    []string
		says    string
		refused bool
	}{
		{[]string{"-tls1_3"}, "New, TLSv1.3", false},
		{[]string{"-tls1_2"}, "TLSv1.2", false},
		{[]string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, "alert protocol version", true},
		{[]string{"-alpn", "h2,http/1.1"}, "ALPN protocol: http/1.1", false},
	} {
		args := append([]string{"s_client", "-connect", r.addr, "-CAfile", cert, "-verify_return_error"}, test.args...)
		out, err := run(t, "", tool(t, "openssl"), args...)
		if (err != nil) != test.refused || !strings.Contains(out, test.says) {
			t.Errorf("openssl %v: %v, want %q:\n%s", test.args, err, test.says, out)
		}
	}
	for ca, works := range map[string]bool{cert: true, other: false} {
		out, err := run(t, "", tool(t, "curl"), "--silent", "--show-error", "--cacert", ca, r.http()+"/health")
		if (err == nil) != works || works != strings.Contains(out, `"healthy"`) {
			t.Errorf("curl with %s: %v\n%s", filepath.Base(ca), err, out)
		}
	}
	emit := []string{"emit", "--url", r.http(), "--token", publishToken, "--ca"}
	follow := start(t, adic(), "tail", "--json", "--since", "earliest", "--ca", cert, r.http())
	const one = `{"type":"MessageAdded","message_id":"ab12","depth":42}`
	if out, err := run(t, one, adic(), append(emit, cert)...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run(t, one, adic(), append(emit, other)...); err == nil || !strings.Contains(out, "certificate") {
		t.Errorf("with the certificate of another: %v\n%s", err, out)
	}
	eventually(t, "tail prints the event", func() bool { return len(follow.stdout.lines()) == 1 })
}

// Clients stay connected and lose nothing while the certificate changes again and
// again; who comes gets the new one; a drain tells all of them.
func TestCertificateRotatesUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, rotations = 30, 6
	dir := t.TempDir()
	cert, key := newCertificate(t, dir, "router-0")
	r := startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key)
	f := newFeed(r)
	var sockets []*socket
	for range clients {
		sockets = append(sockets, openSocket(t, r, "?"+filter))
	}
	curl := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", "--insecure", r.http()+"/v1/sse/events?"+filter)
	events := func() []record { return parseSSE(t, curl.stdout.lines()) }
	eventually(t, "the stream is open", func() bool { return opened(events()) == 1 })

	for i := range rotations {
		f.publish(t, 100)
		name := fmt.Sprintf("router-%d", i+1)
		newCert, newKey := newCertificate(t, dir, name)
		for from, to := range map[string]string{newCert: cert, newKey: key} {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		r.signal(syscall.SIGHUP)
		f.publish(t, 100)
		eventually(t, "the new certificate is in use", func() bool {
			out, err := run(t, "", tool(t, "openssl"), "s_client", "-connect", r.addr, "-CAfile", cert, "-verify_return_error")
			return err == nil && strings.Contains(out, "CN = "+name) || strings.Contains(out, "CN="+name)
		})
	}
	f.publish(t, 100)
	f.awaitIn(t, events)
	for _, s := range sockets {
		if s.hasEnded() {
			t.Fatalf("a connection was dropped: %d", s.code)
		}
		f.awaitIn(t, func() []record { return s.records(t) })
	}
	r.terminate()
	for _, s := range sockets {
		s.await(t)
		if s.code != 1001 {
			t.Errorf("closed with %d, want 1001", s.code)
		}
	}
}
