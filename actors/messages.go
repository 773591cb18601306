package actors

import (
	"github.com/adic-network/router/event"
)

// Messages to the Emitter.
type (
	// publish asks for a place in the stream for a batch, whole or not at all,
	// and once if there is a key. It is answered with accepted, replayed or
	// refused. The emitter owns the events.
	publish struct {
		batch []*event.Event
		once  *IdempotencyKey
	}

	// replicate shows events that got their places elsewhere, behind at. It is
	// answered with accepted or refused. The emitter owns the events.
	replicate struct {
		at    event.Cursor
		batch []event.Placed
	}

	// recall asks whether the batch of a key was accepted. It is answered with
	// replayed, refused, or unknown.
	recall  struct{ once *IdempotencyKey }
	unknown struct{}

	accepted struct{}
	// replayed says that the batch was accepted before, under the same key.
	replayed struct{}
	refused  struct{ err error }

	// probe asks for a sign of life. The emitter passes it on to the queue, which
	// answers with alive.
	probe struct{}
	alive struct{}

	// commit asks for the batches that are held to be settled and released. The
	// emitter sends it to itself.
	commit struct{}
)

// Messages to the PriorityQueue.
type (
	// enqueue hands over placed events in emission order.
	enqueue struct{ batch []*event.Event }

	// renew goes over to another stream.
	renew struct{ stream *stream }

	// join makes a connection part of the fan-out, leave takes it out.
	join struct {
		box  *mailbox
		lane uint8
	}
	leave struct {
		box  *mailbox
		lane uint8
	}

	// await and forget do the same for a long poll.
	await  struct{ waiter *waiter }
	forget struct{ waiter *waiter }

	// roundDone says that no connection that reads is behind any more.
	roundDone struct{}

	// windowEnd says that the delivery window of a lane is over.
	windowEnd struct{ lane uint8 }

	// patience asks the queue to look for connections not worth waiting for.
	patience struct{}

	// resize changes how many events of each class are retained.
	resize struct{ retain [event.NumPriorities]int }

	// roster asks for the connections of this moment; answered with []*mailbox.
	roster struct{}
)

// Messages to a Connection. The first four are flags of its mailbox rather than
// queued values: any number of them while it is busy cost one.
type (
	// wake says that there may be events to read.
	wake struct{}
	// readable says that bytes may have arrived, or the end of the stream.
	readable struct{}
	// writable says that a transport that was full may take bytes again.
	writable struct{}
	// tick says that a deadline of the connection may have passed.
	tick struct{}

	// goAway closes the connection once it has sent what it can read now.
	goAway struct {
		code   uint16
		reason string
	}
	// hangUp closes the connection at once.
	hangUp struct{}
	// evict closes the connection as the operator asked for, and tells its client.
	evict struct{}

	// assess asks for the connection's place in an order, describe for what an
	// operator is told of it. The channel has room for the answer.
	assess struct {
		by      Order
		answers chan<- rank
	}
	describe struct{ answers chan<- ConnectionInfo }
)

// shutDown is the good-bye of a router that drains.
func shutDown() *goAway {
	return &goAway{code: CloseGoingAway, reason: "the router is shutting down"}
}
