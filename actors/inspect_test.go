package actors

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/adic-network/router/event"
)

// list returns all connections in an order.
func (r *rig) list(by Order) []ConnectionInfo {
	r.t.Helper()
	found, total, err := r.Connections(context.Background(), by, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	if total != len(found) {
		r.t.Fatalf("%d of %d connections answered", len(found), total)
	}
	return found
}

func ids(list []ConnectionInfo) string {
	var s []string
	for _, i := range list {
		s = append(s, i.ID)
	}
	return strings.Join(s, " ")
}

// Three clients: one reads all, one of two types reads nothing, one is an event
// stream that came last.
func TestConnectionsAreDescribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		reads := r.connect(everything, FromNow())
		time.Sleep(10 * time.Second)
		stuck := r.connectSized(50, only(t, "Alarm", "Trace"), FromNow())
		time.Sleep(10 * time.Second)
		r.connectSSE(unlimited, only(t, "Quota"), FromNow())
		r.publish("2 Alarm", "4 Tally", "5 Trace") // 3 low ones are retained
		reads.pull()

		all := r.list(ByAge)
		if got := ids(all); got != "1 2 3" {
			t.Fatalf("by age: %s", got)
		}
		first, second, third := all[0], all[1], all[2]
		if first.SSE || !first.Subscription.All || first.Blocked || first.Lag != [3]uint64{} || first.Dropped != [3]uint64{} || first.User != "" {
			t.Errorf("who reads all: %+v", first)
		}
		if !second.Blocked || second.Lag[event.High] == 0 || second.Lag[event.Medium] != 0 {
			t.Errorf("who reads nothing: %+v", second)
		}
		if !third.SSE || third.Lag != [3]uint64{} || third.Messages != 0 || third.Bytes != uint64(len(sseHead)+len(sseRetry)) {
			t.Errorf("the event stream: %+v", third)
		}
		if got := second.Since.Sub(first.Since); got != 10*time.Second {
			t.Errorf("the second came %v after the first", got)
		}
		// Subscribed and 9 events: the last two low ones wait for the second client.
		if first.Messages != 10 || first.Bytes == 0 {
			t.Errorf("%d messages in %d bytes, want 10", first.Messages, first.Bytes)
		}
		if first.Address != reads.RemoteAddr() {
			t.Errorf("address %s, want %s", first.Address, reads.RemoteAddr())
		}
		if got := ids(r.list(ByLag)); !strings.HasPrefix(got, "2 ") {
			t.Errorf("by lag: %s", got)
		}
		if got := ids(r.list(ByBytes)); !strings.HasPrefix(got, "1 ") {
			t.Errorf("by bytes: %s", got)
		}

		// After long enough it is left behind, and loses what the rings do not hold.
		time.Sleep(time.Minute)
		r.publish("30 Alarm", "10 Trace")
		reads.pull()
		lost := r.list(ByDropped)[0]
		if lost.ID != "2" || lost.Dropped[event.High] == 0 || lost.Dropped[event.Low] < 7 || lost.Lag != [3]uint64{10, 0, 3} {
			t.Errorf("who was left behind: %+v", lost)
		}
		told := stuck.pull() // as much as the operator was told
		var lagged string
		for _, m := range told {
			if strings.HasPrefix(m.String(), "Lagged") {
				lagged = m.String()
			}
		}
		if lagged == "" {
			t.Errorf("the client was told of nothing: %q", short(told))
		}
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		for range 12 {
			r.connect(everything, FromNow())
		}
		for _, limit := range []int{0, 1, 12, 100} {
			found, total, err := r.Connections(context.Background(), ByAge, limit)
			if err != nil || total != 12 || len(found) != min(limit, 12) {
				t.Errorf("limit %d: %d of %d, %v", limit, len(found), total, err)
			}
		}
	})
}

// Whoever does not answer is not waited for longer than surveyTime.
func TestSurveyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mute := &mailbox{dispatch: &dispatcher{}} // nobody runs it
		mute.dispatch.work.L = &mute.dispatch.mu
		began := time.Now()
		got := survey(context.Background(), []*mailbox{mute, mute}, func(answers chan<- int) any {
			answers <- 7
			return nil
		})
		if !slices.Equal(got, []int{7}) || time.Since(began) != surveyTime {
			t.Errorf("%v after %v", got, time.Since(began))
		}
	})
}

// A type that was subscribed while older events of its class waited is no lag
// before that.
func TestLagCountsFromTheSubscription(t *testing.T) {
	c, _ := driven(t, event.WSFlat, only(t, "Trace"))
	for _, e := range placed(t, 6, event.WSFlat, "Trace", "Sample") {
		c.stream.append(e)
	}
	c.subscribe(setOf(typeID(t, "Sample")), false)
	e := newEvent(t, "Sample", 9)
	at := event.Cursor{Epoch: 1, Pos: [event.NumPriorities]uint64{0, 0, 7}}
	e.Place(at, 7)
	c.stream.append(e)
	if got := c.info().Lag; got != [3]uint64{0, 0, 4} {
		t.Errorf("lag = %v, want 3 Trace and the last Sample", got)
	}
}

func TestCloseConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		reads := r.connect(everything, FromNow())
		stuck := r.connectSized(10, everything, FromNow())
		sse := r.connectSSE(unlimited, everything, FromNow())
		stuckSSE := r.connectSSE(10, everything, FromNow())
		bystander := r.connect(everything, FromNow())
		for _, id := range []string{"queue", "emitter", "", "9", "-1", "1x", "$1"} {
			if r.CloseConnection(id) {
				t.Errorf("there is no connection %q", id)
			}
		}
		for _, id := range []string{"1", "2", "3", "4"} {
			if !r.CloseConnection(id) {
				t.Errorf("connection %s is not there", id)
			}
		}
		synctest.Wait()
		if raw := reads.receive(100); !bytes.Equal(raw, event.AppendCloseFrame(nil, ClosePolicy, "closed by the operator")) {
			t.Errorf("the client got %q", raw)
		}
		if sse.gone != 1 {
			t.Error("the event stream goes on")
		}
		time.Sleep(lingerTime + 2*wheelStep) // those who do not answer, or do not read
		synctest.Wait()
		if reads.gone+stuck.gone+stuckSSE.gone != 3 || bystander.gone != 0 {
			t.Errorf("%d, %d and %d times ended, the bystander %d times", reads.gone, stuck.gone, stuckSSE.gone, bystander.gone)
		}
		if r.CloseConnection("1") {
			t.Error("a connection that has ended is still there")
		}
		if got := ids(r.list(ByAge)); got != "5" {
			t.Errorf("left are %s, want 5", got)
		}
	})
}

// An idle connection costs what it costs: what every one of them carries is
// multiplied by tens of thousands. A new field has to be worth it.
func TestConnectionIsSmall(t *testing.T) {
	const most = 480 // a size class of Go's allocator
	if size := unsafe.Sizeof(Connection{}); size > most {
		t.Errorf("a Connection has %d bytes, more than %d", size, most)
	}
}
