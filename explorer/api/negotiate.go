package api

import (
	"strconv"
	"strings"
)

// acceptsGzip reports whether a client that sent these values of Accept-Encoding
// (RFC 9110 §12.5.3) takes gzip, and does not like the plain form better.
func acceptsGzip(values []string) bool {
	gzip, any, identity := -1.0, -1.0, 0.0 // -1 is not named
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			coding, parameters, _ := strings.Cut(element, ";")
			q := quality(parameters)
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				gzip = q
			case "*":
				any = q
			case "identity":
				identity = q
			}
		}
	}
	if gzip < 0 {
		gzip = any
	}
	return gzip > 0 && gzip >= identity
}

// quality returns the weight among the parameters of an element (RFC 9110 §12.4.2):
// 1 without one, 0 if it cannot be read.
func quality(parameters string) float64 {
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// noneMatch reports whether none of the validators in these values of If-None-Match is
// tag (RFC 9110 §13.1.2), by weak comparison: a proxy that compresses by itself makes
// a validator a weak one.
func noneMatch(values []string, tag string) bool {
	opaque := strings.TrimPrefix(tag, "W/")
	for _, value := range values {
		// A comma in a validator would cut it in two. Those that are made here have none.
		for element := range strings.SplitSeq(value, ",") {
			element = strings.TrimSpace(element)
			if element == "*" || strings.TrimPrefix(element, "W/") == opaque {
				return false
			}
		}
	}
	return true
}
