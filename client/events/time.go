package events

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Time is the moment of an event, in UTC. It is decoded from either form that
// the protocol allows, a string of RFC 3339 or a number of Unix seconds, and
// encoded as the string. What is finer than a nanosecond is cut off.
type Time struct{ time.Time }

// RFC 3339 can name the years 0 to 9999.
const (
	minUnix = -62167219200 // 0000-01-01T00:00:00Z
	maxUnix = 253402300799 // 9999-12-31T23:59:59Z
)

// UnmarshalJSON reads either form.
func (t *Time) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		text, err := strconv.Unquote(string(data))
		if err != nil {
			return fmt.Errorf("a time of RFC 3339 has no escapes: %.64s", data)
		}
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return err
		}
		t.Time = parsed.UTC()
		return nil
	}
	parsed, err := parseUnix(string(data))
	if err != nil {
		return fmt.Errorf("%w: %.64s", err, data)
	}
	t.Time = parsed
	return nil
}

// parseUnix reads a JSON number of seconds since 1970.
func parseUnix(text string) (time.Time, error) {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return time.Time{}, errors.New("expected a time of RFC 3339 or a number of Unix seconds")
	}
	// So large an exponent makes no moment of any year; it must not make a
	// number of a million digits either.
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if e, err := strconv.Atoi(text[i+1:]); err != nil || e < -30 || e > 30 {
			return time.Time{}, errors.New("not a number of Unix seconds within the years 0 to 9999")
		}
	}
	seconds, ok := new(big.Rat).SetString(text)
	if !ok {
		return time.Time{}, errors.New("expected a time of RFC 3339 or a number of Unix seconds")
	}
	ns := new(big.Int).Mul(seconds.Num(), big.NewInt(int64(time.Second)))
	ns.Div(ns, seconds.Denom()) // rounds down, as the denominator is positive
	unix, rest := new(big.Int).DivMod(ns, big.NewInt(int64(time.Second)), new(big.Int))
	if !unix.IsInt64() || unix.Int64() < minUnix || unix.Int64() > maxUnix {
		return time.Time{}, errors.New("not a number of Unix seconds within the years 0 to 9999")
	}
	return time.Unix(unix.Int64(), rest.Int64()).UTC(), nil
}
