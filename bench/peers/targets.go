package main

import (
	"fmt"
	"slices"
	"strings"
)

// target is what the router has to reach, in figures of the same series of runs.
type target struct {
	figure, want string
	// check returns what was measured and whether it is enough. Without a
	// measurement it returns "".
	check func(*results) (measured string, met bool)
}

// targets are what the router has to reach.
var targets = []target{
	{"memory of an idle connection, WebSocket", "2.5 KB at most, from 5,000 to 19,900", func(r *results) (string, bool) {
		return r.memories("5000", "10000", "idle-19900")
	}},
	{"memory of an idle connection, SSE", "2.5 KB at most, from 5,000 to 19,900", func(r *results) (string, bool) {
		return r.memories("idle-sse-5000", "idle-sse-10000", "idle-sse-19900")
	}},
	{"CPU of a delivery, 100 events/s to 1,000", "1.15 times the floor at most", func(r *results) (string, bool) { return r.toFloor("1000", 1.15) }},
	{"the same, in windows of 5 ms", "1.2 times the floor at most", func(r *results) (string, bool) { return r.toFloor("window-5ms", 1.2) }},
	{"the same, of 20 ms", "1.2 times the floor at most", func(r *results) (string, bool) { return r.toFloor("window-20ms", 1.2) }},
	{"the same, of 50 ms", "1.2 times the floor at most", func(r *results) (string, bool) { return r.toFloor("window-50ms", 1.2) }},
	{"deliveries a CPU second, 2,000 events to 1,000", "0.7 of the floor, 6 times the best peer, nothing lost", func(r *results) (string, bool) { return r.inBurst("burst-1000", 6) }},
	{"deliveries a CPU second, 500 events to 5,000", "0.7 of the floor, 15 times the best peer, nothing lost", func(r *results) (string, bool) { return r.inBurst("burst-5000", 15) }},
	{"p99, 100 events/s to 1,000", "better than every peer", func(r *results) (string, bool) { return r.bestLatency("1000") }},
	{"p99, 100 events/s to 5,000", "better than every peer", func(r *results) (string, bool) { return r.bestLatency("5000") }},
	{"p99, 100 events/s to 10,000", "better than every peer", func(r *results) (string, bool) { return r.bestLatency("10000") }},
	{"p99, 10 events/s to 15,000", "twice the floor's round at most", func(r *results) (string, bool) {
		mine, ok1 := r.of("15000", router, p99)
		floor, ok2 := r.of("15000", "floor", p99)
		if !ok1 || !ok2 {
			return "", false
		}
		return fmt.Sprintf("%.0f ms; the floor's p99 is %.0f ms", mine.median, floor.median), mine.median <= 2*floor.median
	}},
	{"p99 of the others, with 10 % that do not read", "1.1 times that without at most, nobody cut off", func(r *results) (string, bool) {
		with, ok1 := r.of("stalled", router, p99)
		without, ok2 := r.of("1000", router, p99)
		off, _ := r.of("stalled", router, cutOff)
		if !ok1 || !ok2 {
			return "", false
		}
		return fmt.Sprintf("%.1f ms with, %.1f ms without, %.0f cut off", with.median, without.median, off.most),
			with.median <= 1.1*without.median && off.most == 0
	}},
	{"memory, 20 of 200 clients not reading 8 MB", "no growth but that with all reading, nobody cut off or silenced", func(r *results) (string, bool) {
		with, ok1 := r.of("memory", router, growth)
		without, ok2 := r.of("memory-read", router, growth)
		off, _ := r.of("memory", router, cutOff)
		silent, _ := r.of("memory", router, behind)
		if !ok1 || !ok2 {
			return "", false
		}
		// The heap of a garbage collector is not the same twice to the megabyte.
		return fmt.Sprintf("%.0f MB, %.0f MB with all reading, %.0f cut off, %.0f silenced", with.median, without.median, off.most, silent.most),
			with.median <= without.median+4 && off.most == 0 && silent.most == 0
	}},
	{"10,000 connects at once", "none refused; 14,000 a second, 50 us of CPU each", func(r *results) (string, bool) {
		each, ok := r.of("storm", router, connect)
		second, _ := r.of("storm", router, connects)
		no, _ := r.of("storm", router, refused)
		if !ok {
			return "", false
		}
		return fmt.Sprintf("%.0f refused; %.0f a second, %.0f us", no.most, second.median, each.median),
			no.most == 0 && second.median >= 14000 && each.median <= 50
	}},
	{"CPU of 19,900 idle connections", "0.5 % of a core", func(r *results) (string, bool) {
		s, ok := r.of("cpu-19900", router, idleCPU)
		if !ok {
			return "", false
		}
		return fmt.Sprintf("%.2f %%", s.median), s.median < 0.5
	}},
}

