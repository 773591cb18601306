package access_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

func TestKeysThatCannotBeUsed(t *testing.T) {
	s := newSigners()
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(s.ed))})
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	withoutKid, withD, offCurve := jwk("", s.ed.Public()), jwk("a", s.ed.Public()), jwk("a", &s.ec.PublicKey)
	withD["d"] = b64(s.ed.Seed())
	offCurve["y"] = offCurve["x"]
	tests := []struct {
		name string
		data []byte
		jwks bool
		want string
	}{
		{"private key", private, false, "holds a private key"},
		{"no PEM", []byte("ssh-rsa AAAA"), false, "holds no PEM block"},
		{"another curve", publicPEM(&p384.PublicKey), false, "a key on the curve P-384 is not supported; use P-256"},
		{"not JSON", []byte("{"), true, "is not a JWK Set"},
		{"no keys", []byte("{}"), true, "holds no key for signatures"},
		{"same kid", jwkSet(jwk("a", s.ed.Public()), jwk("a", &s.ec.PublicKey)), true, "key 1: its kid is that of another key"},
		{"no kid", jwkSet(withoutKid), true, "key 0: has no kid"},
		{"private key in a set", jwkSet(withD), true, "key 0: is a private key"},
		{"no point", jwkSet(offCurve), true, "key 0: x and y are not a point of P-256"},
		{"short RSA", jwkSet(map[string]any{"kid": "a", "kty": "RSA", "n": b64(s.rsa.N.Bytes()[:128]), "e": "AQAB"}), true, "an RSA key of 1024 bits is too short"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, "keys", test.data)
			auth := config.Auth{JWTKeyFile: path}
			if test.jwks {
				auth = config.Auth{JWTJWKSFile: path}
			}
			_, err := access.NewJWT(auth, event.Default(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// New keys count within a second; a file that cannot be used changes nothing and
// is logged once.
func TestJWKSFileChanges(t *testing.T) {
	s := newSigners()
	path := write(t, "jwks.json", jwkSet(jwk("old", s.ed.Public())))
	oldToken := sign(jwt.SigningMethodEdDSA, "old", s.ed, jwt.MapClaims{})
	newToken := sign(jwt.SigningMethodES256, "new", s.ec, jwt.MapClaims{})
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		v, err := access.NewJWT(config.Auth{JWTJWKSFile: path}, event.Default(), slog.New(slog.NewTextHandler(&logged, nil)))
		if err != nil {
			t.Fatal(err)
		}
		check := func(when string, old, new bool, lines int) {
			t.Helper()
			if _, err := v.Authenticate(oldToken); (err == nil) != old {
				t.Errorf("%s: token of the old key: %v", when, err)
			}
			if _, err := v.Authenticate(newToken); (err == nil) != new {
				t.Errorf("%s: token of the new key: %v", when, err)
			}
			if n := strings.Count(logged.String(), "\n"); n != lines {
				t.Errorf("%s: %d lines are logged, want %d:\n%s", when, n, lines, &logged)
			}
		}
		put := func(data []byte) {
			t.Helper()
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check("at first", true, false, 0)
		put([]byte("{"))
		for range 3 {
			time.Sleep(time.Second)
			check("broken", true, false, 1)
		}
		put(jwkSet(jwk("new", &s.ec.PublicKey)))
		check("not looked at yet", true, false, 1)
		time.Sleep(time.Second)
		check("exchanged", false, true, 1)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		check("gone", false, true, 2)
	})
}
