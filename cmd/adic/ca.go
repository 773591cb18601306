package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

// addCAFlag adds --ca, whose value newTransport takes.
func addCAFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "ca", "", "`FILE` with the certificates to trust, in PEM, instead of the system's (also SSL_CERT_FILE)")
}

// newTransport returns what requests to a router are made with. If ca is not empty,
// routers are known by the certificates in that file alone.
func newTransport(ca string) (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca == "" {
		return transport, nil
	}
	data, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file of --ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("the file of --ca, %s, holds no certificate in PEM", ca)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	return transport, nil
}
