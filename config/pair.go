package config

// pair is two keys of which one without the other makes no sense. Both are text.
type pair struct{ first, second string }

var pairs = []pair{{"api.tls_cert", "api.tls_key"}, {"cluster.tls_cert", "cluster.tls_key"}, {"cluster.user", "cluster.password"}}

// check returns the problem of a pair of which one is missing, told at the one
// that is set, or nil.
func (p pair) check(c *Config, keys table) *Problem {
	first, second := keys.lookup(p.first).get(c) != "", keys.lookup(p.second).get(c) != ""
	switch {
	case first && !second:
		return &Problem{Key: p.first, What: "is set without " + p.second, Remedy: "set both or none"}
	case second && !first:
		return &Problem{Key: p.second, What: "is set without " + p.first, Remedy: "set both or none"}
	}
	return nil
}
