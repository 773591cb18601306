package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

const secret = "a secret of thirty-two characters"

// signers are private keys, made once: that of RSA takes a while.
type signers struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

var newSigners = sync.OnceValue(func() (s signers) {
	s.rsa = must(rsa.GenerateKey(rand.Reader, 2048))
	s.ec = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	s.ed = must(second(ed25519.GenerateKey(rand.Reader)))
	return s
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func second[A, B any](_ A, b B, err error) (B, error) { return b, err }

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func publicPEM(public crypto.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

func certificatePEM(key crypto.Signer) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))})
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is a public key as a member of a JWK Set.
func jwk(kid string, public crypto.PublicKey) map[string]any {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kid": kid, "kty": "RSA", "use": "sig", "n": b64(p.N.Bytes()), "e": b64(big.NewInt(int64(p.E)).Bytes())}
	case *ecdsa.PublicKey:
		point := must(p.Bytes())
		return map[string]any{"kid": kid, "kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	case ed25519.PublicKey:
		return map[string]any{"kid": kid, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64(p)}
	}
	panic("no such key")
}

func jwkSet(keys ...map[string]any) []byte { return must(json.Marshal(map[string]any{"keys": keys})) }

func newJWT(t testing.TB, auth config.Auth) *access.JWT {
	t.Helper()
	auth.Subscribe = config.SubscribeJWT
	v, err := access.NewJWT(auth, event.Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(method jwt.SigningMethod, kid string, key any, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	return must(token.SignedString(key))
}

// hs256 signs a payload that need not be one.
func hs256(header, payload string) string {
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	return signed + "." + b64(must(jwt.SigningMethodHS256.Sign(signed, []byte(secret))))
}

// The four algorithms, with keys from all places that they can be in.
func TestAlgorithms(t *testing.T) {
	s := newSigners()
	set := write(t, "jwks.json", jwkSet(jwk("r", &s.rsa.PublicKey), jwk("e", &s.ec.PublicKey), jwk("d", s.ed.Public()),
		map[string]any{"kty": "RSA", "use": "enc", "kid": "r"}, map[string]any{"kty": "new"}))
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&s.rsa.PublicKey)})
	tests := []struct {
		name   string
		auth   config.Auth
		method jwt.SigningMethod
		kid    string
		key    any
	}{
		{"HS256", config.Auth{JWTSecret: secret}, jwt.SigningMethodHS256, "", []byte(secret)},
		{"RS256", config.Auth{JWTKeyFile: write(t, "k.pem", publicPEM(&s.rsa.PublicKey))}, jwt.SigningMethodRS256, "any", s.rsa},
		{"RS256, PKCS 1", config.Auth{JWTKeyFile: write(t, "k.pem", pkcs1)}, jwt.SigningMethodRS256, "", s.rsa},
		{"RS256, certificate", config.Auth{JWTKeyFile: write(t, "k.pem", certificatePEM(s.rsa))}, jwt.SigningMethodRS256, "", s.rsa},
		{"RS256, JWKS", config.Auth{JWTJWKSFile: set}, jwt.SigningMethodRS256, "r", s.rsa},
		{"ES256", config.Auth{JWTKeyFile: write(t, "k.pem", publicPEM(&s.ec.PublicKey))}, jwt.SigningMethodES256, "", s.ec},
		{"ES256, JWKS", config.Auth{JWTJWKSFile: set}, jwt.SigningMethodES256, "e", s.ec},
		{"EdDSA", config.Auth{JWTKeyFile: write(t, "k.pem", publicPEM(s.ed.Public()))}, jwt.SigningMethodEdDSA, "", s.ed},
		{"EdDSA, JWKS", config.Auth{JWTJWKSFile: set}, jwt.SigningMethodEdDSA, "d", s.ed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g, err := newJWT(t, test.auth).Authenticate(sign(test.method, test.kid, test.key, jwt.MapClaims{"sub": "alice"}))
			if err != nil || g.Subject != "alice" {
				t.Errorf("got %+v, %v", g, err)
			}
		})
	}
}

