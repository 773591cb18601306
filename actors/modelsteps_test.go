package actors

import (
	"fmt"
	"math"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/adic-network/router/event"
)

// step is a thing that happens to the router in a run of the model.
type step struct {
	kind   string
	client int
	n      int            // bytes, size or limit
	size   int            // of the send buffer to begin with
	types  []event.TypeID // of a batch, or of a subscription
	all    bool
	prios  event.PrioritySet
	talk   string // WebSocket, SSE; WebSocket without cursors
	window time.Duration
	from   string // cursor, now, earliest
	retain [event.NumPriorities]int
}

const modelClients = 4 // the first always reads

func stepGen(retain [2]int) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step { return drawStep(t, retain) })
}

func drawStep(t *rapid.T, retain [2]int) step {
	types := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 5), func(i int) event.TypeID { return event.TypeID(i) }), 1, 4)
	s := step{
		kind: rapid.SampledFrom([]string{
			"publish", "publish", "publish", "flood", "flood", "drain", "drain", "drain", "drain", "size", "subscribe", "subscribe",
			"unsubscribe", "unsubscribe", "connect", "connect", "connect", "poll", "poll", "wait", "moment", "spurious", "reload", "queue fault", "emitter fault",
		}).Draw(t, "kind"),
	}
	switch s.kind {
	case "publish", "flood":
		s.types = rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 5), func(i int) event.TypeID { return event.TypeID(i) }), 1, 15).Draw(t, "batch")
		return s
	case "reload":
		s.retain = retainGen(retain).Draw(t, "retain")
		return s
	case "wait", "moment", "queue fault", "emitter fault":
		return s
	}
	s.client = rapid.IntRange(1, modelClients-1).Draw(t, "client")
	switch s.kind {
	case "drain":
		s.n = rapid.SampledFrom([]int{1, 60, 150, 400, 1000, math.MaxInt}).Draw(t, "bytes")
	case "size":
		s.n = sizeGen.Draw(t, "size")
	case "subscribe", "unsubscribe":
		s.client = rapid.IntRange(0, modelClients-1).Draw(t, "who")
		s.types = types.Draw(t, "types")
		s.all = rapid.IntRange(0, 4).Draw(t, "all") == 0
	case "connect", "poll":
		s.talk = rapid.SampledFrom([]string{"WebSocket", "without cursors", "SSE"}).Draw(t, "talk")
		s.window = rapid.SampledFrom([]time.Duration{0, 0, 2 * time.Millisecond, 5 * time.Millisecond, time.Second}).Draw(t, "window")
		s.from = rapid.SampledFrom([]string{"cursor", "cursor", "cursor", "now", "earliest"}).Draw(t, "from")
		s.types = types.Draw(t, "types")
		s.all = rapid.Bool().Draw(t, "all")
		s.prios = event.PrioritySet(rapid.SampledFrom([]int{7, 7, 7, 1, 3, 6}).Draw(t, "priorities"))
		s.n = rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "limit")
		s.size = sizeGen.Draw(t, "size")
	}
	return s
}

var sizeGen = rapid.SampledFrom([]int{0, 50, 150, 400, unlimited})

// retainGen draws how many events the rings hold, from least to most.
func retainGen(bounds [2]int) *rapid.Generator[[event.NumPriorities]int] {
	return rapid.Custom(func(t *rapid.T) (retain [event.NumPriorities]int) {
		for p := range retain {
			retain[p] = rapid.IntRange(bounds[0], bounds[1]).Draw(t, "retain")
		}
		return retain
	})
}

func (s step) String() string {
	names := make([]string, len(s.types))
	for i, t := range s.types {
		names[i] = catalogue().Type(t).Name
	}
	return fmt.Sprintf("%s client=%d n=%d size=%d all=%v prios=%b %s window=%v from=%s retain=%v %s",
		s.kind, s.client, s.n, s.size, s.all, s.prios, s.talk, s.window, s.from, s.retain, strings.Join(names, " "))
}
