package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Whatever goes wrong with a token, the router at its most talkative prints nothing
// of it, and neither do its metrics.
func TestTokensStaySecret(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, "key")
	file := filepath.Join(t.TempDir(), "jwks.json")
	mustWrite(t, file, keySet(t, i))
	r := startOdd(t, nil, "--log.level", "debug", "--auth.subscribe", "jwt", "--auth.jwt_jwks_file", file,
		"--auth.jwt_leeway", "0s", "--api.max_header_size", "4KiB")
	const mark = "QZXJ" // stands in what is no token, and in claims
	good := i.token(t, jwt.MapClaims{"sub": "alice", "exp": in(time.Hour), mark: mark})
	head, rest, _ := strings.Cut(good, ".")
	// All tokens begin with eyJ. The end of this one may get out alone.
	parts := []string{"eyJ", mark, good[len(good)-12:]}
	bad := []string{
		i.token(t, jwt.MapClaims{"exp": in(-time.Hour)}),
		i.token(t, jwt.MapClaims{"nbf": in(time.Hour)}),
		i.token(t, jwt.MapClaims{"aud": mark}),
		i.token(t, jwt.MapClaims{"events": []string{mark}}),
		newIssuer(t, "key").token(t, jwt.MapClaims{}),
		newIssuer(t, "other").token(t, jwt.MapClaims{}),
		head + "." + mark + "!." + rest,
		mark, mark + "." + mark + "." + mark,
		good + strings.Repeat(mark, 2<<10), // more than a head may have
	}
	for _, token := range append(bad, good) {
		for _, request := range []string{
			"GET /v1/events?events=Nope&token=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"GET /v1/sse/events?token=%s&token=other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"GET /v1/ws/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: adic.token.%s\r\n\r\n",
			"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Length: 1\r\n\r\n1",
			// What fasthttp itself refuses, and would quote.
			"GET /v1/events?token=%s HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
			"GET /v1/events?token=%s\r\n\r\n",
			"GET  /v1/events?token=%s  HTTP/1.1 x\r\nHost: x\r\n\r\n",
			"/v1/events?token=%s\r\n\r\n",
			"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization Bearer %s\r\n\r\n",
			"GET /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n",
			"POST /v1/events?token=%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		} {
			wantNothingOf(t, "an answer", r.tell(t, fmt.Sprintf(request, token)), parts)
		}
	}
	for _, token := range bad {
		s := openSocket(t, r, "?token="+good)
		s.say(t, fmt.Sprintf(`{"type":"Refresh","token":%q}`, token))
		s.say(t, `{"type":"Refresh","token":["`+token+`"]}`)
		s.say(t, `{"type":"Refresh","token":"`+token)
		s.say(t, `{"type":"Refresh","token":"`+token+"\xff\"}") // not UTF-8: closed with 1007
		s.await(t)
		for _, text := range s.received() {
			wantNothingOf(t, "a message", text, parts)
		}
	}
	reset(t, openSocket(t, r, "?token="+good))
	eventually(t, "the lost client is logged", func() bool { return r.find(t, "websocket error: connection lost") != nil })
	wantNothingOf(t, "the metrics", r.get(t, "/metrics"), parts)
	r.terminate()
	output := r.stdout.String() + r.stderr.String()
	wantNothingOf(t, "the output", output, parts)
	if !strings.Contains(output, "a request failed") {
		t.Error("no request failed in a way that is logged: the test shows nothing")
	}
}

// wantNothingOf looks for parts of tokens.
func wantNothingOf(t *testing.T, where, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if at := strings.Index(text, part); at >= 0 {
			t.Errorf("something of a token is in %s: %.300s", where, text[max(0, at-100):])
		}
	}
}

// tell sends bytes over a connection of its own, and returns the answer, which is
// empty if the connection ends without one.
func (r *router) tell(t *testing.T, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return "" // refused before its end
	}
	answer := make([]byte, 4<<10)
	n, err := conn.Read(answer)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("no answer to %.60q", request)
	}
	return string(answer[:n])
}
