package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/access"
	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
)

// heldRequests begin what counts as a connection: streams of each kind, and a poll
// that waits.
var heldRequests = []struct{ name, request string }{
	{"WebSocket", streamRequests[0].request},
	{"WebSocket on /", streamRequests[1].request},
	{"SSE", streamRequests[2].request},
	{"long poll", "GET /v1/events?wait=60 HTTP/1.1\r\nHost: router\r\n\r\n"},
}

// inside is how many connections the limits know of.
func (f *front) inside() (ofAddresses, ofUsers int) {
	f.admission.mu.Lock()
	defer f.admission.mu.Unlock()
	for _, a := range f.admission.addresses.of {
		ofAddresses += a.connections
	}
	for _, n := range f.admission.users {
		ofUsers += n
	}
	return ofAddresses, ofUsers
}

// awaitInside waits until the limits know of n connections of addresses.
func (f *front) awaitInside(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d are inside", n), func() bool {
		is, _ := f.inside()
		return is == n
	})
}

// also serves the same router on another address.
func (f *front) also(t *testing.T, address string) *front {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	other := &front{Server: f.Server, addr: ln.Addr().String(), over: f.over}
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(f.over.listen(t, ln)) }()
	t.Cleanup(func() {
		f.drain(t)
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return other
}

// stopClock has no time pass for the limits, so that a slow machine gets no tokens.
func (f *front) stopClock() {
	f.admission.mu.Lock()
	defer f.admission.mu.Unlock()
	f.admission.clock = func() time.Duration { return time.Hour }
}

// hold begins what counts as a connection, and has to be let in.
func (f *front) hold(t *testing.T, request, from string) *rawClient {
	t.Helper()
	before, _ := f.inside()
	c := f.dialFrom(t, from)
	c.send(request)
	f.awaitInside(t, before+1)
	return c
}

func TestConnectionsPerAddress(t *testing.T) {
	for _, kind := range heldRequests {
		t.Run(kind.name, func(t *testing.T) {
			f := startFront(t, overTCP, func(c *config.Config) { c.Limits.ConnectionsPerAddress = 2 })
			six := f.also(t, "[::1]:0")
			refused := func(f *front, from string) {
				t.Helper()
				c := f.dialFrom(t, from)
				c.send(kind.request)
				res, text := c.expectError(http.StatusTooManyRequests)
				if !strings.Contains(text, "all 2") || !strings.Contains(text, "limits.connections_per_address") {
					t.Errorf("the error %q does not name the limit", text)
				}
				wantHeaders(t, res, "Retry-After: 10")
			}
			first := f.hold(t, kind.request, "127.0.0.1")
			f.hold(t, kind.request, "127.0.0.1")
			refused(f, "127.0.0.1")
			f.hold(t, kind.request, "127.0.0.2") // another address
			f.hold(t, kind.request, "127.0.0.2")
			refused(f, "127.0.0.2")
			six.hold(t, kind.request, "::1")
			six.hold(t, kind.request, "::1")
			refused(six, "::1")
			if n := f.rejections(t, "address_limit"); n != 3 {
				t.Errorf("counted %d, want 3", n)
			}

			if kind.name != "long poll" { // it ends with its answer
				first.Close()
				f.awaitInside(t, 5)
				f.hold(t, kind.request, "127.0.0.1")
			}
			refused(f, "127.0.0.1")
			f.reload(t, func(c *config.Config) { c.Limits.ConnectionsPerAddress = 3 })
			f.hold(t, kind.request, "127.0.0.1")
			f.reload(t, func(c *config.Config) { c.Limits.ConnectionsPerAddress, c.Limits.IPv4Prefix = 5, 8 })
			f.hold(t, kind.request, "127.0.0.3") // counts with those that come from now on
			f.drain(t)
			f.awaitInside(t, 0)
		})
	}
}

// All kinds of an address count together, and with a shorter prefix so do neighbours.
func TestConnectionsOfANetwork(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Limits.ConnectionsPerAddress, c.Limits.IPv4Prefix = len(heldRequests), 24
	})
	for i, kind := range heldRequests {
		f.hold(t, kind.request, fmt.Sprintf("127.0.0.%d", i+1))
	}
	for _, kind := range heldRequests {
		c := f.dialFrom(t, "127.0.0.77")
		c.send(kind.request)
		c.expectError(http.StatusTooManyRequests)
	}
	f.hold(t, heldRequests[0].request, "127.0.1.1")
}

