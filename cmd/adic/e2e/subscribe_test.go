package e2e

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// An issuer signs tokens of subscribers with a key that has a name.
type issuer struct {
	kid string
	key ed25519.PrivateKey
}

func newIssuer(t *testing.T, kid string) issuer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{kid, key}
}

func (i issuer) token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = i.kid
	text, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// in returns the exp claim of a token that ends after d.
func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// keySet is the JWK Set (RFC 7517) of issuers.
func keySet(t *testing.T, issuers ...issuer) string {
	t.Helper()
	var keys []map[string]string
	for _, i := range issuers {
		keys = append(keys, map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": i.kid,
			"x": base64.RawURLEncoding.EncodeToString(i.key.Public().(ed25519.PublicKey))})
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// putWhole replaces a file by renaming, so that nobody reads a half of it.
func putWhole(t *testing.T, name, text string) {
	t.Helper()
	mustWrite(t, name+".new", text)
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// bearer is the header that a token goes into.
func bearer(token string) string { return "Authorization: Bearer " + token }

// Tokens over all three ways, with the clients that people have: they let in, bound
// what is seen, and end what was begun with them.
func TestSubscribersWithTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "2026")
	file := filepath.Join(t.TempDir(), "jwks.json")
	mustWrite(t, file, keySet(t, i))
	r := startRouter(t, "--auth.subscribe", "jwt", "--auth.jwt_jwks_file", file, "--auth.jwt_audience", "router", "--auth.jwt_leeway", "0s")
	claims := func(lasts time.Duration) jwt.MapClaims {
		return jwt.MapClaims{"sub": "alice", "aud": "router", "exp": in(lasts), "events": []string{"message.*"}}
	}

	for _, path := range []string{"/v1/events", "/v1/sse/events", "/v1/ws/events"} {
		var upgrade []string
		if strings.Contains(path, "ws") {
			upgrade = []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
		}
		for name, test := range map[string]struct {
			token string
			want  int
		}{
			"none":              {"", http.StatusUnauthorized},
			"publish token":     {publishToken, http.StatusUnauthorized},
			"other audience":    {i.token(t, jwt.MapClaims{"aud": "other"}), http.StatusUnauthorized},
			"expired":           {i.token(t, claims(-time.Second)), http.StatusUnauthorized},
			"of another issuer": {newIssuer(t, "2026").token(t, claims(time.Hour)), http.StatusUnauthorized},
		} {
			headers := append([]string{}, upgrade...)
			if test.token != "" {
				headers = append(headers, bearer(test.token))
			}
			if status, h, answer := r.status(t, "GET", path, "", headers...); status != test.want || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s, %s: %d %s, WWW-Authenticate: %s", path, name, status, answer, h.Get("WWW-Authenticate"))
			}
		}
		headers := append(upgrade, bearer(i.token(t, claims(time.Hour))))
		if status, _, answer := r.status(t, "GET", path+"?events=MessageAdded,TipsUpdated", "", headers...); status != http.StatusForbidden || !strings.Contains(answer, "TipsUpdated") {
			t.Errorf("%s, beyond the token: %d %s", path, status, answer)
		}
	}

	const lasts = 10 * time.Second // for a busy machine to begin four streams
	short := i.token(t, claims(lasts))
	curl := start(t, tool(t, "curl"), "--silent", "--show-error", "--no-buffer", "--fail", "--header", bearer(short), r.http()+"/v1/sse/events")
	tail := start(t, adic(), "tail", r.http(), "--token", short)
	socket := openSocket(t, r, "?token="+short)
	refreshed := openSocket(t, r, "?token="+short)
	refreshed.say(t, fmt.Sprintf(`{"type":"Refresh","token":%q}`, i.token(t, claims(time.Hour))))
	eventually(t, "all follow", func() bool {
		m := r.metrics(t)
		return m["adic_sse_connections"] == 1 && m["adic_websocket_connections"] == 3
	})
	r.publish(t, `{"type":"TipsUpdated","tips":[],"count":0} {"type":"MessageAdded","message_id":"seen","depth":1}`)
	for name, text := range map[string]func() string{
		"curl": curl.stdout.String, "adic tail": tail.stdout.String,
		"the WebSocket": func() string { return strings.Join(socket.received(), "\n") },
	} {
		eventually(t, name+" has the event", func() bool { return strings.Contains(text(), "MessageAdded") })
		if strings.Contains(text(), "TipsUpdated") {
			t.Errorf("%s has an event that its token does not allow:\n%s", name, text())
		}
	}

	socket.await(t)
	if text := strings.Join(socket.received(), "\n"); socket.code != 4401 || !strings.Contains(text, `"message":"the token expires in `) {
		t.Errorf("the WebSocket was closed with %d after\n%s", socket.code, text)
	}
	<-curl.done
	if curl.err != nil || !strings.HasSuffix(curl.stdout.String(), "\n: the token has expired\n\n") {
		t.Errorf("curl ended with %v, and printed\n%s", curl.err, curl.stdout.tail())
	}
	<-tail.done // it comes back with the same token
	if exit, ok := tail.err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(tail.stderr.String(), "401") {
		t.Errorf("adic tail ended with %v, and printed\n%s", tail.err, tail.stderr.tail())
	}
	if text := strings.Join(refreshed.received(), "\n"); refreshed.hasEnded() || !strings.Contains(text, `{"type":"Refreshed","expires":"`) {
		t.Errorf("a client that refreshed its token has ended: %v, after\n%s", refreshed.hasEnded(), text)
	}
	if strings.Contains(r.stderr.String(), "eyJ") {
		t.Error("a token is in the log")
	}
}

