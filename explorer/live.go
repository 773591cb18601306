package explorer

import (
	"context"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

const (
	// showWait is the pause after Live took nothing, and showPatience for how long it
	// is tried: the index goes on without who watches.
	showWait, showPatience = 2 * time.Millisecond, 2 * time.Second
)

// show gives events that are stored to who watches. Those that Live does not take are
// lost there, which it tells its clients.
func (x *Indexer) show(ctx context.Context, at event.Cursor, placed []event.Placed) error {
	for began := time.Now(); ; {
		err := x.o.Live.Replicate(at, placed)
		if err == nil {
			return nil
		}
		if time.Since(began) > showPatience {
			x.o.Log.Warn("event error: those who watch are not shown what was indexed", "events", len(placed), "error", err)
			return nil
		}
		if !sleep(ctx, showWait) {
			return ctx.Err()
		}
		placed = x.again(placed)
	}
}

// again makes the same events once more: those that Live was given are Live's, whatever
// it has answered.
func (x *Indexer) again(placed []event.Placed) []event.Placed {
	fresh := make([]event.Placed, 0, len(placed))
	for _, p := range placed {
		e, err := x.parser.ParseEvent(p.Event.JSON(event.Flat))
		if err != nil {
			panic(err) // the same parser has made it
		}
		e.Priority = p.Event.Priority
		fresh = append(fresh, event.Placed{Position: p.Position, Event: e})
	}
	return fresh
}

// restore shows the newest events of the index, as they were before the last end of
// this process. Those of another stream than the present one are not shown.
func (x *Indexer) restore(ctx context.Context, recent []store.Entry) error {
	at := x.place.At
	var placed []event.Placed
	for _, entry := range recent {
		e, err := x.parser.ParseEvent(entry.Data)
		if err != nil || x.place.Own || client.EpochOf(entry.ID) != at.Epoch {
			continue // another catalogue's, or out of order with what is shown next
		}
		e.Priority = entry.Class
		at.Pos[entry.Class] = min(at.Pos[entry.Class], entry.Position-1)
		placed = append(placed, event.Placed{Position: entry.Position, Event: e})
	}
	return x.show(ctx, at, placed)
}

// begin shows an empty stream to who watches, where the node has one and nothing has
// happened there yet: otherwise its first event shows where it is.
func (x *Indexer) begin(ctx context.Context, c *client.Client) {
	if x.place.Begun || c.State().Status != client.Connected {
		return
	}
	asking, cancel := context.WithTimeout(ctx, beginInterval)
	defer cancel()
	text, err := client.Present(asking, x.o.Node, x.o.Client)
	if err != nil {
		return // the connection will break, or it is asked again
	}
	end, err := event.ParseCursor(text)
	if err != nil || end.Pos != [event.NumPriorities]uint64{} {
		return
	}
	x.place = client.Place{At: end, Begun: true}
	if err := x.show(ctx, end, nil); err != nil {
		return // ctx is done
	}
}
