package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// TokenPrefix begins every token that we make, so that people, and programs that
// look for secrets in public places, know one when they see it.
const TokenPrefix = "adic_"

// tokenSize is the random part of a token in bytes. With 256 bits there is nothing
// to guess, so that one SHA-256 protects what is at rest: hashing slowly, as is
// right for passwords, would only slow down whoever checks.
const tokenSize = 32

// NewToken returns a random token: adic_ and 43 characters that need no escaping
// in a URL (RFC 4648 §5).
func NewToken() string {
	random := make([]byte, tokenSize)
	_, _ = rand.Read(random) // crashes the program rather than fail
	return TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
}

// CheckToken reports what keeps a text from being a token that NewToken made. The
// error does not show it.
func CheckToken(token string) error {
	text, ok := strings.CutPrefix(token, TokenPrefix)
	if !ok {
		return errors.New("a token begins with " + TokenPrefix)
	}
	// The last character must not hold bits of no byte: one token, one text.
	random, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(random) != tokenSize || len(text) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return errors.New("a token is " + TokenPrefix + " and 43 letters, digits, dashes and underscores; some are missing, changed or too many")
	}
	return nil
}

// hash is what is kept of a token.
type hash [sha256.Size]byte

const hashPrefix = "sha256:"

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

// HashToken returns the hash of a token as it stands in the configuration:
// "sha256:" and 64 hexadecimal digits.
func HashToken(token string) string {
	h := hashOf(token)
	return hashPrefix + hex.EncodeToString(h[:])
}

// parseHash reads what HashToken returns.
func parseHash(text string) (h hash, err error) {
	digits, ok := strings.CutPrefix(text, hashPrefix)
	if !ok || hex.DecodedLen(len(digits)) != len(h) {
		return hash{}, errors.New("no hash of a token: it is sha256: and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(h[:], []byte(digits)); err != nil {
		return hash{}, errors.New("no hash of a token: not all behind sha256: are hexadecimal digits")
	}
	return h, nil
}
