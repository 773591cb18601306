package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/actors"
	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Bytes that a full socket did not take are sent when the connection is closed, and
// when it is read from.
func TestTLSKeepsAtMostARecord(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		secure, ok := tr.(*secureSocket)
		if !ok {
			return
		}
		s := newSignals()
		if err := tr.Attach(s); err != nil {
			t.Fatal(err)
		}
		record := bytes.Repeat([]byte("event "), 100)
		var sent []byte
		for n := 1; n > 0; {
			var err error
			if n, err = tr.Write(record); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, record[:n]...)
			if held := len(secure.wire.rest); held > maxRecord+1024 {
				t.Fatalf("%d bytes are held back, more than a record", held)
			}
		}
		if len(secure.wire.rest) == 0 {
			t.Fatal("nothing is held back of a full socket")
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(client)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("client read %d bytes and %v, want the %d that were taken and a proper end", len(got), err, len(sent))
		}
		if err := tr.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
	})
}

// A client can have the server's TLS answer it (RFC 8446 §4.6.3), and not read the
// answers.
func TestTLSBoundsItsAnswers(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		secure, ok := tr.(*secureSocket)
		if !ok {
			return
		}
		if err := tr.Attach(newSignals()); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1000)
		for range 10_000 {
			if _, err := secure.wire.Write(answer); errors.Is(err, errFlooded) {
				if held := len(secure.wire.rest); held > maxRest || held < maxRest/2 {
					t.Errorf("%d bytes are held when it is too much", held)
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
		t.Error("there is no end to it")
	})
}

// To write an event through TLS allocates nothing either.
func TestTLSWritesWithoutAllocating(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr actors.Transport, client duplex) {
		if _, ok := tr.(*secureSocket); !ok {
			return
		}
		if err := tr.Attach(newSignals()); err != nil {
			t.Fatal(err)
		}
		record := make([]byte, 200)
		got := testing.AllocsPerRun(20, func() { // as many as the socket takes
			if n, err := tr.Write(record); n != len(record) || err != nil {
				t.Fatal(n, err)
			}
		})
		most := 0.0
		if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
			most = 3 // then pools forget what was put back, now and then
		}
		if got > most {
			t.Errorf("%v allocations an event", got)
		}
	})
}

// A client that reads late gets whole messages, in order, and is told exactly what it
// missed: nothing is lost between a socket that is full and the record that was cut.
func TestTLSClientThatReadsLate(t *testing.T) {
	t.Parallel()
	const events, batch = 5000, 100
	f := startFront(t, overTLS, func(c *config.Config) {
		c.Stream.SendBuffer = 8 << 10
		c.Events.PendingEvents = events // while the client is waited for
	})
	c := f.dial(t)
	if err := c.tcp.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	c.send(handshake(f.addr, websocketPath))
	c.expectUpgrade()
	for n := 0; n < events; n += batch {
		var body strings.Builder
		for i := range batch {
			fmt.Fprintf(&body, `{"type":"MessageAdded","message_id":"ab12","depth":%d}`+"\n", n+i)
		}
		f.publish(t, body.String())
	}
	eventually(t, "the router goes on without it", func() bool {
		st := f.router.Status()
		return st.Lagging == 1 && st.Pending[event.High] == 0
	})
	if err := c.tcp.SetReadBuffer(1 << 20); err != nil { // from now on it is quick
		t.Fatal(err)
	}
	next, missed := 0, 0
	for next < events {
		var m struct {
			Type    string
			Event   struct{ Depth int }
			Dropped struct{ High int }
		}
		if got := c.receive(); got.opcode != text {
			continue // a ping
		} else if err := json.Unmarshal(got.payload, &m); err != nil {
			t.Fatalf("%s: %v", got.payload, err)
		}
		switch m.Type {
		case "Lagged":
			next += m.Dropped.High
			missed += m.Dropped.High
		case "Event":
			if m.Event.Depth != next {
				t.Fatalf("event %d came, want %d after %d that were missed", m.Event.Depth, next, missed)
			}
			next++
		}
	}
	if missed == 0 {
		t.Error("nothing was missed")
	}
}
