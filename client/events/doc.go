// Package events has a Go type for each type of event that ADIC nodes emit.
//
// [Decode] makes one from the JSON of an event in the flat form, which is what
// routers send by default:
//
//	decoded, err := events.Decode("MessageAdded", data)
//	switch e := decoded.(type) {
//	case *events.MessageAdded:
//		fmt.Println(e.MessageID, e.Depth)
//	}
//
// Nothing that the catalogue names is lost: integers are of 64 bits, a float is
// a [json.Number] with every digit of it, and what is optional is a pointer that
// is nil where the event has none. Only a [Time] ends at the nanosecond. Keys
// that the catalogue does not name are passed over, since newer nodes may say
// more than it knows; keys count in their exact case, unlike in encoding/json.
//
// The types are made from the catalogue of package event. Catalogues of a
// router's own need their JSON decoded by hand.
package events

//go:generate go run ./generate types.go
