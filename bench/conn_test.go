//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A connection has to cost a few hundred bytes: 19,900 of them are held beside
// the server that is measured.
func TestConnectionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(conn{}); n > 160 {
		t.Errorf("a connection takes %d bytes, want at most 160", n)
	}
}

// streamOf makes the bytes of n events, seq first and on, as a server sends
// them, with something else after each.
func streamOf(sse bool, run string, first, n int) []byte {
	var b strings.Builder
	for seq := first; seq < first+n; seq++ {
		event := appendEvent(nil, run, high, uint32(seq), time.Unix(1, 0), 200)
		if sse {
			fmt.Fprintf(&b, "id: c%d\nevent: MessageAdded\ndata: %s\n\n: heartbeat\n\n", seq, event)
		} else {
			b.WriteString(serverFrame(true, opText, `{"type":"Event","event":`+string(event)+`}`))
			b.WriteString(serverFrame(true, opPong, ""))
		}
	}
	return []byte(b.String())
}

func TestDeliveryAllocatesNothing(t *testing.T) {
	for _, sse := range []bool{false, true} {
		t.Run(fmt.Sprintf("sse=%v", sse), func(t *testing.T) {
			l := &loop{mark: newMarker("r"), tally: newTally()}
			c := &conn{phase: open, sse: sse}
			const runs, each = 50, 20
			var streams [][]byte
			for i := range runs + 1 {
				streams = append(streams, streamOf(sse, "r", i*each+1, each))
			}
			i := 0
			allocs := testing.AllocsPerRun(runs, func() {
				rest, err := l.consume(c, streams[i], 0, 2e9)
				if len(rest) > 0 || err != nil {
					t.Fatal(len(rest), err)
				}
				i++
			})
			if allocs != 0 {
				t.Errorf("%g allocations for %d events", allocs, each)
			}
			if n := l.delivered(); n != (runs+1)*each || l.duplicates+l.reordered+l.other+l.damaged > 0 || c.seq.loss != nil {
				t.Errorf("%d deliveries, want %d", n, (runs+1)*each)
			}
		})
	}
}

// What a full socket does not take is kept and written when it can be; pongs
// are left out meanwhile.
func TestSendWaitsForTheSocket(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{epoll: epoll, clock: newClock(), conns: make([]conn, 1), scratch: make([]byte, 1024),
		tally: newTally(), everyInterval: func(int64) {}, open: 1}
	defer l.close()
	c := &l.conns[0]
	c.fd, c.phase = int32(pair[0]), open
	if err := l.watch(c, unix.EPOLL_CTL_ADD, unix.EPOLLIN); err != nil {
		t.Fatal(err)
	}

	first, second := bytes.Repeat([]byte("a"), 1<<20), []byte("second")
	l.send(c, first)
	if len(c.out) == 0 {
		t.Fatal("the socket took a MiB")
	}
	l.control(c, opPong, []byte("left out"))
	l.send(c, second)

	var got []byte
	buffer := make([]byte, 1<<20)
	deadline := time.Now().Add(10 * time.Second)
	if err := l.spin(func(int64) bool {
		if n, err := unix.Read(pair[1], buffer); err == nil {
			got = append(got, buffer[:n]...)
		}
		return len(got) == len(first)+len(second) || time.Now().After(deadline)
	}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, slices.Concat(first, second)) {
		t.Fatalf("%d bytes arrived, want %d in order", len(got), len(first)+len(second))
	}
	if len(c.out) > 0 || c.phase != open {
		t.Errorf("%d bytes are kept, phase %d", len(c.out), c.phase)
	}
}

func TestAssembleRefusesWhatIsOutOfOrder(t *testing.T) {
	text, more, last := frame{opcode: opText, payload: []byte("a")}, frame{payload: []byte("b")}, frame{fin: true, payload: []byte("c")}
	tests := []struct {
		name   string
		frames []frame
		want   string // empty: an error
	}{
		{"three parts", []frame{text, more, last}, "abc"},
		{"empty first part", []frame{{opcode: opText}, last}, "c"},
		{"no first part", []frame{last}, ""},
		{"two first parts", []frame{text, text}, ""},
		{"a whole message between", []frame{text, {opcode: opText, fin: true}}, ""},
		{"too long", []frame{text, {payload: make([]byte, maxMessage)}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := new(conn)
			var message []byte
			var err error
			for _, f := range tt.frames {
				if message, err = c.assemble(f); err != nil {
					break
				}
			}
			if string(message) != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("%q, %v, want %q", message, err, tt.want)
			}
		})
	}
}
