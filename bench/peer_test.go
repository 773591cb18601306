package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// What a peer sends is found however it is wrapped, and wherever reads cut it.
func TestPeerEvents(t *testing.T) {
	const n = 30
	event := func(seq int) string {
		return string(appendEvent(nil, "00c0ffee00c0ffee", high, uint32(seq), time.Unix(1, 0), 200))
	}
	several := func(from, to int, before, after string) string {
		var b strings.Builder
		for seq := from; seq <= to; seq++ {
			b.WriteString(before + event(seq) + after)
		}
		return b.String()
	}
	streams := map[string]struct {
		sse  bool
		wire string
	}{
		"a message an event": {false, func() (wire string) {
			for seq := 1; seq <= n; seq++ {
				wire += serverFrame(true, opText, event(seq)) + serverFrame(true, opPong, "x")
			}
			return wire
		}()},
		"lines in one message": {false, serverFrame(true, opText, several(1, n, `{"push":{"channel":"all","pub":{"data":`, "}}}\n"))},
		"NATS in one message":  {false, serverFrame(true, opBinary, several(1, n, "MSG all 1 200\r\n", "\r\n"))},
		"fragments":            {false, serverFrame(false, opText, several(1, 9, "[", "]")) + serverFrame(true, opContinuation, several(10, n, "[", "]"))},
		"Server-Sent Events":   {true, several(1, n, "id: urn:uuid:1\ndata: ", "\n\n:\n")},
	}
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				l := &loop{mark: newMarker("00c0ffee00c0ffee"), tally: newTally(), cfg: Config{Peer: &Peer{}}}
				c := &conn{phase: open, sse: stream.sse}
				var held []byte
				for rest := stream.wire; rest != ""; {
					size := rapid.IntRange(1, min(700, len(rest))).Draw(rt, "read")
					left, err := l.consume(c, append(held, rest[:size]...), len(held), 2e9)
					if err != nil {
						rt.Fatal(err)
					}
					held, rest = []byte(string(left)), rest[size:]
				}
				if got := l.delivered(); got != n || l.duplicates+l.reordered+l.damaged != 0 || c.seq.loss != nil {
					rt.Errorf("%d events, %d duplicates, %d reordered, %d damaged; want %d in order", got, l.duplicates, l.reordered, l.damaged, n)
				}
				if len(held) > maxStamp {
					rt.Errorf("%d bytes are held", len(held))
				}
			})
		})
	}
}

// What a peer asks now and then is answered, however long its events have come.
func TestPeerKeepalive(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	l := &loop{mark: newMarker("r"), tally: newTally(), cfg: Config{Peer: &Peer{
		Keepalive: &Keepalive{Expect: "PING\r\n", Answer: Message{Binary: []byte("PONG\r\n")}},
	}}}
	c := &conn{phase: open, fd: int32(pair[0])}
	wire := serverFrame(true, opBinary, "MSG x") + serverFrame(true, opBinary, "PING\r\n")
	if rest, err := l.consume(c, []byte(wire), 0, 1); len(rest) > 0 || err != nil {
		t.Fatalf("%q, %v", rest, err)
	}
	answer := make([]byte, 100)
	n, err := unix.Read(pair[1], answer)
	if err != nil || n != 2+4+len("PONG\r\n") || answer[0] != 0x80|opBinary {
		t.Errorf("answered %x, %v", answer[:n], err)
	}
}

func TestGroups(t *testing.T) {
	cfg := DefaultConfig()
	cfg.URL, cfg.Groups, cfg.Rate = "http://127.0.0.1:1", 10, 1
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := newHandshaker(cfg, "h", 1)
	for i, want := range []string{"MessageAdded", "MessageFinalized"} {
		for _, index := range []int{i, i + 10, i + 200} {
			if got := string(h.appendRequest(nil, index%2 == 0, index)); !strings.Contains(got, "?events="+want+" HTTP") {
				t.Errorf("client %d asks for %s, want %s", index, got, want)
			}
		}
	}
	for _, wrong := range []func(*Config){
		func(c *Config) { c.Groups = -1 }, func(c *Config) { c.Groups = 11 },
		func(c *Config) { c.Events = "all" }, func(c *Config) { c.Priority = "high" },
	} {
		changed := cfg
		wrong(&changed)
		if err := changed.Validate(); err == nil || !strings.Contains(err.Error(), "groups") {
			t.Errorf("%v", fmt.Errorf("groups %d, events %q, priority %q: %w", changed.Groups, changed.Events, changed.Priority, err))
		}
	}
}
