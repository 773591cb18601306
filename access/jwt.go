package access

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// maxToken is how long a JSON Web Token may be, in bytes. What is longer is
// refused before anything is decoded.
const maxToken = 8 << 10

// JWT verifies the JSON Web Tokens (RFC 7519) of subscribers. The algorithms are
// HS256, RS256, ES256 and EdDSA (RFC 7518 §3.1, RFC 8037 §3.1). Which of them a
// token may use its key says, not its header (RFC 8725 §3.1).
type JWT struct {
	keys      keyring
	parser    *jwt.Parser
	audience  string
	leeway    time.Duration
	catalogue *event.Catalogue
}

// NewJWT returns the verifier that auth describes. It reads the keys; an error
// names the file and says what is wrong with it. A JWKS file that changes later is
// read again, and log gets what is wrong with it then.
func NewJWT(auth config.Auth, catalogue *event.Catalogue, log *slog.Logger) (*JWT, error) {
	keys, err := newKeyring(auth, log)
	if err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{
		jwt.WithStrictDecoding(),
		jwt.WithLeeway(auth.JWTLeeway),
	}
	if auth.JWTAudience != "" {
		options = append(options, jwt.WithAudience(auth.JWTAudience))
	}
	if auth.JWTIssuer != "" {
		options = append(options, jwt.WithIssuer(auth.JWTIssuer))
	}
	return &JWT{
		keys: keys, parser: jwt.NewParser(options...),
		audience: auth.JWTAudience, leeway: auth.JWTLeeway, catalogue: catalogue,
	}, nil
}

// Authenticate returns what the holder of token may see. The error wraps
// [ErrDenied].
func (j *JWT) Authenticate(token string) (Grant, error) {
	if len(token) > maxToken {
		return Grant{}, denied(fmt.Sprintf("the token is longer than %d bytes", maxToken))
	}
	c := jwt.MapClaims{} // a struct would take claims in any case: encoding/json does
	if _, err := j.parser.ParseWithClaims(token, c, j.key); err != nil {
		return Grant{}, denied(reason(err))
	}
	return j.grant(c)
}

// key finds the key of a token whose signature is to be verified.
func (j *JWT) key(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, errors.New("no critical extension is understood") // RFC 7515 §4.1.11
	}
	kid, _ := t.Header["kid"].(string)
	k, ok := j.keys.find(kid)
	if !ok {
		return nil, errUnknownKey
	}
	if t.Method.Alg() != k.alg {
		return nil, errors.New("the key is for another algorithm")
	}
	return k.material, nil
}

var errUnknownKey = errors.New("no such key")

// reason says why a token was refused, in words that hold nothing of it: those of
// the library may.
func reason(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "the token is not a JSON Web Token"
	case errors.Is(err, errUnknownKey):
		return "the key of the token (kid) is not known"
	case errors.Is(err, jwt.ErrTokenUnverifiable), errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return "the signature of the token is not valid"
	case errors.Is(err, jwt.ErrTokenExpired):
		return "the token has expired"
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return "the token is not valid yet"
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return "the token is for another audience"
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return "the token is of another issuer"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "the token lacks a claim that is required (aud or iss)"
	}
	return "the claims of the token are malformed"
}

// denial is an error over a credential.
type denial string

func denied(reason string) error { return denial(reason) }

func (d denial) Error() string { return string(d) }

// Unwrap makes it an ErrDenied whose text does not begin with that.
func (d denial) Unwrap() error { return ErrDenied }