// What never becomes a stream keeps no place.
func TestPlacesOfAddressesAreGivenBack(t *testing.T) {
	for _, over := range []carrier{overTCP, overTLS} {
		t.Run(over.name, func(t *testing.T) {
			f := startFront(t, over, func(c *config.Config) { c.Limits.ConnectionsPerAddress = 1000 })
			for _, kind := range heldRequests[:3] {
				for _, old := range []string{"Connection: Upgrade", "HTTP/1.1"} {
					c := f.dial(t)
					c.send(strings.Replace(kind.request, old, map[string]string{
						"Connection: Upgrade": "Connection: Upgrade, close", "HTTP/1.1": "HTTP/1.0",
					}[old], 1))
					c.Close()
				}
				for range 50 {
					c := f.dial(t)
					c.send(kind.request)
					if err := c.tcp.SetLinger(0); err != nil { // a reset
						t.Fatal(err)
					}
					c.tcp.Close()
				}
			}
			f.drain(t)
			f.awaitInside(t, 0)
		})
	}
}

func TestConnectionsPerUser(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Limits.ConnectionsPerUser = 2
		c.Auth.Subscribe = config.SubscribeToken
		c.Auth.Subscriber = map[string]config.Subscriber{
			"alice": {Token: access.HashToken("adic_alice"), Events: []string{"all"}, Priority: []string{"all"}},
			"bob":   {Token: access.HashToken("adic_bob"), Events: []string{"all"}, Priority: []string{"all"}},
		}
	})
	begin := func(request, user, from string) *rawClient {
		t.Helper()
		c := f.dialFrom(t, from)
		c.send(strings.Replace(request, "\r\n\r\n", "\r\nAuthorization: Bearer adic_"+user+"\r\n\r\n", 1))
		return c
	}
	awaitUsers := func(n int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d connections are of users", n), func() bool {
			_, is := f.inside()
			return is == n
		})
	}
	alice := begin(heldRequests[0].request, "alice", "127.0.0.1")
	begin(heldRequests[2].request, "alice", "127.0.0.2")
	awaitUsers(2)
	for _, kind := range heldRequests {
		res, text := begin(kind.request, "alice", "127.0.0.3").expectError(http.StatusTooManyRequests)
		if !strings.Contains(text, "limits.connections_per_user") || strings.Contains(text, "alice") {
			t.Errorf("%s: the error is %q, want the limit without the name", kind.name, text)
		}
		wantHeaders(t, res, "Retry-After: 10")
	}
	if n := f.rejections(t, "user_limit"); n != len(heldRequests) {
		t.Errorf("counted %d, want %d", n, len(heldRequests))
	}
	begin(heldRequests[0].request, "bob", "127.0.0.1")
	begin(heldRequests[3].request, "bob", "127.0.0.1")
	awaitUsers(4)
	alice.Close()
	awaitUsers(3)
	begin(heldRequests[1].request, "alice", "127.0.0.1")
	awaitUsers(4)
	f.drain(t)
	awaitUsers(0)
}

