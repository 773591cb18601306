package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

const jwtSecret = "a secret of thirty-two characters"

func withJWT(c *config.Config) {
	c.Auth.Subscribe, c.Auth.JWTSecret, c.Auth.JWTLeeway = config.SubscribeJWT, jwtSecret, 0
}

func token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entrances are the ways to get events, and the status of success of each.
var entrances = []struct {
	name, path, headers string
	status              int
}{
	{"WebSocket", "/v1/ws/events", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", http.StatusSwitchingProtocols},
	{"SSE", "/v1/sse/events", "", http.StatusOK},
	{"polling", "/v1/events", "", http.StatusOK},
}

// ask sends a request, and returns the head of the answer.
func (f *front) ask(t *testing.T, target, headers string) *http.Response {
	t.Helper()
	c := f.dial(t)
	c.send("GET " + target + " HTTP/1.1\r\nHost: " + f.addr + "\r\n" + headers + "\r\n")
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestSubscribingWithTokens(t *testing.T) {
	f := startFront(t, overTCP, withJWT)
	good := token(t, jwt.MapClaims{"events": []string{"TipsUpdated", "finality.*"}, "priority": []string{"high"}})
	other := token(t, jwt.MapClaims{"sub": "other"})
	expired := token(t, jwt.MapClaims{"exp": time.Now().Unix() - 1})
	bearer := "Authorization: Bearer " + good + "\r\n"
	tests := []struct {
		name, query, headers string
		status               int // 0 is success
		challenge            string
	}{
		{name: "header", headers: bearer},
		{name: "scheme in another case", headers: "authorization: bearer " + good + "\r\n"},
		{name: "parameter", query: "token=" + good},
		{name: "subprotocol", headers: "Sec-WebSocket-Protocol: adic.v1, adic.token." + good + "\r\n"},
		{name: "subprotocols on lines of their own", headers: "Sec-WebSocket-Protocol: adic.token." + good + "\r\nSec-WebSocket-Protocol: adic.v1\r\n"},
		{name: "the same one twice", query: "token=" + good, headers: bearer},
		{name: "events that are allowed", query: "events=TipsUpdated,finality.*", headers: bearer},
		{name: "empty parameters", query: "events=&priority=%20", headers: bearer},
		{name: "none", status: 401, challenge: `Bearer realm="adic"`},
		{name: "empty", query: "token=", headers: "Authorization: Bearer \r\n", status: 401, challenge: `Bearer realm="adic"`},
		{name: "another scheme", headers: "Authorization: Basic " + good + "\r\n", status: 401, challenge: `Bearer realm="adic"`},
		{name: "publish token", headers: "Authorization: Bearer " + publishToken + "\r\n", status: 401, challenge: `Bearer realm="adic", error="invalid_token"`},
		{name: "expired", query: "token=" + expired, status: 401, challenge: `Bearer realm="adic", error="invalid_token"`},
		{name: "wrong comes before bad parameters", query: "events=Nope&token=x", status: 401, challenge: `Bearer realm="adic", error="invalid_token"`},
		{name: "two different ones", query: "token=" + other, headers: bearer, status: 400, challenge: `Bearer realm="adic", error="invalid_request"`},
		{name: "two parameters", query: "token=" + good + "&token=" + other, status: 400, challenge: `Bearer realm="adic", error="invalid_request"`},
		{name: "bad parameter", query: "events=Nope", headers: bearer, status: 400},
		{name: "event beyond", query: "events=TipsUpdated,MessageAdded", headers: bearer, status: 403, challenge: `Bearer realm="adic", error="insufficient_scope"`},
		{name: "all events", query: "events=all", headers: bearer, status: 403, challenge: `Bearer realm="adic", error="insufficient_scope"`},
		{name: "priority beyond", query: "priority=high,low", headers: bearer, status: 403, challenge: `Bearer realm="adic", error="insufficient_scope"`},
		{name: "all priorities", query: "priority=all", headers: bearer, status: 403, challenge: `Bearer realm="adic", error="insufficient_scope"`},
	}
	for _, way := range entrances {
		for _, test := range tests {
			t.Run(way.name+", "+test.name, func(t *testing.T) {
				res := f.ask(t, way.path+"?"+test.query, way.headers+test.headers)
				want := test.status
				if want == 0 {
					want = way.status
				}
				if res.StatusCode != want || res.Header.Get("WWW-Authenticate") != test.challenge {
					t.Errorf("answered with %d, WWW-Authenticate: %s; want %d, %s", res.StatusCode, res.Header.Get("WWW-Authenticate"), want, test.challenge)
				}
			})
		}
	}
}

func TestWhatIsBeyondTheTokenIsNamed(t *testing.T) {
	f := startFront(t, overTCP, withJWT)
	target := "/v1/events?token=" + token(t, jwt.MapClaims{"events": []string{"TipsUpdated"}, "priority": "high"}) + "&"
	for query, want := range map[string]string{
		"events=all": "the token does not allow: events all (leave events away to get what it allows)",
		"events=MessageAdded,TipsUpdated,finality.update": "the token does not allow: events MessageFinalized, MessageAdded",
		"events=MessageAdded&priority=medium,low":         "the token does not allow: events MessageAdded; priority medium, low",
	} {
		c := f.dial(t)
		c.send("GET " + target + query + " HTTP/1.1\r\nHost: " + f.addr + "\r\n\r\n")
		if _, text := c.expectError(http.StatusForbidden); text != want {
			t.Errorf("%s: got  %s\nwant %s", query, text, want)
		}
	}
}

// With the tokens of the configuration it is the same, but that they do not end.
func TestSubscribingWithConfiguredTokens(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Auth.Subscribe = config.SubscribeToken
		c.Auth.Subscriber = map[string]config.Subscriber{
			"explorer": {Token: access.HashToken("adic_explorer"), Events: []string{"MessageAdded", "KCoreUpdated"}, Priority: []string{"high"}},
		}
	})
	for _, e := range entrances {
		for _, tt := range []struct {
			query string
			want  int
		}{
			{"", http.StatusUnauthorized},
			{"?token=adic_other", http.StatusUnauthorized},
			{"?token=adic_explorer", e.status},
			{"?token=adic_explorer&events=MessageAdded", e.status},
			{"?token=adic_explorer&events=TipsUpdated", http.StatusForbidden},
			{"?token=adic_explorer&priority=medium", http.StatusForbidden},
		} {
			if res := f.ask(t, e.path+tt.query, e.headers); res.StatusCode != tt.want {
				t.Errorf("%s%s: %d, want %d", e.name, tt.query, res.StatusCode, tt.want)
			}
		}
	}
	f.publish(t, oneOfEach)
	f.settle(t)
	if got := f.poll(t, "since=earliest&token=adic_explorer").types(t); !slices.Equal(got, []string{"MessageAdded"}) {
		t.Errorf("the holder got %v, want MessageAdded", got)
	}
}

