// Package relay follows another router, or a node, and passes its events on.
//
// Events keep the places that they have there: a cursor of the upstream is good here and
// on every other relay of it, so that routers can be put together into trees. What the
// upstream reports as lost is lost here, what it repeats is passed over. Of several
// upstreams one is followed, the first that can be; when it goes, the next one, from the
// same cursor. They have to serve the same stream, or it begins anew with every change.
//
// A node that gives its events no cursors is numbered here: its stream is the relay's
// own, and what it emits while there is no connection is lost, as clients are told.
//
// An upstream that is this router, or has its events from it, is refused.
package relay
