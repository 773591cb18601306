// Package actors is the router itself: it takes events from an emitter to very
// many connections, important ones first, and never waits for a client.
//
// # Contract
//
// Three kinds of actors exchange the messages of messages.go under supervision:
//
//   - Emitter gives every event its place in the stream: a sequence number in
//     its priority class and the position of the whole stream after it.
//   - PriorityQueue holds what was accepted and is not yet in the rings, and
//     moves it there in rounds: high before medium before low.
//   - Connection, one a client, is the only writer of its transport. It holds no
//     queue: its backlog is the distance between its cursors and the heads of
//     the three rings.
//
// The rings are the only state that is read across actors. An event is immutable
// from the moment it is placed; a ring slot is published atomically.
//
// What a caller may rely on:
//
//   - Publish never waits for a client. It fails with ErrOverloaded before an
//     event that was accepted would have to be thrown away.
//   - A client that reads as fast as the router writes loses nothing: a round
//     begins only when every connection that reads has had its turn (gate.go).
//   - What a slow client loses is counted by class, exactly, and told to it
//     before the next event.
//   - A panic in a Connection closes that connection with 1011 and nothing
//     else; a panic in the Emitter or the PriorityQueue restarts it with its
//     sequence, rings and connections.
//   - An idle connection costs no goroutine and no buffer, given a Transport
//     that needs none.
//
// protoactor-go is imported in this package only.
package actors
