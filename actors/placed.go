package actors

import "github.com/adic-network/router/event"

// Placed is an event whose position in its class was given elsewhere.
type Placed struct {
	Position uint64 // in its class, from 1
	Event    *event.Event
}
