package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/adic-network/router/explorer/store"
)

// A binding stands for a list and the filters that it was asked for with.
type binding [8]byte

// bind returns the binding of a list. filter is its query without the page.
func bind(list string, filter any) binding {
	text, err := json.Marshal(filter)
	if err != nil {
		panic(err) // structs of strings and times: cannot happen
	}
	sum := sha256.Sum256(append([]byte(list+"\x00"), text...))
	return binding(sum[:])
}

// A cursor in its text form is base64url (RFC 4648 §5, without padding) of
//
//	1 byte   version
//	8 bytes  checksum of what follows, and of the version
//	8 bytes  binding
//	8 bytes  Key.Seq, big-endian
//	8 bytes  Key.Value, IEEE 754, big-endian
//	         Key.ID in UTF-8
//
// The checksum is no secret: it finds mistakes. Whoever makes a cursor of his own is
// at a place in a list that he may read anyway.
const (
	cursorVersion = 1
	sumSize       = 8
	sumEnd        = 1 + sumSize
	cursorHead    = sumEnd + len(binding{}) + 8 + 8
	// maxCursor is the most bytes of a cursor's text.
	maxCursor = (cursorHead + maxID + 2) / 3 * 4
)

var (
	errDamaged = errors.New("it was cut or changed; pass next of the page before as it came")
	errForeign = errors.New("it is of another list, or of other filters; repeat the parameters of the page before, or leave the cursor out to begin anew")
	errVersion = errors.New("it was changed, or made by another version of the explorer; leave it out to begin anew")
)

// encodeCursor returns the text form of a place in a list.
func encodeCursor(of binding, key store.Key) string {
	b := make([]byte, sumEnd, cursorHead+len(key.ID))
	b[0] = cursorVersion
	b = append(b, of[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(key.Seq))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(key.Value))
	b = append(b, key.ID...)
	sum := cursorSum(b)
	copy(b[1:], sum[:])
	return base64.RawURLEncoding.EncodeToString(b)
}

// cursorSum is over everything but the checksum itself.
func cursorSum(b []byte) [sumSize]byte {
	sum := sha256.Sum256(append([]byte{b[0]}, b[sumEnd:]...))
	return [sumSize]byte(sum[:])
}

// decodeCursor reads what encodeCursor wrote for the same list.
func decodeCursor(text string, of binding) (store.Key, error) {
	// The decoder passes over line breaks.
	if len(text) > maxCursor || strings.ContainsAny(text, "\r\n") {
		return store.Key{}, errDamaged
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < cursorHead {
		return store.Key{}, errDamaged
	}
	if b[0] != cursorVersion {
		return store.Key{}, errVersion
	}
	if cursorSum(b) != [sumSize]byte(b[1:]) {
		return store.Key{}, errDamaged
	}
	rest := b[sumEnd:]
	if binding(rest) != of {
		return store.Key{}, errForeign
	}
	rest = rest[len(of):]
	key := store.Key{
		Seq:   int64(binary.BigEndian.Uint64(rest)),
		Value: math.Float64frombits(binary.BigEndian.Uint64(rest[8:])),
		ID:    string(rest[16:]),
	}
	if key.Seq < 0 || math.IsNaN(key.Value) || math.IsInf(key.Value, 0) || !utf8.ValidString(key.ID) {
		return store.Key{}, errDamaged
	}
	return key, nil
}
