package event

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTimestamps(t *testing.T) {
	const refused = ""
	for _, test := range []struct {
		name, in string
		rfc3339  string // "" if in is refused
		unix     int64
	}{
		{"RFC 3339", `"2024-01-15T10:30:00Z"`, "2024-01-15T10:30:00Z", 1705314600},
		{"fraction", `"2024-01-15T10:30:00.123456789Z"`, "2024-01-15T10:30:00.123456789Z", 1705314600},
		{"every digit", `"2024-01-15T10:30:00.12345678901234567890Z"`, "2024-01-15T10:30:00.12345678901234567890Z", 1705314600},
		{"zeros of a fraction", `"2024-01-15T10:30:00.000Z"`, "2024-01-15T10:30:00.000Z", 1705314600},
		{"offset east", `"2024-01-15T12:00:00+01:30"`, "2024-01-15T10:30:00Z", 1705314600},
		{"offset west", `"2024-01-14T23:30:00.5-11:00"`, "2024-01-15T10:30:00.5Z", 1705314600},
		{"no offset known", `"2024-01-15T10:30:00-00:00"`, "2024-01-15T10:30:00Z", 1705314600},
		{"lower case", `"2024-01-15t10:30:00z"`, "2024-01-15T10:30:00Z", 1705314600},
		{"escapes", `"2024-01-15\u005410:30:00Z"`, "2024-01-15T10:30:00Z", 1705314600},
		{"leap day", `"2024-02-29T00:00:00Z"`, "2024-02-29T00:00:00Z", 1709164800},
		{"leap second", `"2016-12-31T23:59:60Z"`, "2017-01-01T00:00:00Z", 1483228800},
		{"leap second elsewhere", `"2017-01-01T05:29:60.5+05:30"`, "2017-01-01T00:00:00.5Z", 1483228800},
		{"before 1970, rounded down", `"1969-12-31T23:59:58.25Z"`, "1969-12-31T23:59:58.25Z", -2},
		{"first", `"0000-01-01T00:00:00Z"`, "0000-01-01T00:00:00Z", -62167219200},
		{"last", `"9999-12-31T23:59:59.999Z"`, "9999-12-31T23:59:59.999Z", 253402300799},

		{"Unix", `1705314600`, "2024-01-15T10:30:00Z", 1705314600},
		{"Unix 0", `0`, "1970-01-01T00:00:00Z", 0},
		{"Unix -0", `-0.0`, "1970-01-01T00:00:00Z", 0},
		{"Unix with fraction", `1705314600.25`, "2024-01-15T10:30:00.25Z", 1705314600},
		{"Unix of a float", `1705314600.0`, "2024-01-15T10:30:00Z", 1705314600},
		{"Unix with exponent", `1.7053146e9`, "2024-01-15T10:30:00Z", 1705314600},
		{"Unix with exponent and fraction", `1.70531460025E+9`, "2024-01-15T10:30:00.25Z", 1705314600},
		{"Unix with negative exponent", `170531460025e-2`, "2024-01-15T10:30:00.25Z", 1705314600},
		{"Unix small", `5e-3`, "1970-01-01T00:00:00.005Z", 0},
		{"Unix negative", `-1`, "1969-12-31T23:59:59Z", -1},
		{"Unix negative, rounded down", `-1.75`, "1969-12-31T23:59:58.25Z", -2},
		{"Unix negative with zeros", `-0.100`, "1969-12-31T23:59:59.9Z", -1},
		{"Unix first", `-62167219200`, "0000-01-01T00:00:00Z", -62167219200},
		{"Unix last", `253402300799.9`, "9999-12-31T23:59:59.9Z", 253402300799},

		{"null", `null`, refused, 0},
		{"bool", `true`, refused, 0},
		{"object", `{}`, refused, 0},
		{"empty", `""`, refused, 0},
		{"Unix in quotes", `"1705314600"`, refused, 0},
		{"milliseconds", `1705314600000`, refused, 0},
		{"year -1", `-62167219201`, refused, 0},
		{"year 10000", `253402300800`, refused, 0},
		{"just before year 0", `-62167219200.5`, refused, 0},
		{"year -1 by offset", `"0000-01-01T00:00:00+00:01"`, refused, 0},
		{"year 10000 by offset", `"9999-12-31T23:59:59-00:01"`, refused, 0},
		{"overflow", `9999999999999999999999999999999`, refused, 0},
		{"huge exponent", `1e999999999999999999999`, refused, 0},
		{"large exponent", `1e31`, refused, 0},
		{"tiny", `1e-400`, refused, 0},
		{"date only", `"2024-01-15"`, refused, 0},
		{"no zone", `"2024-01-15T10:30:00"`, refused, 0},
		{"space for T", `"2024-01-15 10:30:00Z"`, refused, 0},
		{"comma", `"2024-01-15T10:30:00,5Z"`, refused, 0},
		{"no decimals", `"2024-01-15T10:30:00.Z"`, refused, 0},
		{"no seconds", `"2024-01-15T10:30Z"`, refused, 0},
		{"one digit", `"2024-1-15T10:30:00Z"`, refused, 0},
		{"month 13", `"2024-13-15T10:30:00Z"`, refused, 0},
		{"month 0", `"2024-00-15T10:30:00Z"`, refused, 0},
		{"day 0", `"2024-01-00T10:30:00Z"`, refused, 0},
		{"February 30th", `"2024-02-30T10:30:00Z"`, refused, 0},
		{"February 29th", `"2023-02-29T10:30:00Z"`, refused, 0},
		{"hour 24", `"2024-01-15T24:00:00Z"`, refused, 0},
		{"minute 60", `"2024-01-15T10:60:00Z"`, refused, 0},
		{"second 61", `"2016-12-31T23:59:61Z"`, refused, 0},
		{"leap second within a day", `"2024-01-15T10:30:60Z"`, refused, 0},
		{"leap second within a month", `"2024-01-15T23:59:60Z"`, refused, 0},
		{"leap second on the first of a month", `"2024-02-01T10:59:60Z"`, refused, 0},
		{"leap second in the first hour of a month", `"2024-02-01T00:29:60Z"`, refused, 0},
		{"offset 24", `"2024-01-15T10:30:00+24:00"`, refused, 0},
		{"offset without colon", `"2024-01-15T10:30:00+0100"`, refused, 0},
		{"offset of hours", `"2024-01-15T10:30:00+01"`, refused, 0},
		{"something behind", `"2024-01-15T10:30:00Z "`, refused, 0},
		{"sign in a number", `"2024-01-15T+1:30:00Z"`, refused, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := scanTimestamp(t, test.in)
			if ok != (test.rfc3339 != refused) {
				t.Fatalf("accepted: %t, %v", ok, got)
			}
			if !ok {
				return
			}
			if s := string(got.appendRFC3339(nil)); s != test.rfc3339 || got.unix != test.unix {
				t.Errorf("%s is %s and %d, want %s and %d", test.in, s, got.unix, test.rfc3339, test.unix)
			}
		})
	}
}

