package event

import "strconv"

// Dropped counts, by class, the events that a client should have had and did
// not get. The zero value is no loss.
type Dropped struct {
	Counts [NumPriorities]uint64
	// Unknown marks the classes in which more was lost than the router can
	// count; what Counts holds for them is not reported.
	Unknown [NumPriorities]bool
}

// IsZero reports whether nothing was lost.
func (d Dropped) IsZero() bool { return d == Dropped{} }

// Add counts the losses of other as well. A class that is unknown in one of
// them is unknown in the sum.
func (d *Dropped) Add(other Dropped) {
	for i := range d.Counts {
		d.Counts[i] += other.Counts[i]
		d.Unknown[i] = d.Unknown[i] || other.Unknown[i]
	}
}

// AppendJSON appends d as a JSON object to dst, with null for a class whose
// count is unknown:
//
//	{"high":0,"medium":3,"low":null}
func (d Dropped) AppendJSON(dst []byte) []byte {
	for i, name := range priorityNames {
		if i == 0 {
			dst = append(dst, '{', '"')
		} else {
			dst = append(dst, ',', '"')
		}
		dst = append(dst, name...)
		dst = append(dst, '"', ':')
		if d.Unknown[i] {
			dst = append(dst, "null"...)
		} else {
			dst = strconv.AppendUint(dst, d.Counts[i], 10)
		}
	}
	return append(dst, '}')
}

// AppendMessage appends the message that tells a client of its losses to dst:
// the payload of a WebSocket message, and the data of the SSE event Lagged.
func (d Dropped) AppendMessage(dst []byte) []byte {
	dst = append(dst, `{"type":"Lagged","dropped":`...)
	dst = d.AppendJSON(dst)
	return append(dst, '}')
}
