package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"testing"
)

// Whatever a JWKS file holds, its keys are public ones that their algorithm can
// verify with, and each has an id.
func FuzzJWKS(f *testing.F) {
	for _, seed := range []string{
		// Keys of RFC 7517 §A.1 and RFC 8037 §A.2, and others.
		`{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"2"}]}`,
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"3"}]}`,
		`{"keys":[{"kty":"RSA","n":"","e":"AAAAAAAAAAAB","kid":"4"}]}`,
		`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"5"}]}`,
		`{"keys":[null,{},[],1]}`, `{"keys":{}}`, `{}`, `[]`, `{`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseJWKS(data)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys and %v", len(keys), err)
		}
		for id, k := range keys {
			fits := false
			switch public := k.material.(type) {
			case *rsa.PublicKey:
				fits = k.alg == algRS256 && public.N.BitLen() >= minRSA && public.E >= 3 && public.E%2 == 1
			case *ecdsa.PublicKey:
				_, err := public.ECDH() // which checks the point
				fits = k.alg == algES256 && err == nil
			case ed25519.PublicKey:
				fits = k.alg == algEdDSA && len(public) == ed25519.PublicKeySize
			}
			if id == "" || !fits {
				t.Errorf("%q is %s with %T", id, k.alg, k.material)
			}
		}
	})
}
