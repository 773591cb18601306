// Package access decides who may subscribe and who may publish.
//
// A credential is a token: of the operator's configuration, or a JSON Web Token
// (RFC 7519). It is verified once, when a client connects or publishes, and stands
// for a grant: what its holder may do, and until when. No error of this package
// holds a token or a part of one.
//
// Everything here is safe for concurrent use.
package access

import (
	"errors"
	"time"

	"github.com/adic-network/router/event"
)

// ErrDenied is wrapped by every error over a credential that is missing, wrong
// or no longer valid. The text of such an error is fit for the client.
var ErrDenied = errors.New("access denied")

// Grant is what a subscriber may see.
type Grant struct {
	// Subject is who the subscriber is (RFC 7519 §4.1.2). It is empty where
	// anyone may subscribe.
	Subject string
	// Types and Priorities are what may be subscribed to: an event has to be in
	// both.
	Types      event.TypeSet
	Priorities event.PrioritySet
	// Expires is when the grant ends, and the stream with it. Zero is never.
	Expires time.Time
}
