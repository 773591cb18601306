//go:build linux

package e2e

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Clients that read byte by byte are not ended, and told what they cannot get at
// that speed.
func TestByteByByteReaders(t *testing.T) {
	// Those that read are more than those that do not: while most are slow, rounds take
	// their time (actors/gate.go).
	const each, fast, events = 5, 11, 1000
	r := startRouter(t, "--stream.ping_interval", "1h", "--stream.send_buffer", "4KiB", "--events.high_priority_buffer", "20")
	var follow []*socket
	for range fast {
		follow = append(follow, openSocket(t, r, ""))
	}
	type slow struct {
		conn *net.TCPConn
		text output
	}
	var readers []*slow
	var work sync.WaitGroup
	hurry := make(chan struct{})
	for i := range 2 * each {
		conn, err := dialWithWindow(r.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		answer, err := openRaw(conn, rawTransports[i%2].request)
		if err != nil {
			t.Fatal(err)
		}
		s := &slow{conn: conn}
		readers = append(readers, s)
		work.Go(func() {
			for {
				b, err := answer.ReadByte()
				if err != nil {
					return
				}
				s.text.Write([]byte{b})
				select {
				case <-time.After(100 * time.Microsecond):
				case <-hurry:
				}
			}
		})
	}
	published := map[string][]int{}
	for n := 1; n <= events; n++ {
		published["high"] = append(published["high"], n)
		r.publish(t, fmt.Sprintf(`{"type":"MessageAdded","message_id":"ab12","depth":42,"seq":%d,"padding":%q}`, n, strings.Repeat("x", 1000)))
	}
	for _, f := range follow {
		eventually(t, "those that read have all", func() bool { return accounted(f.records(t)) == events })
		if lost := wantAccounted(t, f.records(t), published); len(lost) > 0 {
			t.Errorf("one that reads has lost %v", lost)
		}
	}
	close(hurry)
	for i, s := range readers {
		parse := func() []record {
			if i%2 == 0 {
				return parseFrames(t, s.text.String())
			}
			return parseSSE(t, s.text.lines())
		}
		eventually(t, fmt.Sprintf("slow client %d knows of all", i), func() bool { return accounted(parse()) == events })
		if lost := wantAccounted(t, parse(), published); lost["high"] == 0 {
			t.Errorf("client %d was fast enough", i)
		}
		s.conn.Close()
	}
	work.Wait()
}

// parseFrames returns the messages of the text frames in what a server sent
// (RFC 6455 §5.2), as far as they are whole.
func parseFrames(t *testing.T, text string) (records []record) {
	for len(text) >= 4 {
		size, head := int(text[1]), 2
		if size == 126 {
			size, head = int(text[2])<<8|int(text[3]), 4
		}
		if len(text) < head+size {
			break
		}
		if text[0] == 0x81 {
			records = append(records, parseRecord(t, text[head:head+size]))
		}
		text = text[head+size:]
	}
	return records
}
