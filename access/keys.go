package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/adic-network/router/config"
)

// The algorithms of signatures (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	algHS256 = "HS256"
	algRS256 = "RS256"
	algES256 = "ES256"
	algEdDSA = "EdDSA"
)

// minRSA is the least size of an RSA key, in bits (RFC 7518 §3.3).
const minRSA = 2048

// key verifies signatures of one algorithm.
type key struct {
	alg      string
	material any // as golang-jwt takes it
}

// keyring finds keys by the kid that a token names (RFC 7515 §4.1.4), which is
// empty where it names none.
type keyring interface {
	find(kid string) (key, bool)
}

// single is a key that is the only one, whatever a token calls it.
type single key

func (s single) find(string) (key, bool) { return key(s), true }

// newKeyring reads the one source of keys that is configured.
func newKeyring(auth config.Auth, log *slog.Logger) (keyring, error) {
	switch {
	case auth.JWTSecret != "":
		return single{algHS256, []byte(auth.JWTSecret)}, nil
	case auth.JWTKeyFile != "":
		k, err := readKey(auth.JWTKeyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot use auth.jwt_key_file: %w", err)
		}
		return single(k), nil
	case auth.JWTJWKSFile != "":
		set, err := newJWKS(auth.JWTJWKSFile, log)
		if err != nil {
			return nil, fmt.Errorf("cannot use auth.jwt_jwks_file: %w", err)
		}
		return set, nil
	}
	return nil, errors.New("no key for JSON Web Tokens: set one of auth.jwt_secret, auth.jwt_key_file and auth.jwt_jwks_file")
}

// readKey reads a public key or a certificate in PEM (RFC 7468).
func readKey(path string) (key, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return key{}, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return key{}, fmt.Errorf("%s holds no PEM block", path)
	}
	var public any
	switch {
	case block.Type == "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = c.PublicKey
		}
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return key{}, fmt.Errorf("%s holds a private key, which has no place here: give its public key (openssl pkey -pubout)", path)
	default:
		return key{}, fmt.Errorf("%s holds neither a public key nor a certificate", path)
	}
	if err != nil {
		return key{}, fmt.Errorf("%s: %w", path, err)
	}
	k, err := bind(public)
	if err != nil {
		return key{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// bind says which algorithm a public key is for.
func bind(public crypto.PublicKey) (key, error) {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if p.N.BitLen() < minRSA {
			return key{}, fmt.Errorf("an RSA key of %d bits is too short; use %d or more", p.N.BitLen(), minRSA)
		}
		return key{algRS256, p}, nil
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return key{}, fmt.Errorf("a key on the curve %s is not supported; use P-256", p.Curve.Params().Name)
		}
		return key{algES256, p}, nil
	case ed25519.PublicKey:
		return key{algEdDSA, p}, nil
	}
	return key{}, fmt.Errorf("a %T is not supported; use RSA, P-256 or Ed25519", public)
}
