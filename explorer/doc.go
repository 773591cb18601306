// Package explorer is the backend of a block explorer: it follows the events of one
// node, has them indexed, and pushes what was indexed to whoever watches.
//
// # Contract
//
// An [Indexer] reads the events of a node through package client, over whatever
// transport works, and gives them to a [Store] in batches, each with the position behind
// it, which the store keeps in the same transaction. What a crash cuts short has not
// happened: the next start goes on behind the last batch that was stored, so that no
// event is missing and none is there twice, as long as the node retains what comes
// next. What it does not retain any more is stored as a loss.
//
// Whoever is live is told of an event after it is stored, never before: what a page
// is pushed, a page can ask for.
//
// A store that fails is tried again, with the same batch, until it works; meanwhile the
// node keeps what comes, and so does a buffer here. Only a store that another indexer
// writes to ends Run.
package explorer