func scanTimestamp(t testing.TB, in string) (instant, bool) {
	v, err := scan([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return parseTimestamp([]byte(in), v, nil)
}

func TestUnixAgainstRationals(t *testing.T) {
	first, last := big.NewInt(minUnix), big.NewInt(maxUnix)
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`-?(0|[1-9][0-9]{0,13})(\.[0-9]{1,12})?([eE][+-]?[0-3]?[0-9])?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(in)
		if !ok {
			t.Fatalf("%q is no number", in)
		}
		floor := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: rounds down
		got, ok := parseUnix([]byte(in), nil)
		if want := floor.Cmp(first) >= 0 && floor.Cmp(last) <= 0; ok != want {
			if i := strings.IndexAny(in, "eE"); !ok && i > 0 {
				var e int
				if _, err := fmt.Sscanf(in[i+1:], "%d", &e); err == nil && (e > 30 || e < -30) {
					return // over the bound on exponents
				}
			}
			t.Fatalf("%s accepted: %t, want %t", in, ok, want)
		}
		if !ok {
			return
		}
		back, _ := new(big.Rat).SetString(fmt.Sprintf("0.%s0", got.fraction))
		back.Add(back, new(big.Rat).SetInt64(got.unix))
		if got.unix != floor.Int64() || back.Cmp(exact) != 0 {
			t.Fatalf("%s is %d and 0.%s", in, got.unix, got.fraction)
		}
	})
}

func TestRFC3339AgainstTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")
		when := time.Unix(rapid.Int64Range(minUnix+86400, maxUnix-86400).Draw(t, "unix"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).
			In(time.FixedZone("", offset*60))
		in := when.Format(time.RFC3339Nano)
		got, ok := parseRFC3339([]byte(in))
		if !ok {
			t.Fatalf("%s refused", in)
		}
		if s := string(got.appendRFC3339(nil)); s != when.UTC().Format(time.RFC3339Nano) || got.unix != when.Unix() {
			t.Fatalf("%s is %s and %d", in, s, got.unix)
		}
	})
}

// The time of an event is its timestamp, whatever its form and its decimals.
func TestEventTime(t *testing.T) {
	for in, want := range map[string]string{
		`"2024-01-15T10:30:00.123456789Z"`:       "2024-01-15T10:30:00.123456789Z",
		`"2024-01-15T11:30:00.5+01:00"`:          "2024-01-15T10:30:00.5Z",
		`1705314600.25`:                          "2024-01-15T10:30:00.25Z",
		`"0000-01-01T00:00:00Z"`:                 "0000-01-01T00:00:00Z",
		`"2024-01-15T10:30:00.1234567890123Z"`:   "2024-01-15T10:30:00.123456789Z",
		`"9999-12-31T23:59:59.999999999999999Z"`: "9999-12-31T23:59:59.999999999Z",
	} {
		p := Parser{Catalogue: Default()}
		e, err := p.ParseEvent([]byte(`{"type":"TipsUpdated","tips":[],"timestamp":` + in + `,"count":1}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Time().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