func TestHandshakeRate(t *testing.T) {
	for _, kind := range streamRequests {
		t.Run(kind.name, func(t *testing.T) {
			f := startFront(t, overTCP, func(c *config.Config) { c.Limits.HandshakesPerSecond = 1 })
			f.stopClock()
			status := func(from string) int {
				c := f.dialFrom(t, from)
				c.send(kind.request)
				res, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				return res.StatusCode
			}
			for range 2 {
				if got := status("127.0.0.1"); got >= 300 {
					t.Fatalf("status = %d, want a stream", got)
				}
			}
			c := f.dialFrom(t, "127.0.0.1")
			c.send(kind.request)
			res, text := c.expectError(http.StatusTooManyRequests)
			if !strings.Contains(text, "limits.handshakes_per_second") {
				t.Errorf("the error %q does not name the limit", text)
			}
			wantHeaders(t, res, "Retry-After: 1")
			if got := status("127.0.0.2"); got >= 300 {
				t.Errorf("another address is answered with %d", got)
			}
			if n := f.rejections(t, "handshake_rate"); n != 1 {
				t.Errorf("counted %d, want 1", n)
			}

			f.reload(t, func(c *config.Config) { c.Limits.HandshakesPerSecond, c.Limits.TotalHandshakesPerSecond = 0, 1 })
			for range 2 {
				if got := status(""); got >= 300 {
					t.Fatalf("status = %d, want a stream", got)
				}
			}
			c = f.dialFrom(t, "127.0.0.3")
			c.send(kind.request)
			res, text = c.expectError(http.StatusServiceUnavailable)
			if !strings.Contains(text, "limits.total_handshakes_per_second") {
				t.Errorf("the error %q does not name the limit", text)
			}
			wantHeaders(t, res, "Retry-After: 1")
			if n := f.rejections(t, "total_handshake_rate"); n != 1 {
				t.Errorf("counted %d, want 1", n)
			}
			f.reload(t, func(c *config.Config) { c.Limits.TotalHandshakesPerSecond = 0 })
			if got := status(""); got >= 300 {
				t.Errorf("status = %d after the limit was taken away", got)
			}
		})
	}
}

func TestRequestRate(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.Limits.RequestsPerSecond = 1 })
	f.stopClock()
	ask := func(from, method, path string) (*http.Response, string) {
		return f.dialFrom(t, from).request(f, method, path, messageAdded("a"), bearer)
	}
	ask("127.0.0.1", "GET", "/v1/events")
	if res, body := ask("127.0.0.1", "POST", "/v1/events"); res.StatusCode != http.StatusAccepted {
		t.Fatalf("publishing was answered with %d %s", res.StatusCode, body)
	}
	for _, method := range []string{"GET", "POST"} {
		res, body := ask("127.0.0.1", method, "/v1/events")
		wantError(t, res, body, http.StatusTooManyRequests, "limits.requests_per_second")
		wantHeaders(t, res, "Retry-After: 1")
	}
	if n := f.rejections(t, "request_rate"); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
	for _, path := range []string{"/health", "/metrics", "/v1/events/types", "/"} {
		if res, _ := ask("127.0.0.1", "GET", path); res.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d", path, res.StatusCode)
		}
	}
	if res, _ := ask("127.0.0.2", "GET", "/v1/events"); res.StatusCode != http.StatusOK {
		t.Errorf("another address is answered with %d", res.StatusCode)
	}
}

// The address of a client behind a trusted proxy is its own, in the limits and for
// operators; that of anybody else is what the kernel says.
func TestTrustedProxies(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) {
		c.Limits.ConnectionsPerAddress = 1
		c.API.TrustedProxies = []string{"127.0.0.1", "127.0.0.128/25"}
	})
	through := func(from, request, forwardedFor string) *rawClient {
		c := f.dialFrom(t, from)
		c.send(strings.Replace(request, "\r\n\r\n", "\r\nX-Forwarded-For: "+forwardedFor+"\r\n\r\n", 1))
		return c
	}
	addresses := func() map[string]int {
		found, _, err := f.router.Connections(context.Background(), actors.ByAge, 100)
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]int{}
		for _, c := range found {
			host, _, err := net.SplitHostPort(c.Address)
			if err != nil { // the port of a client behind a proxy is not known
				host = c.Address
			}
			of[host]++
		}
		return of
	}
	ws, sse := streamRequests[0].request, streamRequests[2].request
	through("127.0.0.1", ws, "198.51.100.7")
	f.awaitInside(t, 1)
	through("127.0.0.1", sse, "203.0.113.9, 198.51.100.8, 127.0.0.200")
	f.awaitInside(t, 2)
	through("127.0.0.1", ws, "198.51.100.7").expectError(http.StatusTooManyRequests)
	through("127.0.0.1", sse, "198.51.100.99, 198.51.100.8").expectError(http.StatusTooManyRequests) // made up
	through("127.0.0.2", ws, "198.51.100.9")                                                         // nobody trusts it
	f.awaitInside(t, 3)
	through("127.0.0.2", ws, "198.51.100.10").expectError(http.StatusTooManyRequests)
	through("127.0.0.1", ws, "unknown") // counts for the proxy itself
	f.awaitInside(t, 4)

	want := map[string]int{"198.51.100.7": 1, "198.51.100.8": 1, "127.0.0.2": 1, "127.0.0.1": 1}
	eventually(t, fmt.Sprintf("operators see %v", want), func() bool {
		return fmt.Sprint(addresses()) == fmt.Sprint(want)
	})

	f.reload(t, func(c *config.Config) { c.API.TrustedProxies = nil })
	through("127.0.0.1", ws, "198.51.100.11").expectError(http.StatusTooManyRequests)
}