// peerNames are the servers that are no floor and not the router.
func peerNames() (names []string) {
	for _, name := range serverNames() {
		if name != router && !strings.HasPrefix(name, "floor") {
			names = append(names, name)
		}
	}
	return names
}

func (r *results) memories(loads ...string) (measured string, met bool) {
	var all []string
	met = true
	for _, l := range loads {
		s, ok := r.of(l, router, memory)
		if !ok {
			continue
		}
		all = append(all, fmt.Sprintf("%.2f", s.median))
		met = met && s.median <= 2.5
	}
	if all == nil {
		return "", false
	}
	return strings.Join(all, ", ") + " KB", met
}

func (r *results) toFloor(load string, most float64) (measured string, met bool) {
	mine, ok1 := r.of(load, router, cpu)
	floor, ok2 := r.of(load, "floor", cpu)
	if !ok1 || !ok2 {
		return "", false
	}
	ratio := mine.median / floor.median
	return fmt.Sprintf("%.2f (%.2f us; the floor %.2f us)", ratio, mine.median, floor.median), ratio <= most
}

func (r *results) inBurst(load string, times float64) (measured string, met bool) {
	mine, ok1 := r.of(load, router, perCPU)
	floor, ok2 := r.of(load, "floor", perCPU)
	bounded, ok3 := r.of(load, "floor-64k", perCPU)
	gone, _ := r.of(load, router, lost)
	best, name := 0.0, ""
	for _, peer := range peerNames() {
		if s, ok := r.of(load, peer, perCPU); ok && s.median > best {
			best, name = s.median, peer
		}
	}
	if !ok1 || !ok2 || !ok3 || name == "" {
		return "", false
	}
	toFloor, toPeer := mine.median/floor.median, mine.median/best
	return fmt.Sprintf("%.2f of the floor, %.2f of the one with the same send buffer; %.1f times the best peer, %s; %.2g %% lost",
		toFloor, mine.median/bounded.median, toPeer, name, gone.most), toFloor >= 0.7 && toPeer >= times && gone.most == 0
}

func (r *results) bestLatency(load string) (measured string, met bool) {
	mine, ok := r.of(load, router, p99)
	var others []row
	for _, row := range r.rows(load, p99, false) {
		if slices.Contains(peerNames(), row.server) {
			others = append(others, row)
		}
	}
	if !ok || others == nil {
		return "", false
	}
	best := others[0]
	return fmt.Sprintf("%.1f ms; the best peer, %s, %.1f ms", mine.median, best.server, best.first.median), mine.median < best.first.median
}

func (r *results) writeTargets(b *strings.Builder) {
	b.WriteString("| figure | target | measured | |\n| --- | --- | --- | --- |\n")
	for _, t := range targets {
		measured, met := t.check(r)
		verdict := "**missed**"
		switch {
		case measured == "":
			measured, verdict = "not in this series", ""
		case met:
			verdict = "met"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", t.figure, t.want, measured, verdict)
	}
	b.WriteString("\n")
}
