package explorer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/adic-network/router/client"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/explorer/store"
)

// arrival is what came from the node.
type arrival struct {
	event client.Event
	err   error // a gap, or the end
	at    time.Time
}

// follow indexes what the node sends, until ctx is done or the node refuses for good.
func (x *Indexer) follow(ctx context.Context) error {
	o := x.o.Client
	o.Since, o.Buffer, o.OnState = x.since(), waiting, x.turned
	c, err := client.Open(x.o.Node, o)
	if err != nil {
		return err
	}
	defer c.Close()
	x.following.Store(c)

	receiving, stop := context.WithCancel(ctx)
	in, received := make(chan arrival, batchSize), make(chan struct{})
	go func() {
		defer close(received)
		receive(receiving, c, in)
	}()
	defer func() {
		stop()
		<-received
	}()
	x.held = nil
	if x.stored.Own { // what came since is lost
		x.held = []arrival{{err: unknownGap(), at: time.Now()}}
	}
	begin := time.NewTicker(beginInterval)
	defer begin.Stop()
	for {
		select {
		case a := <-in:
			batch, end := x.gather(a, in)
			if len(batch) > 0 {
				if err := x.index(ctx, batch); err != nil {
					return err
				}
			}
			if len(in) == 0 {
				x.note(func(t *tally) { t.oldest = time.Time{} })
			}
			if end != nil {
				return end
			}
		case <-begin.C:
			x.begin(ctx, c)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// since is where to go on at the node.
func (x *Indexer) since() string {
	switch {
	case x.stored.Cursor != "":
		return x.stored.Cursor
	case x.stored.Own:
		return "" // it gave no cursors
	}
	return "earliest"
}

// turned logs how the connection goes. A node that is followed does not refuse.
func (x *Indexer) turned(s client.State) {
	switch s.Status {
	case client.Connected:
		x.note(func(t *tally) { t.refused = nil })
		if s.Reconnects > 0 {
			x.metrics.reconnects.Inc()
		}
		x.o.Log.Info("explorer: connected to the node", "node", x.o.Node, "mode", string(s.Transport), "reconnects", s.Reconnects)
	case client.Disconnected:
		x.o.Log.Warn("event error: the connection to the node is lost; trying again", "node", x.o.Node, "mode", string(s.Transport), "error", s.Err)
	}
}

// receive passes on what comes, until that ends.
func receive(ctx context.Context, c *client.Client, in chan<- arrival) {
	for e, err := range c.Events(ctx) {
		select {
		case in <- arrival{e, err, time.Now()}:
		case <-ctx.Done():
			return
		}
	}
}

// gather takes what is there, up to a batch, or up to the end. There may be nothing that
// is for the index.
func (x *Indexer) gather(a arrival, in <-chan arrival) (batch []arrival, end error) {
	for {
		gap, lost := errors.AsType[*client.Gap](a.err)
		switch {
		case lost && len(batch) == 0 && x.stored.At.Epoch == 0:
			// The index begins here, wherever that is: nothing is missing from it.
			return nil, nil
		case lost:
			x.note(func(t *tally) { t.lastLoss = a.at })
			x.o.Log.Warn("event error: the node has lost events, which the index will lack", "node", x.o.Node, "error", gap)
		case a.err != nil:
			return batch, a.err
		}
		if batch = append(batch, a); len(batch) == batchSize {
			return batch, nil
		}
		select {
		case a = <-in:
		default:
			return batch, nil
		}
	}
}

// index stores what came and shows it, the events of one stream together. A loss is
// stored with the event behind it, as the node tells of both or of none again; until
// that comes it is held.
func (x *Indexer) index(ctx context.Context, batch []arrival) error {
	x.note(func(t *tally) { t.oldest = batch[0].at })
	batch = append(x.held, batch...)
	x.held = nil
	for len(batch) > 0 {
		n, events := oneStream(batch)
		if events == 0 {
			x.held = batch
			return nil
		}
		if err := x.store(ctx, batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// oneStream returns how many of the first arrivals are up to the last event of the
// stream that the first event is of, and how many events there are among them.
func oneStream(batch []arrival) (n, events int) {
	var stream event.Epoch
	for i := range batch {
		if batch[i].err != nil {
			continue
		}
		epoch := client.EpochOf(batch[i].event.ID)
		if events > 0 && epoch != stream {
			break
		}
		stream, n = epoch, i+1
		events++
	}
	return n, events
}

// store stores events of one stream and the losses before them, and shows the events to
// who watches. The last arrival is an event.
func (x *Indexer) store(ctx context.Context, batch []arrival) error {
	first := slices.IndexFunc(batch, func(a arrival) bool { return a.err == nil })
	x.place.GoOn(&batch[first].event, x.o.Catalogue)
	from := x.place.At
	entries, placed := x.entries(batch)
	to := store.Position{Cursor: batch[len(batch)-1].event.ID, At: x.place.At, Own: x.place.Own}
	began := time.Now()
	err := x.insist(ctx, "cannot store events in the index", func() error {
		return x.o.Store.Append(ctx, x.stored, entries, to)
	})
	if err != nil {
		return err
	}
	x.stored = to
	x.note(func(t *tally) { t.indexed(entries) })
	x.metrics.committed(entries, time.Since(began))
	return x.show(ctx, from, placed)
}

// entries makes what the store takes of a batch, and what those who watch are shown, and
// moves the place over it.
func (x *Indexer) entries(batch []arrival) ([]store.Entry, []event.Placed) {
	entries, placed := make([]store.Entry, 0, len(batch)), make([]event.Placed, 0, len(batch))
	for i := range batch {
		a := &batch[i]
		if gap, ok := errors.AsType[*client.Gap](a.err); ok {
			x.place.Skip()
			entries = append(entries, store.Entry{Received: a.at, Lost: &gap.Dropped})
			continue
		}
		e, err := x.parser.ParseEvent(a.event.Data)
		if err == nil && x.o.Catalogue.IsUnknown(e) {
			x.place.Rank(a.event.ID, e)
		}
		position, err := x.place.Move(a.event.ID, e, err)
		if err != nil {
			x.metrics.unusable.Inc()
			x.o.Log.Warn("event error: cannot index an event of the node", "type", a.event.Type, "id", a.event.ID, "error", err)
			continue
		}
		entries = append(entries, store.Entry{
			ID: a.event.ID, Class: e.Priority, Position: position, Type: e.Name(),
			Time: e.Time(), Received: a.at, Data: e.JSON(event.Flat),
		})
		placed = append(placed, event.Placed{Position: position, Event: e})
	}
	return entries, placed
}

// unknownGap is a loss of which nothing is known.
func unknownGap() *client.Gap {
	return &client.Gap{Dropped: event.Dropped{Unknown: [event.NumPriorities]bool{true, true, true}}}
}
