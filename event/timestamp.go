package event

import (
	"bytes"
	"strconv"
	"time"
)

// instant is a moment to any precision: whole seconds since 1970, rounded
// down, and the decimals behind them.
type instant struct {
	unix     int64
	fraction []byte // digits, without the point
}

// RFC 3339 can name the years 0 to 9999.
const (
	minUnix = -62167219200 // 0000-01-01T00:00:00Z
	maxUnix = 253402300799 // 9999-12-31T23:59:59Z
)

// instantOf returns the time of a clock to the millisecond, which is what
// browsers keep. The result shares memory with scratch.
func instantOf(now time.Time, scratch []byte) instant {
	t := instant{unix: now.Unix()}
	if ms := now.Nanosecond() / 1e6; ms > 0 {
		t.fraction = append(scratch, '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10))
	}
	return t
}

func (t instant) valid() bool { return minUnix <= t.unix && t.unix <= maxUnix }

// appendRFC3339 appends t in UTC, with all its decimals.
func (t instant) appendRFC3339(dst []byte) []byte {
	dst = time.Unix(t.unix, 0).UTC().AppendFormat(dst, time.RFC3339)
	if len(t.fraction) == 0 {
		return dst
	}
	dst = append(dst[:len(dst)-1], '.')
	dst = append(dst, t.fraction...)
	return append(dst, 'Z')
}

// parseTimestamp reads a timestamp of either kind. The result shares memory
// with data or scratch.
func parseTimestamp(data []byte, v value, scratch []byte) (t instant, ok bool) {
	switch v.kind {
	case stringValue:
		return parseRFC3339(text(data, v, scratch))
	case numberValue:
		return parseUnix(v.raw(data), scratch)
	}
	return t, false
}

// parseRFC3339 reads a date-time of RFC 3339 §5.6. A leap second is the second
// after it, as in Unix time. The result shares memory with b.
func parseRFC3339(b []byte) (t instant, ok bool) {
	const date = len("2006-01-02T15:04:05")
	if len(b) <= date || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' || b[16] != ':' {
		return t, false
	}
	century, ok1 := twoDigits(b[0:], 99)
	year, ok2 := twoDigits(b[2:], 99)
	month, ok3 := twoDigits(b[5:], 12)
	day, ok4 := twoDigits(b[8:], 31)
	hour, ok5 := twoDigits(b[11:], 23)
	minute, ok6 := twoDigits(b[14:], 59)
	second, ok7 := twoDigits(b[17:], 60)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) {
		return t, false
	}
	midnight := time.Date(100*century+year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if midnight.Day() != day || int(midnight.Month()) != month {
		return t, false // February 30th is March 1st to time.Date
	}
	b = b[date:]
	if b[0] == '.' {
		n := 1
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			n++
		}
		if n == 1 {
			return t, false
		}
		t.fraction, b = b[1:n], b[n:]
	}
	offset, ok := parseOffset(b)
	if !ok {
		return t, false
	}
	t.unix = midnight.Unix() + int64(hour*3600+minute*60+second-offset)
	if second == 60 {
		// Leap seconds are the last of a month in UTC.
		if next := time.Unix(t.unix, 0).UTC(); next.Day() != 1 || next.Hour() != 0 || next.Minute() != 0 {
			return t, false
		}
	}
	return t, t.valid()
}

// parseOffset reads "Z" or "+hh:mm" and returns seconds east of Greenwich.
func parseOffset(b []byte) (seconds int, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) != len("+hh:mm") || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	hour, ok1 := twoDigits(b[1:], 23)
	minute, ok2 := twoDigits(b[4:], 59)
	seconds = hour*3600 + minute*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok1 && ok2
}

func twoDigits(b []byte, most int) (n int, ok bool) {
	tens, ones := int(b[0])-'0', int(b[1])-'0'
	n = 10*tens + ones
	return n, 0 <= tens && tens <= 9 && 0 <= ones && ones <= 9 && n <= most
}

// parseUnix reads a JSON number of seconds since 1970, which may have decimals
// and an exponent. The result shares memory with scratch.
func parseUnix(b, scratch []byte) (t instant, ok bool) {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	exponent := 0
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(b[i+1:]))
		// So large an exponent makes no moment of any year, or one whose
		// decimals nobody measures; it must not make a million zeros.
		if err != nil || e < -30 || e > 30 {
			return t, false
		}
		b, exponent = b[:i], e
	}
	whole, decimals, _ := bytes.Cut(b, []byte{'.'})

	// The number is 0.digits times ten to the power of point.
	point := len(whole) + exponent
	digits := scratch
	for ; point < 0; point++ {
		digits = append(digits, '0')
	}
	digits = append(digits, whole...)
	digits = append(digits, decimals...)
	for len(digits) < point {
		digits = append(digits, '0')
	}
	for _, d := range digits[:point] {
		if t.unix = 10*t.unix + int64(d-'0'); t.unix > maxUnix+1 {
			return t, false
		}
	}
	t.fraction = bytes.TrimRight(digits[point:], "0")
	if negative {
		t.unix = -t.unix
		if n := len(t.fraction); n > 0 { // round down: -1.25 is -2 and 0.75
			t.unix--
			for i := range t.fraction[:n-1] {
				t.fraction[i] = '9' - t.fraction[i] + '0'
			}
			t.fraction[n-1] = '9' + 1 - t.fraction[n-1] + '0'
		}
	}
	return t, t.valid()
}
