package client

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

// Whatever happens to connections and transports: every event comes at most once, in
// the order of its class, and what does not come is told, exactly.
func TestNothingIsLostUnsaid(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := startNode(t, func(cfg *config.Config) {
			cfg.Events.HighPriorityBuffer, cfg.Events.MediumPriorityBuffer, cfg.Events.LowPriorityBuffer = 20, 10, 5
		})
		defer n.stop()
		c, err := open(n.url(), Options{Buffer: 8}, hurry)
		if err != nil {
			rt.Fatal(err)
		}
		defer c.Close()
		eventually(t, "connected", func() bool { return c.State().Status == Connected })
		names := []string{"TipsUpdated", "KCoreUpdated", "AdmissibilityUpdated"} // a class each
		var sent, got, lost [event.NumPriorities]int
		last := [event.NumPriorities]int{}
		read := func(until func() bool) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for e, err := range c.Events(ctx) {
				var gap *Gap
				switch {
				case errors.As(err, &gap):
					for p := range lost {
						lost[p] += int(gap.Dropped.Counts[p])
						if gap.Dropped.Unknown[p] {
							rt.Fatalf("a loss of unknown size")
						}
					}
				case err != nil:
					rt.Fatalf("%v; sent %v, got %v, lost %v; %+v", err, sent, got, lost, c.State())
				default:
					p := priorityOf(e)
					var number int
					if _, err := fmt.Sscanf(short(e), e.Type+" %d", &number); err != nil {
						rt.Fatal(err)
					}
					if number <= last[p] {
						rt.Fatalf("%s came after %d", short(e), last[p])
					}
					last[p] = number
					got[p]++
				}
				if until() {
					return
				}
			}
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"publish", "publish", "publish", "cut", "bar", "unbar", "websocket", "sse", "read"}).Draw(rt, "step") {
			case "publish":
				p := rapid.IntRange(0, 2).Draw(rt, "class")
				count := rapid.IntRange(1, 15).Draw(rt, "events")
				n.publish(names[p], count)
				sent[p] += count
			case "cut":
				n.gate.cut()
			case "bar":
				n.gate.bar(true)
			case "unbar":
				n.gate.bar(false)
			case "websocket":
				n.Change(func(cfg *config.Config) { cfg.API.EnableWebSocket = !cfg.API.EnableWebSocket })
			case "sse":
				n.Change(func(cfg *config.Config) { cfg.API.EnableSSE = !cfg.API.EnableSSE })
			case "read":
				if sum(got)+sum(lost) < sum(sent) {
					n.gate.bar(false)
					read(func() bool { return true })
				}
			}
		}
		n.gate.bar(false)
		n.publish(names[0], 1) // before which all losses are told
		sent[0]++
		last0 := n.n
		read(func() bool { return last[0] == last0 })
		for got[1]+lost[1] < sent[1] || got[2]+lost[2] < sent[2] {
			read(func() bool { return true })
		}
		for p := range sent {
			if got[p]+lost[p] != sent[p] {
				rt.Fatalf("sent %v, got %v, lost %v", sent, got, lost)
			}
		}
	})
}

func sum(counts [event.NumPriorities]int) int { return counts[0] + counts[1] + counts[2] }
