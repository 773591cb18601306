package server

import (
	"bytes"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// ways in which a client goes away without a word of WebSocket or HTTP.
var ways = []struct {
	name  string
	leave func(t *testing.T, c *rawClient)
}{
	{"close", func(t *testing.T, c *rawClient) {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}},
	{"end of its side", func(t *testing.T, c *rawClient) { // FIN, with the socket still open
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.expectEnd()
	}},
	{"reset", func(t *testing.T, c *rawClient) {
		if err := c.tcp.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		if err := c.tcp.Close(); err != nil {
			t.Fatal(err)
		}
	}},
}

// A client that goes away is noticed at once. Nothing is written here that could
// fail: there are no events, and heartbeats and pings are an hour apart.
func TestLeaving(t *testing.T) {
	streams := []struct {
		name, metric string
		open         func(t *testing.T, f *front) *rawClient
	}{
		{"websocket", "adic_websocket_connections", func(t *testing.T, f *front) *rawClient {
			c, _ := f.open(t)
			return c
		}},
		{"sse", "adic_sse_connections", func(t *testing.T, f *front) *rawClient { return f.openSSE(t) }},
	}
	for _, over := range []carrier{overTCP, overTLS} {
		f := startFront(t, over, func(c *config.Config) {
			c.Stream.HeartbeatInterval, c.Stream.PingInterval, c.Stream.StallTimeout = time.Hour, time.Hour, time.Hour
		})
		for _, stream := range streams {
			for _, way := range ways {
				t.Run(over.name+"/"+stream.name+"/"+way.name, func(t *testing.T) {
					stays, leaves := stream.open(t, f), stream.open(t, f)
					if got := f.metric(t, stream.metric); got != "2" {
						t.Fatalf("%s is %s, want 2", stream.metric, got)
					}
					way.leave(t, leaves)
					eventually(t, "the client is noticed to be gone", func() bool { return f.metric(t, stream.metric) == "1" })
					way.leave(t, stays)
					eventually(t, "all are gone", func() bool { return f.metric(t, stream.metric) == "0" })
				})
			}
		}
	}
}

// openSSE opens an event stream and takes its beginning off.
func (f *front) openSSE(t *testing.T) *rawClient {
	t.Helper()
	c := f.dial(t)
	c.send("GET /v1/sse/events HTTP/1.1\r\nHost: " + f.addr + "\r\n\r\n")
	c.readTo("\r\n\r\n")
	c.readTo("retry: ")
	c.readTo("\n\n")
	return c
}

// readTo reads up to the end of a text.
func (c *rawClient) readTo(end string) {
	c.t.Helper()
	for got := []byte(nil); !bytes.HasSuffix(got, []byte(end)); {
		b, err := c.in.ReadByte()
		if err != nil {
			c.t.Fatalf("the stream ended before %q: %v", end, err)
		}
		got = append(got, b)
	}
}
