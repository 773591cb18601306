// Package client follows the events of a router, or of a node that speaks as one.
//
//	c, err := client.Dial(ctx, "http://localhost:9121", client.Options{Events: []string{"MessageAdded", "vrf.*"}})
//	...
//	defer c.Close()
//	for event, err := range c.Events(ctx) {
//		var gap *client.Gap
//		switch {
//		case errors.As(err, &gap): // events were lost: the loop goes on
//		case err != nil: // the end
//		default:
//			store(event.ID, event.Type, event.Data)
//		}
//	}
//
// # What it promises
//
// A client prefers WebSocket, falls back to Server-Sent Events and then to polling,
// and returns to the better one when that works again. A connection that breaks is
// made again, after 1 to 60 seconds, and goes on where it left off: every event comes
// at most once, in the order of its class, and what is lost is told as a [Gap] before
// the next event. That holds from the moment of [Dial] on, or from [Options.Since],
// across transports and restarts, and on every router of the same stream.
//
// A node that gives its events no cursors can promise less: what it emits while there
// is no connection is lost, and every new connection begins with a Gap of unknown size.
//
// The iteration ends with an error only where trying again does not help: a filter that
// the router refuses, a token that it does not know, no router at that URL, and, if
// chosen so, a consumer that is too slow. Everything else shows in [Client.State].
package client
