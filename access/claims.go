package access

import (
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/adic-network/router/event"
)

// grant reads the claims of a token that is valid.
func (j *JWT) grant(c jwt.MapClaims) (g Grant, err error) {
	if _, ok := c["aud"]; ok && j.audience == "" {
		// RFC 7519 §4.1.3: whoever is not the audience must refuse the token.
		return Grant{}, denied("the token is for an audience, and this router has no name as one (auth.jwt_audience)")
	}
	if sub, ok := c["sub"]; ok {
		if g.Subject, ok = sub.(string); !ok {
			return Grant{}, denied("the sub claim is not a string")
		}
	}
	if _, err := date(c, "nbf"); err != nil {
		return Grant{}, err
	}
	if g.Expires, err = date(c, "exp"); err != nil {
		return Grant{}, err
	}
	if !g.Expires.IsZero() {
		g.Expires = g.Expires.Add(j.leeway) // until then the token opens new streams, too
	}
	if g.Types, err = j.types(c); err != nil {
		return Grant{}, err
	}
	if g.Priorities, err = priorities(c); err != nil {
		return Grant{}, err
	}
	return g, nil
}

// date reads a NumericDate (RFC 7519 §2), in seconds since 1970. The library takes
// 0 for a claim that is absent, and wraps around on those that no time.Time holds.
func date(c jwt.MapClaims, name string) (time.Time, error) {
	const last = 253402300799 // of the year 9999
	v, ok := c[name]
	if !ok {
		return time.Time{}, nil
	}
	seconds, ok := v.(float64)
	if !ok || seconds < 1 || seconds > last {
		return time.Time{}, denied("the " + name + " claim is not a time in seconds since 1970")
	}
	return time.Unix(int64(seconds), 0), nil
}

// types reads the events claim: names, aliases and prefixes, or "all". Without one
// the holder may see every type; with an empty one none.
func (j *JWT) types(c jwt.MapClaims) (event.TypeSet, error) {
	names, ok, err := list(c, "events")
	if err != nil || !ok {
		return j.catalogue.All(), err
	}
	set, _, err := j.catalogue.ParseTypes(names)
	if err != nil {
		return event.TypeSet{}, denied("the events claim names what is no event type, alias or prefix here")
	}
	return set, nil
}

// priorities reads the priority claim, as types does the other. It may be a list
// with commas.
func priorities(c jwt.MapClaims) (set event.PrioritySet, err error) {
	names, ok, err := list(c, "priority")
	if err != nil || !ok {
		return event.AllPriorities, err
	}
	for _, name := range names {
		if strings.TrimSpace(name) == "" { // ParsePriorities takes that for all
			return 0, denied("the priority claim holds an empty name")
		}
		more, err := event.ParsePriorities(name)
		if err != nil {
			return 0, denied("the priority claim names what is neither high, medium, low nor all")
		}
		set |= more
	}
	return set, nil
}

// list reads a claim that is an array of strings. A string stands for an array of
// what is between its commas.
func list(c jwt.MapClaims, name string) (names []string, ok bool, err error) {
	switch v := c[name].(type) {
	case []any:
		for i, element := range v {
			s, ok := element.(string)
			if !ok {
				return nil, false, denied(fmt.Sprintf("element %d of the %s claim is not a string", i, name))
			}
			names = append(names, s)
		}
		return names, true, nil
	case string:
		for name := range strings.SplitSeq(v, ",") {
			names = append(names, strings.TrimSpace(name))
		}
		return names, true, nil
	}
	if _, ok := c[name]; ok {
		return nil, false, denied("the " + name + " claim is not an array of strings")
	}
	return nil, false, nil
}
