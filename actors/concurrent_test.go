package actors

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adic-network/router/event"
)

// tally counts what a client got, through all of its connections. Positions in a
// class follow each other, so it needs no model.
type tally struct {
	next [event.NumPriorities]uint64 // position of the last event, or loss
	got  [event.NumPriorities]uint64
	lost [event.NumPriorities]uint64
	at   event.Cursor
}

// add counts messages of a client that wants everything.
func (l *tally) add(t *testing.T, messages []wireMessage) {
	for _, m := range messages {
		switch m.kind {
		case "Event":
			p := catalogue().Type(typeID(t, m.name)).Priority
			skipped := m.cursor.Pos[p] - l.next[p] - 1
			if m.cursor.Pos[p] <= l.next[p] || l.got[p]+skipped+1 > m.cursor.Pos[p] {
				t.Errorf("%v at %v comes again, or out of order", m, m.cursor)
			}
			l.next[p] = m.cursor.Pos[p]
			l.got[p]++
			if l.got[p]+l.lost[p] != m.cursor.Pos[p] {
				t.Errorf("%v: %d events have come and %d are told to be lost up to position %d",
					m, l.got[p], l.lost[p], m.cursor.Pos[p])
			}
			l.at = m.cursor
		case "Lagged":
			for p, n := range m.dropped.Counts {
				l.lost[p] += n
			}
		}
	}
}

// Publishers, clients that read, clients that come and go and clients that stall,
// all at the same time: whoever reads loses nothing, and for everyone what has
// come and what is told to be lost add up.
func TestAllAtOnce(t *testing.T) {
	const publishers, batches, readers, comers, stalled = 3, 60, 6, 4, 3
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, quiet, func(s *Settings) { s.PendingEvents = 300; s.ClientMessageRate = 0 })
		var (
			clients   sync.WaitGroup
			published = make(chan struct{})
		)
		connect := func(size int, from Start) *client {
			c := newClient(t, size, &wsDecoder{})
			if err := r.ServeWebSocket(WebSocket{Client: c.options(everything, from), IDs: true}); err != nil {
				t.Error(err)
			}
			return c
		}
		// read counts what comes until enough says so.
		read := func(c *client, l *tally, enough func() bool) {
			for began := time.Now(); !enough(); time.Sleep(time.Millisecond) {
				messages, err := c.take(math.MaxInt)
				if err != nil {
					t.Error(err)
					return
				}
				l.add(t, messages)
				if time.Since(began) > time.Hour {
					t.Errorf("stuck at %v, and the stream is at %v", l.at, r.stream().now())
					return
				}
			}
		}
		// atEnd reports whether all that will ever come has come.
		atEnd := func(l *tally) bool {
			select {
			case <-published:
				return l.at == r.stream().now()
			default:
				return false
			}
		}

		origin := FromCursor(event.Cursor{Epoch: r.stream().epoch})
		for i := range readers {
			c := connect([]int{100, 1000, unlimited}[i%3], origin)
			clients.Go(func() {
				var l tally
				read(c, &l, func() bool { return atEnd(&l) })
				if l.lost != [event.NumPriorities]uint64{} {
					t.Errorf("a client that reads lost %v", l.lost)
				}
			})
		}
		for range comers {
			clients.Go(func() {
				l := tally{at: event.Cursor{Epoch: r.stream().epoch}}
				for !atEnd(&l) {
					c := connect(500, FromCursor(l.at))
					stay := time.Now().Add(rand.N(20 * time.Millisecond))
					read(c, &l, func() bool { return time.Now().After(stay) || atEnd(&l) })
					c.end([]error{io.EOF, errReset}[rand.N(2)])
					time.Sleep(rand.N(20 * time.Millisecond))
				}
			})
		}
		for range stalled {
			c := connect(300, origin)
			clients.Go(func() {
				<-published
				var l tally
				read(c, &l, func() bool { return atEnd(&l) })
			})
		}

		synctest.Wait() // whoever has joined the fan-out is waited for
		var emitting sync.WaitGroup
		names := []string{"Alarm", "Tally", "Trace", "Breach", "Quota", "Sample"}
		for range publishers {
			emitting.Go(func() {
				for range batches {
					batch := make([]*event.Event, 1+rand.N(40))
					for i := range batch {
						batch[i] = newEvent(t, names[rand.N(len(names))], i)
					}
					for {
						err := r.Publish(batch)
						if err == nil {
							break
						}
						if !errors.Is(err, ErrOverloaded) {
							t.Error(err)
							return
						}
						time.Sleep(time.Millisecond)
					}
					time.Sleep(rand.N(3 * time.Millisecond))
				}
			})
		}
		emitting.Wait()
		close(published)
		clients.Wait()
		pass(time.Second)
		if n := r.gate.behind.Load(); n != 0 {
			t.Errorf("%d connections count as behind, and everybody has read everything", n)
		}
		if s := r.Status(); s.Connections != readers+stalled || s.Lagging != 0 || s.PendingBytes != 0 {
			t.Errorf("status %+v", s)
		}
	})
}
