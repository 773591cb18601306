package config

import (
	"fmt"
	"slices"
	"time"
)

// Validate reports what is wrong with c, as [Problems] without origins, or
// nil. It is for configurations that were not loaded: [Load] returns valid
// ones only.
func (c *Config) Validate() error {
	var ps Problems
	keys := newTable()
	wrong := map[string]bool{}
	for _, k := range append(slices.Clone(keys), entries(c)...) {
		for _, p := range k.check(k.get(c)) {
			p.Key = k.Name
			ps = append(ps, p)
			wrong[k.Name] = true
		}
	}
	for _, r := range rulesOfOrder {
		if !wrong[r.lesser] && !wrong[r.greater] && !r.holds(c, keys) {
			ps = append(ps, r.problem(c, keys, r.lesser))
		}
	}
	for _, r := range pairs {
		if p := r.check(c, keys); p != nil && !wrong[r.first] && !wrong[r.second] {
			ps = append(ps, *p)
		}
	}
	ps = append(ps, checkNames(c)...)
	ps = append(ps, c.contradictions(wrong)...)
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// contradictions reports settings that cannot be together, but for what has to do with
// keys that are wrong by themselves.
func (c *Config) contradictions(wrong map[string]bool) (ps []Problem) {
	for _, among := range []struct {
		keys  []string
		check func() *Problem
	}{{jwtKeys, c.checkSubscribe}, {clusterKeys, c.checkCluster}, {relayKeys, c.checkRelay}} {
		if slices.ContainsFunc(among.keys, func(name string) bool { return wrong[name] }) {
			continue
		}
		if p := among.check(); p != nil {
			ps = append(ps, *p)
		}
	}
	return ps
}

// check reports what is wrong with v as the value of k alone. The problems
// have no key and no origin yet.
func (k *Key) check(v any) []Problem {
	if k.lo != nil && !inRange(k.lo, v, k.hi) {
		p := k.outOfRange(k.format(v))
		return []Problem{*p}
	}
	if k.oneOf != nil && !slices.Contains(k.oneOf, v.(string)) {
		remedy := "use " + k.allowed()
		if near := nearest(v.(string), k.oneOf); near != "" {
			remedy += "; did you mean " + near + "?"
		}
		return []Problem{{What: quote(v.(string)) + " is none of the choices", Remedy: remedy}}
	}
	switch v := v.(type) {
	case string:
		return k.checkForm(v)
	case []string:
		if len(v) == 0 && k.in != nil {
			return []Problem{{What: "names nothing", Remedy: "leave it out for all"}}
		}
		var ps []Problem
		for _, s := range v {
			ps = append(ps, k.checkForm(s)...)
		}
		return ps
	}
	return nil
}

// inRange compares values of one type. NaN is in no range.
func inRange(lo, v, hi any) bool {
	switch v := v.(type) {
	case int:
		return lo.(int) <= v && v <= hi.(int)
	case float64:
		return lo.(float64) <= v && v <= hi.(float64)
	case time.Duration:
		return lo.(time.Duration) <= v && v <= hi.(time.Duration)
	}
	panic(fmt.Sprintf("config: a %T has no range", v))
}

// ruleOfOrder says that of two keys of the same type one must not be more than
// the other.
type ruleOfOrder struct{ lesser, greater, reason string }

var rulesOfOrder = []ruleOfOrder{
	{"events.high_priority_buffer", "events.pending_events", "what waits must be able to fill a buffer"},
	{"events.medium_priority_buffer", "events.pending_events", "what waits must be able to fill a buffer"},
	{"events.low_priority_buffer", "events.pending_events", "what waits must be able to fill a buffer"},
	{"stream.batch_delay", "stream.max_batch_delay", "a client may ask for less, not be given more"},
	{"stream.max_event_size", "stream.max_body_size", "a body must be able to hold an event"},
	{"stream.max_body_size", "events.pending_bytes", "a body is accepted whole or not at all"},
}

func (r ruleOfOrder) holds(c *Config, keys table) bool {
	v := keys.lookup(r.lesser).get(c)
	return inRange(v, v, keys.lookup(r.greater).get(c))
}

// problem says at one of its keys that the rule does not hold.
func (r ruleOfOrder) problem(c *Config, keys table, at string) Problem {
	lesser, greater := keys.lookup(r.lesser), keys.lookup(r.greater)
	low, high := lesser.format(lesser.get(c)), greater.format(greater.get(c))
	if at == r.greater {
		return Problem{
			Key:    at,
			What:   fmt.Sprintf("%s is less than %s, which is %s", high, r.lesser, low),
			Remedy: "raise it or lower the other: " + r.reason,
		}
	}
	return Problem{
		Key:    at,
		What:   fmt.Sprintf("%s is more than %s, which is %s", low, r.greater, high),
		Remedy: "lower it or raise the other: " + r.reason,
	}
}