// The subprotocol is chosen where tokens are not asked for, too: a browser that
// offers some and gets none ends the connection.
func TestSubprotocol(t *testing.T) {
	f := startFront(t, overTCP)
	for offer, want := range map[string]string{"": "", "adic.v1, adic.token.x": "adic.v1", "other, adic.v1": "adic.v1", "adic.token.x": "", "other": ""} {
		headers := entrances[0].headers
		if offer != "" {
			headers += "Sec-WebSocket-Protocol: " + offer + "\r\n"
		}
		res := f.ask(t, entrances[0].path, headers)
		if got := res.Header.Get("Sec-WebSocket-Protocol"); res.StatusCode != http.StatusSwitchingProtocols || got != want {
			t.Errorf("%q: answered with %d, %q, want %q", offer, res.StatusCode, got, want)
		}
	}
}

// From the handshake to the close frame, with another implementation of
// WebSocket.
func TestStreamOfAToken(t *testing.T) {
	f := startFront(t, overTCP, withJWT)
	soon := time.Now().Add(3 * time.Second).Unix()
	dialer := websocket.Dialer{Subprotocols: []string{"adic.v1", "adic.token." + token(t, jwt.MapClaims{"sub": "a", "exp": soon, "events": []string{"TipsUpdated"}})}}
	conn, _, err := dialer.Dial("ws://"+f.addr+"/v1/ws/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		t.Helper()
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := read(); got != `{"type":"Subscribed","events":["TipsUpdated"]}` {
		t.Errorf("got %s", got)
	}
	if got := read(); !strings.HasPrefix(got, `{"type":"Error","message":"the token expires in `) {
		t.Errorf("got %s", got)
	}
	later := time.Now().Add(2 * time.Second).Truncate(time.Second)
	refresh := fmt.Sprintf(`{"type":"Refresh","token":%q}`, token(t, jwt.MapClaims{"sub": "a", "exp": later.Unix()}))
	if err := conn.WriteMessage(websocket.TextMessage, []byte(refresh)); err != nil {
		t.Fatal(err)
	}
	if got, want := read(), fmt.Sprintf(`{"type":"Refreshed","expires":%q}`, later.UTC().Format(time.RFC3339)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for {
		if _, _, err = conn.ReadMessage(); err != nil {
			break
		}
	}
	if !websocket.IsCloseError(err, 4401) || time.Now().Before(later) {
		t.Errorf("the stream ended at %v with %v, want 4401 at %v", time.Now(), err, later)
	}
}

// safeBuffer is a log that several goroutines write.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// No token, and no part of one, gets into the log at its most talkative, into an
// answer or into a metric, however it failed.
func TestTokensStaySecret(t *testing.T) {
	var log safeBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := startLoggedFront(t, overTCP, logger, withJWT, func(c *config.Config) { c.API.MaxHeaderSize = 4 << 10 })
	// Each part is of letters that nothing else is made of.
	claims := func(more jwt.MapClaims) jwt.MapClaims {
		more["sub"] = "QZXJ-subject-QZXJ"
		return more
	}
	good := token(t, claims(jwt.MapClaims{"events": []string{"TipsUpdated"}}))
	parts := strings.Split(good, ".")
	secrets := []string{
		good, token(t, claims(jwt.MapClaims{"exp": 1})), token(t, claims(jwt.MapClaims{"nbf": 99999999999})),
		token(t, claims(jwt.MapClaims{"aud": "QZXJ"})), token(t, claims(jwt.MapClaims{"events": []string{"QZXJ"}})),
		token(t, claims(jwt.MapClaims{"priority": "QZXJ"})), "QZXJ.QZXJ.QZXJ", "QZXJQZXJ", parts[0] + ".QZXJ!." + parts[2],
		parts[0] + "." + parts[1] + ".QZXJQZXJ", "eyJhbGciOiJRWlhKIn0." + parts[1] + ".", good + strings.Repeat("QZXJ", 1<<9), good + strings.Repeat("QZXJ", 1<<11),
	}
	clean := func(where, text string) {
		t.Helper()
		needles := []string{"QZXJ", jwtSecret, "UVpYSi", "eyJ"}
		for _, secret := range secrets {
			for part := range strings.SplitSeq(secret, ".") {
				if len(part) > 12 {
					needles = append(needles, part, part[len(part)-12:])
				}
			}
		}
		for _, needle := range needles {
			if strings.Contains(text, needle) {
				t.Fatalf("%q is in %s:\n%.2000s", needle, where, text)
			}
		}
	}
	answer := func(request string) {
		t.Helper()
		c := f.dial(t)
		defer c.Close()
		c.send(request)
		if res, err := http.ReadResponse(c.in, nil); err == nil {
			var b bytes.Buffer
			if err := res.Write(&b); res.StatusCode >= 400 && err != nil {
				t.Fatal(err)
			}
			if res.StatusCode >= 400 {
				clean("an answer", b.String())
			}
		}
	}
	for _, secret := range secrets {
		for _, way := range entrances {
			for _, place := range []struct{ query, headers string }{
				{"token=" + secret, ""}, {"events=Nope&token=" + secret, ""}, {"events=all&token=" + secret, ""}, {"token=" + secret + "&token=QZXJ", ""},
				{"", "Authorization: Bearer " + secret + "\r\n"}, {"", "Sec-WebSocket-Protocol: adic.v1, adic.token." + secret + "\r\n"},
			} {
				end := way.headers
				if way.status == http.StatusOK {
					end = "Connection: close\r\n"
				}
				if way.name == "SSE" {
					continue // as polling, up to where the stream begins
				}
				answer("GET " + way.path + "?" + place.query + " HTTP/1.1\r\nHost: x\r\n" + end + place.headers + "\r\n")
			}
		}
		// What is no HTTP.
		answer("GET /v1/events?token=" + secret + "\r\n\r\n")
		answer("GET /v1/events?token=" + secret + " HTTP/9.9\r\nHost: x\r\n\r\n")
		answer("GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization Bearer " + secret + "\r\n\r\n")
		answer("GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + secret + "\r\nContent-Length: " + secret + "\r\n\r\n")
		answer("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + secret + "\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n")
		answer("GET http://[" + secret + " HTTP/1.1\r\nHost: x\r\n\r\n")
	}

	dialer := websocket.Dialer{Subprotocols: []string{"adic.v1", "adic.token." + good}}
	for _, last := range secrets { // each ends a connection, at the latest by what follows it
		conn, _, err := dialer.Dial("ws://"+f.addr+"/v1/ws/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{fmt.Sprintf(`{"type":"Refresh","token":%q}`, last), `{"type":"Refresh","token":["` + last + `"]}`, `{"type":"Refresh","token":"` + last, "\xff" + last} {
			if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
				break
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for {
			_, text, err := conn.ReadMessage()
			if err != nil {
				clean("a close frame", err.Error())
				break
			}
			clean("a message", string(text))
		}
		conn.Close()
	}
	_, page := f.get(t, "/metrics")
	clean("the metrics", page)
	f.drain(t)
	clean("the log", log.String())
	if !strings.Contains(log.String(), "level=DEBUG") {
		t.Error("nothing was logged: the test shows nothing")
	}
}