func TestAttacks(t *testing.T) {
	s := newSigners()
	rsaPEM := publicPEM(&s.rsa.PublicKey)
	asFile := config.Auth{JWTKeyFile: write(t, "k.pem", rsaPEM)}
	asSet := config.Auth{JWTJWKSFile: write(t, "jwks.json", jwkSet(jwk("r", &s.rsa.PublicKey), jwk("e", &s.ec.PublicKey)))}
	asSecret := config.Auth{JWTSecret: secret}
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	sub := jwt.MapClaims{"sub": "mallory"}
	good := sign(jwt.SigningMethodHS256, "", []byte(secret), sub)
	parts := strings.Split(good, ".")
	const (
		signature = "the signature of the token is not valid"
		malformed = "the token is not a JSON Web Token"
		unknown   = "the key of the token (kid) is not known"
	)
	tests := []struct {
		name, token string
		auth        config.Auth
		want        string
	}{
		{"none", sign(jwt.SigningMethodNone, "", jwt.UnsafeAllowNoneSignatureType, sub), asSecret, signature},
		{"none, of a key", sign(jwt.SigningMethodNone, "r", jwt.UnsafeAllowNoneSignatureType, sub), asSet, signature},
		{"None", b64([]byte(`{"alg":"None"}`)) + "." + parts[1] + ".", asSecret, signature},
		{"no alg", b64([]byte(`{}`)) + "." + parts[1] + "." + parts[2], asSecret, signature},
		{"alg is no string", b64([]byte(`{"alg":["HS256"]}`)) + "." + parts[1] + "." + parts[2], asSecret, signature},
		{"signature cut off", parts[0] + "." + parts[1] + ".", asSecret, signature},
		{"payload exchanged", parts[0] + "." + b64([]byte(`{"sub":"alice"}`)) + "." + parts[2], asSecret, signature},
		{"public key as secret", sign(jwt.SigningMethodHS256, "", rsaPEM, sub), asFile, signature},
		{"public key of a set as secret", sign(jwt.SigningMethodHS256, "r", rsaPEM, sub), asSet, signature},
		{"empty secret", sign(jwt.SigningMethodHS256, "", []byte{}, sub), asSecret, signature},
		{"HS512", sign(jwt.SigningMethodHS512, "", []byte(secret), sub), asSecret, signature},
		{"PS256", sign(jwt.SigningMethodPS256, "", s.rsa, sub), asFile, signature},
		{"kid of a key of another type", sign(jwt.SigningMethodRS256, "e", s.rsa, sub), asSet, signature},
		{"and the other way round", sign(jwt.SigningMethodES256, "r", s.ec, sub), asSet, signature},
		{"another key of the same type", sign(jwt.SigningMethodRS256, "r", other, sub), asSet, signature},
		{"unknown kid", sign(jwt.SigningMethodRS256, "../r", s.rsa, sub), asSet, unknown},
		{"no kid", sign(jwt.SigningMethodRS256, "", s.rsa, sub), asSet, unknown},
		{"key in the header", jwkHeader(other, sub), asSet, unknown},
		{"critical extension", hs256(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`), asSecret, signature},
		{"huge", good + strings.Repeat("A", 8<<10), asSecret, "the token is longer than 8192 bytes"},
		{"empty", "", asSecret, malformed},
		{"two parts", parts[0] + "." + parts[1], asSecret, malformed},
		{"four parts", good + ".x", asSecret, malformed},
		{"padding", good + "=", asSecret, malformed},
		{"bits that mean nothing", otherSpelling(good), asSecret, malformed},
		{"Bearer in front", "Bearer " + good, asSecret, malformed},
		{"payload is an array", hs256(`{"alg":"HS256"}`, `[]`), asSecret, malformed},
		{"payload is not JSON", hs256(`{"alg":"HS256"}`, `{"sub":`), asSecret, malformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := newJWT(t, test.auth).Authenticate(test.token)
			if !errors.Is(err, access.ErrDenied) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// otherSpelling changes the last two bits of a signature of 32 bytes, which are
// beyond them (RFC 4648 §3.5).
func otherSpelling(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + alphabet[strings.IndexByte(alphabet, token[last])|1:][:1]
}

// jwkHeader is a token that brings its own key (RFC 7515 §4.1.3).
func jwkHeader(key *rsa.PrivateKey, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["jwk"] = jwk("own", &key.PublicKey)
	token.Header["kid"] = "own"
	return must(token.SignedString(key))
}
