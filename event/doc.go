// Package event is the domain of the router: types of events and the catalogue
// that declares them, published events and how they are checked, filters,
// cursors, and the bytes that carry an event to a client. It knows the wire,
// but no connection; it starts no goroutine, takes no lock and imports the
// standard library only.
//
// # Contract
//
// A [Catalogue] declares up to [MaxTypes] types, each with a name, a dotted
// alias, a [Priority] and fields. It never changes. [Default] is that of the
// ADIC network; [ParseCatalogue] reads another.
//
// A [Parser] makes an [Event] of what a publisher sends, in the flat or in the
// tagged form (see [Format]), or says what is wrong with it. What can pass
// through passes through: numbers keep every digit, strings their escapes,
// fields their order, and fields that the catalogue does not name are kept.
// The event keeps nothing of the publisher's buffer. What the parser changes:
//
//   - `type` comes first and is the canonical name;
//   - white space between tokens goes, so that an event is one line;
//   - `timestamp` is RFC 3339 in UTC in the flat form (`Z`, all decimals kept)
//     and Unix seconds in the tagged form (an integer, rounded down), whichever
//     of the two came in; a missing one is the time of receipt, to the
//     millisecond, and comes last. A leap second is the second after it.
//
// It refuses, beyond what is no JSON: text that is not UTF-8; escapes of half a
// surrogate pair, which RFC 8259 §8.2 leaves unpredictable and strict readers
// refuse; nesting deeper than 64 (63 in the flat form); and, so that no two
// readers can disagree, a second `type` or a second value for a field of the
// catalogue. A uint is written in digits only: 42.0 and 4.2e1 are none.
//
// An event gets its place in the stream once, by [Event.Place], before it is
// shared. From then on it never changes, and any number of goroutines may ask
// it for [Event.Frame], the bytes of an [Encoding], which are made at the first
// call and are the same slice for every caller from then on. Nobody modifies
// them.
//
// A [TypeSet] is a filter: a set of types as bits. A [Cursor] is a position: a
// stream and how far one has come in each class. Both are values that are
// copied and compared.
//
// Errors are for people who have to put something right: they name the field,
// what was expected and what came, repeat at most 40 bytes of it, made
// printable, and propose the nearest right name.
package event
