package server

import (
	"strings"
	"testing"
	"time"

	"github.com/adic-network/router/config"
)

// At a rate of 1 a second 2 messages are taken at once. Two more than that leave a
// slow machine two seconds.
func TestConductRate(t *testing.T) {
	message := masked(fin|text, pingMessage)
	f := startFront(t, overTCP, func(c *config.Config) { c.Stream.ClientMessageRate = 1 })
	for _, k := range []conduct{
		{"twice the rate", strings.Repeat(message, 2), []string{"Pong", "Pong"}},
		{"more", strings.Repeat(message, 4), []string{"Pong", "Pong", "close 1008"}},
		{"more that nobody understands", strings.Repeat(masked(fin|text, "x"), 4), []string{"Error", "Error", "close 1008"}},
		{"control frames do not count", strings.Repeat(masked(fin|pong, ""), 20) + strings.Repeat(message, 2) + masked(fin|ping, "x"),
			[]string{"Pong", "Pong", "pong x"}},
		{"fragments do not count", strings.Repeat(masked(text, "")+strings.Repeat(masked(continuation, ""), 9)+masked(fin|continuation, pingMessage), 2),
			[]string{"Pong", "Pong"}},
	} {
		k.run(t, f)
	}
}

func TestConductMaxMessageSize(t *testing.T) {
	const limit = 70_000 // needs eight bytes
	f := startFront(t, overTCP, func(c *config.Config) { c.Stream.MaxMessageSize = limit })
	for _, k := range []conduct{
		{"the largest message", masked(fin|text, pingMessage+strings.Repeat(" ", limit-len(pingMessage))), []string{"Pong"}},
		{"a byte more", string(header(fin|text, limit+1)), []string{"close 1009"}},
	} {
		k.run(t, f)
	}
}

// A client that sends half a frame, and then nothing, is pinged, and closed when
// it has answered nothing for two intervals. One that answers stays.
func TestConductSilence(t *testing.T) {
	t.Parallel()
	for _, over := range []carrier{overTCP, overTLS} {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			f := startFront(t, over, func(c *config.Config) { c.Stream.PingInterval = time.Second })
			lively, _ := f.open(t)
			began := time.Now()
			silent, _ := f.open(t)
			half := masked(fin|text, pingMessage)
			silent.send(half[:len(half)/2])

			for range 4 { // which the other has no time for
				lively.expect("ping")
				lively.send(masked(fin|pong, ""))
			}
			got := silent.receive().String()
			for got == "ping" {
				got = silent.receive().String()
			}
			if got != "close 4408" {
				t.Errorf("received %q, want close 4408", got)
			}
			if after := time.Since(began); after < 2*time.Second {
				t.Errorf("closed after %v, want two intervals", after)
			}
			silent.expectEnd()
			lively.leave()
		})
	}
}