// Keys are exchanged in their file; the mode and the source of keys by SIGHUP. The
// streams that run stay.
func TestKeysOfTokensChange(t *testing.T) {
	t.Parallel()
	first, second := newIssuer(t, "first"), newIssuer(t, "second")
	dir := t.TempDir()
	keys, file := filepath.Join(dir, "jwks.json"), filepath.Join(dir, "adic.toml")
	mustWrite(t, keys, keySet(t, first))
	withJWT := fmt.Sprintf("[auth]\nsubscribe = 'jwt'\njwt_jwks_file = '%s'\n", keys)
	const secret = "a-secret-of-thirty-two-characters"
	withSecret := "[auth]\nsubscribe = 'jwt'\njwt_secret = '" + secret + "'\n"
	mustWrite(t, file, withJWT)
	r := startOdd(t, nil, "--config", file)
	old, next := first.token(t, jwt.MapClaims{}), second.token(t, jwt.MapClaims{})
	shared, err := jwt.New(jwt.SigningMethodHS256).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	letsIn := func(token string) bool {
		t.Helper()
		status, _, answer := r.status(t, "GET", "/v1/events", "", bearer(token))
		if status != http.StatusOK && status != http.StatusUnauthorized {
			t.Errorf("answered with %d %s", status, answer)
		}
		return status == http.StatusOK
	}
	if !letsIn(old) || letsIn(next) {
		t.Fatal("the tokens are not taken by their key")
	}
	stream := openSocket(t, r, "?token="+old)

	putWhole(t, keys, "{")
	const broken = "the JWKS file cannot be used, the keys that were in it stay in force"
	eventually(t, "the broken file is logged", func() bool { letsIn(old); return r.find(t, broken) != nil })
	if !letsIn(old) {
		t.Error("a broken file takes the keys away")
	}
	r.reload(t, file, withJWT, notReloaded)
	putWhole(t, keys, keySet(t, second))
	eventually(t, "the new key is taken", func() bool { return letsIn(next) })
	if letsIn(old) {
		t.Error("a key that is gone is still taken")
	}

	for _, line := range r.reload(t, file, withSecret, reloaded) {
		if line["key"] == "auth.jwt_secret" && (line["from"] != "" || line["to"] != "***") {
			t.Errorf("the log says %v", line)
		}
	}
	if !letsIn(shared) || letsIn(next) || letsIn("") {
		t.Error("the new source of keys is not in force")
	}
	for name, bad := range map[string]string{
		"no key":       "[auth]\nsubscribe = 'jwt'\n",
		"two sources":  withSecret + "jwt_key_file = 'key.pem'\n",
		"no such file": "[auth]\nsubscribe = 'jwt'\njwt_key_file = '/nowhere/key.pem'\n",
	} {
		r.reload(t, file, bad, notReloaded)
		if !letsIn(shared) || letsIn("") {
			t.Errorf("%s: the old configuration is not in force", name)
		}
	}
	r.reload(t, file, "[auth]\nsubscribe = 'open'\n", reloaded)
	if !letsIn("") || !letsIn("ignored") {
		t.Error("open is not in force")
	}
	if stream.hasEnded() {
		t.Errorf("a stream of before was closed with %d", stream.code)
	}
	for _, text := range []string{secret, "eyJ"} {
		if strings.Contains(r.stderr.String(), text) {
			t.Errorf("%q is in the log", text)
		}
	}
}
