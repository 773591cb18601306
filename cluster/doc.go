// Package cluster makes several routers one: what is published to any of them is
// stored in JetStream, and all of them deliver what is stored there.
//
// Each class has a stream. The sequence of a message in it is the position of its
// event in its class, so that every router gives the same event the same place, and
// a cursor of one is good on every other. The streams belong to one epoch, which
// the routers agree on through a key-value bucket: it ends when a stream is made
// anew, or has lost what some router had already shown.
//
// # Storing
//
// [Cluster.Publish] returns when JetStream has stored every event, and fails with
// [actors.ErrNotStored] when that took too long. What was stored of such a batch
// stays, and is delivered. Every event has a message id, made of the batch and of
// its index in it, by which JetStream takes it once however often it is sent. With
// an idempotency key the id is made of the key: to send the batch again completes
// it, through any router.
//
// # Following
//
// [Cluster.Follow] hands what is stored to a [Follower], each class in its order,
// beginning with as much as the follower retains. While NATS is away it waits, and
// then goes on behind the last event that it handed over. Whatever else goes wrong
// is handled in the same way: it joins again, and checks that the last event is
// still where it was.
//
// All methods of a Cluster are safe for concurrent use.
package cluster
