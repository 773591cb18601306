package server

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// Handshakes that are right, in the ways that RFC 6455 §4.1 and RFC 9110 leave
// open.
func TestHandshake(t *testing.T) {
	f := startFront(t, overTCP)
	for name, change := range map[string]*strings.Replacer{
		"as in the RFC":         strings.NewReplacer(),
		"header names in small": strings.NewReplacer("Upgrade: ", "upgrade: ", "Connection: ", "connection: ", "Sec-WebSocket-", "sec-websocket-", "Host", "host"),
		"values in capitals":    strings.NewReplacer("Upgrade: websocket", "Upgrade: WEBSOCKET", "Connection: Upgrade", "Connection: UPGRADE"),
		"no space":              strings.NewReplacer(": ", ":"),
		"more tokens":           strings.NewReplacer("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
		"an absolute target":    strings.NewReplacer("GET /", "GET http://"+f.addr+"/"),
		"an empty query":        strings.NewReplacer(websocketPath, websocketPath+"?"),
		"on /":                  strings.NewReplacer(websocketPath, "/"),
		"on / with a query":     strings.NewReplacer(websocketPath, "/?heartbeat=false"),
	} {
		t.Run(name, func(t *testing.T) {
			c := f.dial(t)
			c.send(change.Replace(handshake(f.addr, websocketPath)))
			res := c.expectUpgrade()
			for header, want := range map[string]string{
				"Upgrade":                "websocket",
				"Connection":             "Upgrade",
				"Sec-Websocket-Accept":   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", // §1.3
				"Sec-Websocket-Protocol": "",
				"Content-Length":         "",
			} {
				if got := res.Header.Get(header); !strings.EqualFold(got, want) || header == "Sec-Websocket-Accept" && got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
			c.leave()
		})
	}
}

// A handshake that does not come to its end is answered and let go after
// header_timeout, which is for the whole of it.
func TestSlowHandshake(t *testing.T) {
	const timeout = 100 * time.Millisecond
	f := startFront(t, overTCP, func(c *config.Config) { c.API.HeaderTimeout = timeout })
	whole := handshake(f.addr, websocketPath)
	for name, sent := range map[string]string{"a letter": "G", "all but the last byte": whole[:len(whole)-1]} {
		t.Run(name, func(t *testing.T) {
			c := f.dial(t)
			c.send(sent)
			c.expectError(http.StatusRequestTimeout)
			c.expectEnd()
		})
	}
	t.Run("a letter at a time", func(t *testing.T) {
		c := f.dial(t)
		slow := time.NewTicker(timeout / 20)
		defer slow.Stop()
		for _, b := range []byte(whole) {
			<-slow.C
			c.send(string([]byte{b})) // is told at the end that it was over before
		}
		c.expectError(http.StatusRequestTimeout)
	})
	t.Run("nothing, over TLS", func(t *testing.T) {
		f := startFront(t, overTLS, func(c *config.Config) { c.API.HeaderTimeout = timeout })
		c := f.dial(t)
		c.duplex = c.tcp // not even a ClientHello
		c.in.Reset(c.tcp)
		c.expectEnd()
	})
}

// header_timeout is for requests, not for the time between them.
func TestIdleKeepAlive(t *testing.T) {
	const timeout = 100 * time.Millisecond
	f := startFront(t, overTCP, func(c *config.Config) { c.API.HeaderTimeout = timeout })
	c := f.dial(t)
	for range 3 {
		c.send("GET /health/live HTTP/1.1\r\nHost: " + f.addr + "\r\n\r\n")
		if res, _ := c.response(); res.StatusCode != http.StatusOK || res.Close {
			t.Fatalf("answered with %s, close %v", res.Status, res.Close)
		}
		if err := c.SetReadDeadline(time.Now().Add(3 * timeout)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.in.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("an idle connection ended: %v", err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	c.send(handshake(f.addr, websocketPath)) // the same connection may become a stream
	c.expectUpgrade()
	c.leave()
}

// Clients that keep a connection and ask for nothing do not make a shutdown fail,
// nor those that have never asked for anything.
func TestShutdownWithIdleConnections(t *testing.T) {
	t.Parallel()
	for _, over := range []carrier{overTCP, overTLS} {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			f := startFront(t, over)
			idle := f.dial(t)
			idle.send("GET /health/live HTTP/1.1\r\nHost: " + f.addr + "\r\n\r\n")
			idle.response()
			half := f.dial(t)
			half.send("GET / HT")
			silent := f.dial(t)
			if c, ok := silent.duplex.(*tls.Conn); ok {
				if err := c.Handshake(); err != nil {
					t.Fatal(err)
				}
			}
			f.drain(t)
			idle.expectEnd()
		})
	}
}
