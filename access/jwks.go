package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"sync"
	"time"
)

const (
	// jwksInterval is how long a JWKS file is not looked at again.
	jwksInterval = time.Second
	// maxJWKS is how long a JWKS file may be, in bytes.
	maxJWKS = 1 << 20
)

// jwks is the keys of a JWK Set (RFC 7517 §5) in a file. Whoever puts new keys into
// the file is best to rename a whole one over it.
type jwks struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	keys   map[string]key
	looked time.Time // when the file was last looked at
	stamp  stamp     // of the file that keys were read from
	broken string    // what is wrong with the file since, and has been logged
}

// stamp tells one version of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

func newJWKS(path string, log *slog.Logger) (*jwks, error) {
	j := &jwks{path: path, log: log, looked: time.Now()}
	return j, j.read()
}

// find looks for the key with that id, in the file as it is at most jwksInterval
// ago. A file that has become unusable leaves the keys as they were.
func (j *jwks) find(kid string) (key, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if now := time.Now(); now.Sub(j.looked) >= jwksInterval {
		j.looked = now
		j.refresh()
	}
	k, ok := j.keys[kid]
	return k, ok
}

// refresh reads the file again if it has changed. What is wrong with it is logged
// once, and not at every look.
func (j *jwks) refresh() {
	err := j.read()
	switch {
	case err == nil:
		j.broken = ""
	case err.Error() != j.broken:
		j.broken = err.Error()
		j.log.Error("the JWKS file cannot be used, the keys that were in it stay in force", "file", j.path, "error", err)
	}
}

// read takes the keys from the file unless it is the one they are from.
func (j *jwks) read() error {
	f, err := os.Open(j.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	at := stamp{info.ModTime(), info.Size()} // before reading: what is written meanwhile changes it
	if at == j.stamp {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxJWKS+1))
	if err != nil {
		return err
	}
	if len(data) > maxJWKS {
		return fmt.Errorf("%s is over %d bytes", j.path, maxJWKS)
	}
	keys, err := parseJWKS(data)
	if err != nil {
		return fmt.Errorf("%s: %w", j.path, err)
	}
	j.keys, j.stamp = keys, at
	return nil
}

// jwk is a JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
type jwk struct {
	KeyType string          `json:"kty"`
	ID      string          `json:"kid"`
	Use     string          `json:"use"`
	Alg     string          `json:"alg"`
	Curve   string          `json:"crv"`
	N       encoded         `json:"n"`
	E       encoded         `json:"e"`
	X       encoded         `json:"x"`
	Y       encoded         `json:"y"`
	D       json.RawMessage `json:"d"` // of private keys only
}

// encoded is bytes in base64url without padding.
type encoded []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *encoded) UnmarshalText(text []byte) (err error) {
	*e, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

// parseJWKS returns the keys of a set by their ids. Keys for other purposes and of
// kinds that are not supported are passed over, as RFC 7517 §5 has it; a set with
// none that can be used is an error.
func parseJWKS(data []byte) (map[string]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("is not a JWK Set: %w", err)
	}
	keys := make(map[string]key)
	for i, raw := range set.Keys {
		k, err := parseJWK(raw)
		if errors.Is(err, errPassedOver) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		if _, twice := keys[k.id]; twice {
			return nil, fmt.Errorf("key %d: its kid is that of another key", i)
		}
		keys[k.id] = k.key
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key for signatures with RS256, ES256 or EdDSA")
	}
	return keys, nil
}

// errPassedOver is over keys that are none of ours.
var errPassedOver = errors.New("key is for something else")

type namedKey struct {
	id string
	key
}

func parseJWK(raw []byte) (namedKey, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil {
		return namedKey{}, errors.New("is not a JSON Web Key")
	}
	if k.Use != "" && k.Use != "sig" {
		return namedKey{}, errPassedOver
	}
	public, err := k.public()
	if err != nil {
		return namedKey{}, err
	}
	bound, err := bind(public)
	switch {
	case err != nil:
		return namedKey{}, err
	case k.Alg != "" && k.Alg != bound.alg:
		return namedKey{}, errPassedOver
	case k.D != nil:
		return namedKey{}, errors.New("is a private key, which has no place here")
	case k.ID == "":
		return namedKey{}, errors.New("has no kid, by which tokens name it")
	}
	return namedKey{k.ID, bound}, nil
}

func (k *jwk) public() (crypto.PublicKey, error) {
	switch k.KeyType + " " + k.Curve {
	case "RSA ":
		e := new(big.Int).SetBytes(k.E)
		if len(k.N) == 0 || e.BitLen() < 2 || e.BitLen() > 31 || e.Bit(0) == 0 {
			return nil, errors.New("n or e is not that of an RSA key")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(e.Int64())}, nil
	case "EC P-256":
		const size = 32 // RFC 7518 §6.2.1.2: leading zeros included
		if len(k.X) != size || len(k.Y) != size {
			return nil, errors.New("x or y is not 32 bytes long")
		}
		point := append(append([]byte{4}, k.X...), k.Y...) // SEC 1 §2.3.3
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, errors.New("x and y are not a point of P-256")
		}
		return public, nil
	case "OKP Ed25519":
		if len(k.X) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("x is not %d bytes long", ed25519.PublicKeySize)
		}
		return ed25519.PublicKey(k.X), nil
	}
	return nil, errPassedOver
}
