package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/config"
)

// A follower is a WebSocket of another implementation, of which a test reads one
// message after the other.
type follower struct {
	*websocket.Conn
	t *testing.T
}

// follow opens one with a token, if it is not empty.
func (f *front) follow(t *testing.T, token string) *follower {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+f.addr+"/v1/ws/events?token="+token, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	w := &follower{conn, t}
	w.expect(`{"type":"Subscribed"`)
	return w
}

// expect reads a message, which has to begin as told.
func (w *follower) expect(beginning string) {
	w.t.Helper()
	if _, text, err := w.ReadMessage(); err != nil || !strings.HasPrefix(string(text), beginning) {
		w.t.Fatalf("%s, %v came, want %s", text, err, beginning)
	}
}

func (w *follower) refresh(token string) {
	w.t.Helper()
	if err := w.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"Refresh","token":%q}`, token)); err != nil {
		w.t.Fatal(err)
	}
}

// Who may subscribe can change while the router runs. It counts for new streams,
// and for the next token of those that run.
func TestWhoMaySubscribeIsReloaded(t *testing.T) {
	const otherSecret = "another secret, of thirty-two characters or more"
	alice := jwt.MapClaims{"sub": "alice"}
	old := token(t, alice)
	next, err := jwt.NewWithClaims(jwt.SigningMethodHS256, alice).SignedString([]byte(otherSecret))
	if err != nil {
		t.Fatal(err)
	}
	f := startFront(t, overTCP)
	change := func(with func(a *config.Auth)) error {
		cfg := *f.config.Load()
		cfg.Auth.Subscribe, cfg.Auth.JWTSecret, cfg.Auth.Subscriber = config.SubscribeOpen, "", nil
		with(&cfg.Auth)
		return f.Reload(cfg)
	}
	wantStatus := func(when string, want map[string]int) {
		t.Helper()
		for token, status := range want {
			if res, _ := f.get(t, "/v1/events?token="+token); res.StatusCode != status {
				t.Errorf("%s: %d for %q, want %d", when, res.StatusCode, token, status)
			}
		}
	}

	anyone := f.follow(t, "")
	wantStatus("open", map[string]int{"": 200, "x": 200, old: 200})

	withSecret := func(secret string) func(a *config.Auth) {
		return func(a *config.Auth) { a.Subscribe, a.JWTSecret = config.SubscribeJWT, secret }
	}
	if err := change(withSecret(jwtSecret)); err != nil {
		t.Fatal(err)
	}
	wantStatus("jwt", map[string]int{"": 401, "x": 401, old: 200, next: 401})
	stream := f.follow(t, old)

	if err := change(withSecret(otherSecret)); err != nil {
		t.Fatal(err)
	}
	wantStatus("another key", map[string]int{"": 401, old: 401, next: 200})
	stream.refresh(old)
	stream.expect(`{"type":"Error","message":"the signature of the token is not valid; the one before is still in force"}`)
	stream.refresh(next)
	stream.expect(`{"type":"Refreshed"}`)

	for name, unusable := range map[string]func(a *config.Auth){
		"no key":       func(a *config.Auth) { a.Subscribe = config.SubscribeJWT },
		"no such file": func(a *config.Auth) { a.Subscribe, a.JWTKeyFile = config.SubscribeJWT, "/nowhere/key.pem" },
		"no event type": func(a *config.Auth) {
			a.Subscriber = map[string]config.Subscriber{"x": {Token: access.HashToken("x"), Events: []string{"Nope"}}}
		},
	} {
		if err := change(unusable); err == nil {
			t.Errorf("%s: no error", name)
		}
		wantStatus(name, map[string]int{"": 401, old: 401, next: 200})
	}

	if err := change(func(a *config.Auth) {
		a.Subscribe = config.SubscribeToken
		a.Subscriber = map[string]config.Subscriber{"alice": {Token: access.HashToken("adic_alice"), Events: []string{"MessageAdded"}}}
	}); err != nil {
		t.Fatal(err)
	}
	wantStatus("token", map[string]int{"": 401, old: 401, next: 401, "adic_alice": 200})
	stream.refresh("adic_alice") // the same subject
	stream.expect(`{"type":"Refreshed"}`)
	stream.expect(`{"type":"Unsubscribed","events":["MessageAdded"]}`)

	if err := change(func(*config.Auth) {}); err != nil {
		t.Fatal(err)
	}
	wantStatus("open again", map[string]int{"": 200, "x": 200})
	stream.refresh("adic_alice")
	stream.expect(`{"type":"Error","message":"anyone may subscribe now: connect again, without a token; the one before is still in force"}`)

	f.publish(t, `{"type":"MessageAdded","message_id":"1","depth":1}`)
	stream.expect(`{"type":"Event"`)
	anyone.expect(`{"type":"Event"`) // through all of that
	if got := f.ask(t, "/v1/sse/events", "").StatusCode; got != http.StatusOK {
		t.Errorf("SSE is answered with %d", got)
	}
}
