package access_test

import (
	"bytes"
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
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// Times are those of a fake clock, so the borders are exact.
func TestClaims(t *testing.T) {
	all := access.Grant{Types: event.Default().All(), Priorities: event.AllPriorities}
	with := func(change func(g *access.Grant)) access.Grant {
		g := all
		change(&g)
		return g
	}
	types := func(names ...string) event.TypeSet {
		set, _, err := event.Default().ParseTypes(names)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	tests := []struct {
		name, payload string // %d is now
		want          access.Grant
		err           string
	}{
		{name: "none", payload: `{}`, want: all},
		{name: "all", payload: `{"events":["all"],"priority":"all"}`, want: all},
		{name: "subject", payload: `{"sub":"alice"}`, want: with(func(g *access.Grant) { g.Subject = "alice" })},
		{name: "subject is a number", payload: `{"sub":7}`, err: "the sub claim is not a string"},
		{name: "names, aliases and prefixes", payload: `{"events":["TipsUpdated","vrf.*"]}`,
			want: with(func(g *access.Grant) { g.Types = types("TipsUpdated", "vrf.*") })},
		{name: "names with commas", payload: `{"events":"TipsUpdated, vrf.*"}`,
			want: with(func(g *access.Grant) { g.Types = types("TipsUpdated", "vrf.*") })},
		{name: "no events", payload: `{"events":[]}`, want: with(func(g *access.Grant) { g.Types = event.TypeSet{} })},
		{name: "empty event", payload: `{"events":""}`, err: "the events claim names what is no event type, alias or prefix here"},
		{name: "unknown event", payload: `{"events":["TipsUpdate"]}`, err: "the events claim names what is no event type, alias or prefix here"},
		{name: "null events", payload: `{"events":null}`, err: "the events claim is not an array of strings"},
		{name: "events is an object", payload: `{"events":{"all":true}}`, err: "the events claim is not an array of strings"},
		{name: "event is a number", payload: `{"events":["all",1]}`, err: "element 1 of the events claim is not a string"},
		{name: "another case", payload: `{"EVENTS":[],"Events":[]}`, want: all},
		{name: "priorities", payload: `{"priority":["high","low"]}`, want: with(func(g *access.Grant) { g.Priorities = event.PrioritySet(0).With(event.High).With(event.Low) })},
		{name: "priorities with commas", payload: `{"priority":"high,medium"}`, want: with(func(g *access.Grant) { g.Priorities = event.PrioritySet(0).With(event.High).With(event.Medium) })},
		{name: "no priorities", payload: `{"priority":[]}`, want: with(func(g *access.Grant) { g.Priorities = 0 })},
		{name: "empty priority", payload: `{"priority":""}`, err: "the priority claim holds an empty name"},
		{name: "unknown priority", payload: `{"priority":["urgent"]}`, err: "the priority claim names what is neither high, medium, low nor all"},

		{name: "ends", payload: `{"exp":%d+1}`, want: with(func(g *access.Grant) { g.Expires = in(31) })},
		{name: "ended within the leeway", payload: `{"exp":%d-29}`, want: with(func(g *access.Grant) { g.Expires = in(1) })},
		{name: "ended at the leeway", payload: `{"exp":%d-30}`, err: "the token has expired"},
		{name: "ended long ago", payload: `{"exp":1}`, err: "the token has expired"},
		{name: "ended in 1970", payload: `{"exp":0}`, err: "the exp claim is not a time in seconds since 1970"},
		{name: "ends in no year", payload: `{"exp":1e15}`, err: "the exp claim is not a time in seconds since 1970"},
		{name: "end is null", payload: `{"exp":null}`, err: "the claims of the token are malformed"},
		{name: "end is text", payload: `{"exp":"2999-01-01T00:00:00Z"}`, err: "the claims of the token are malformed"},
		{name: "begins within the leeway", payload: `{"nbf":%d+30}`, want: all},
		{name: "begins beyond the leeway", payload: `{"nbf":%d+31}`, err: "the token is not valid yet"},
		{name: "begins before 1970", payload: `{"nbf":-1}`, err: "the nbf claim is not a time in seconds since 1970"},
		{name: "audience where there is none", payload: `{"aud":"router"}`,
			err: "the token is for an audience, and this router has no name as one (auth.jwt_audience)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newJWT(t, config.Auth{JWTSecret: secret, JWTLeeway: 30 * time.Second})
				g, err := v.Authenticate(hs256(`{"alg":"HS256"}`, at(test.payload)))
				wantGrant(t, g, err, test.want, test.err)
			})
		})
	}
}

