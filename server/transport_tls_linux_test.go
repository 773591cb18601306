package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/adic-network/router/actors"
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
		event := bytes.Repeat([]byte("event "), 100)
		var sent []byte
		for n := 1; n > 0; {
			var err error
			if n, err = tr.Write(event); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, event[:n]...)
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
		event := make([]byte, 200)
		got := testing.AllocsPerRun(20, func() { // as many as the socket takes
			if n, err := tr.Write(event); n != len(event) || err != nil {
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