// A subscription has no more names than limits.max_subscription.
func TestSubscriptionSize(t *testing.T) {
	f := startFront(t, overTCP, func(c *config.Config) { c.Limits.MaxSubscription = 3 })
	for _, path := range []string{"/v1/events", "/v1/sse/events"} {
		res, body := f.request(t, "HEAD", path+"?events=TipsUpdated,TipsUpdated,vrf.*", "")
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: 3 names are answered with %d %s", path, res.StatusCode, body)
		}
		res, body = f.request(t, "GET", path+"?events=TipsUpdated,TipsUpdated,vrf.*,&format=xml", "")
		wantError(t, res, body, http.StatusBadRequest, "too many names: 4, at most 3", "limits.max_subscription", "format")
	}
	c := f.dial(t)
	c.send(handshake(f.addr, websocketPath+"?events=a,b,c,d"))
	c.expectError(http.StatusBadRequest)
	ws, _ := f.open(t)
	for _, verb := range []string{"Subscribe", "Unsubscribe"} {
		ws.send(masked(fin|text, `{"type":"`+verb+`","events":["TipsUpdated","vrf.*","TipsUpdated","TipsUpdated"]}`))
		ws.send(masked(fin|text, `{"type":"`+verb+`","events":["TipsUpdated","TipsUpdated","TipsUpdated"]}`))
		ws.expect("Error", verb+"d")
	}
	ws.leave()
	if n := f.rejections(t, "subscription_too_large"); n != 5 {
		t.Errorf("counted %d, want 5", n)
	}
}

// A publisher that does not send its body is answered and let go after body_timeout,
// which is for the whole of it.
func TestSlowBody(t *testing.T) {
	const timeout = 200 * time.Millisecond
	f := startFront(t, overTCP, func(c *config.Config) { c.API.HeaderTimeout, c.API.BodyTimeout = time.Hour, timeout })
	head := fmt.Sprintf("POST /v1/events HTTP/1.1\r\nHost: %s\r\n%s\r\n", f.addr, bearer)
	for name, sent := range map[string]string{
		"nothing of it":         head + "Content-Length: 9\r\n\r\n",
		"half of it":            head + "Content-Length: 9\r\n\r\n[  ",
		"half a chunk":          head + "Transfer-Encoding: chunked\r\n\r\n9\r\n[  ",
		"no last chunk":         head + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
		"asked for, never sent": head + "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := f.rejections(t, "request_timeout")
			c := f.dial(t)
			c.send(sent)
			if strings.Contains(name, "asked for") {
				if line, err := c.in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
					t.Fatalf("got %q, %v", line, err)
				}
				if _, err := c.in.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if _, text := c.expectError(http.StatusRequestTimeout); !strings.Contains(text, "api.body_timeout") {
				t.Errorf("the error %q does not name the limit", text)
			}
			c.expectEnd()
			if n := f.rejections(t, "request_timeout"); n != before+1 {
				t.Errorf("counted %d, want one", n-before)
			}
		})
	}
	t.Run("a letter at a time", func(t *testing.T) {
		c := f.dial(t)
		c.send(head + "Content-Length: 1000\r\n\r\n")
		slow := time.NewTicker(timeout / 20)
		defer slow.Stop()
		for range 30 {
			<-slow.C
			c.send(" ") // is told at the end that it was over before
		}
		c.expectError(http.StatusRequestTimeout)
	})
}