// in is a time on the clock of synctest.
func in(seconds int) time.Time {
	return time.Date(2000, 1, 1, 0, 0, seconds, 0, time.UTC)
}

// at replaces "%d+N" and "%d-N", where %d is now.
func at(payload string) string {
	name, rest, ok := strings.Cut(payload, "%d")
	if !ok {
		return payload
	}
	var offset int64
	must(fmt.Sscanf(rest, "%d", &offset))
	return fmt.Sprintf("%s%d}", name, time.Now().Unix()+offset)
}

func wantGrant(t *testing.T, g access.Grant, err error, want access.Grant, problem string) {
	t.Helper()
	if problem != "" {
		if !errors.Is(err, access.ErrDenied) || err.Error() != problem {
			t.Errorf("got %+v, %v, want %s", g, err, problem)
		}
		return
	}
	if !g.Expires.Equal(want.Expires) {
		t.Errorf("expires at %v, want %v", g.Expires, want.Expires)
	}
	g.Expires, want.Expires = time.Time{}, time.Time{}
	if err != nil || g != want {
		t.Errorf("got %+v, %v, want %+v", g, err, want)
	}
}

func TestAudienceAndIssuer(t *testing.T) {
	const missing = "the token lacks a claim that is required (aud or iss)"
	tests := []struct{ name, payload, err string }{
		{"both", `{"aud":"router","iss":"bank"}`, ""},
		{"one of several audiences", `{"aud":["other","router"],"iss":"bank"}`, ""},
		{"another audience", `{"aud":["other"],"iss":"bank"}`, "the token is for another audience"},
		{"a part of the audience", `{"aud":"route","iss":"bank"}`, "the token is for another audience"},
		{"no audience", `{"iss":"bank"}`, missing},
		{"audience is a number", `{"aud":7,"iss":"bank"}`, missing},
		{"another issuer", `{"aud":"router","iss":"Bank"}`, "the token is of another issuer"},
		{"no issuer", `{"aud":"router"}`, missing},
	}
	v := newJWT(t, config.Auth{JWTSecret: secret, JWTAudience: "router", JWTIssuer: "bank"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := v.Authenticate(hs256(`{"alg":"HS256"}`, test.payload))
			if got := fmt.Sprint(err); test.err != "" && got != test.err || test.err == "" && err != nil {
				t.Errorf("got %v, want %s", got, test.err)
			}
		})
	}
}

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

// Whatever the claims are, a token is taken or refused with a text of ours, and
// what it grants is within what there is.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"exp":99999999999,"nbf":1,"sub":"a","events":["all"],"priority":["high"]}`, `{"exp":1e308}`, `{"exp":-0}`,
		`{"events":"vrf.*,TipsUpdated","priority":"high,low"}`, `{"events":[[]],"priority":{}}`, `{"aud":[],"iss":""}`, `{"sub":null}`, `{"priority":[""]}`, `[`, ``,
	} {
		f.Add(seed)
	}
	v := newJWT(f, config.Auth{JWTSecret: secret, JWTLeeway: time.Second})
	f.Fuzz(func(t *testing.T, payload string) {
		g, err := v.Authenticate(hs256(`{"alg":"HS256"}`, payload))
		if err != nil {
			if !errors.Is(err, access.ErrDenied) || g != (access.Grant{}) {
				t.Errorf("got %+v, %v", g, err)
			}
			return
		}
		if !g.Types.Minus(event.Default().All()).IsEmpty() || g.Priorities&^event.AllPriorities != 0 {
			t.Errorf("grants what there is not: %+v", g)
		}
		if !g.Expires.IsZero() && !g.Expires.After(time.Now()) {
			t.Errorf("taken, and expired at %v", g.Expires)
		}
	})
}
