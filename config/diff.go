package config

// Change is a key whose value differs between two configurations.
type Change struct {
	Key      string
	Old, New string // as an environment variable would hold them; a secret is "***" if it is set
	Reload   bool   // whether a running router can take the new value
}

// Diff returns what changed from old to new, in the order of [Keys], and then
// the keys of named tables. A change of a secret is there even though its two
// texts are the same. A table that is in one of the two only differs in every key
// that it sets.
func Diff(old, new *Config) []Change {
	var changes []Change
	for _, k := range append(newTable(), entries(old, new)...) {
		from, to := k.get(old), k.get(new)
		// Texts differ exactly when values do.
		if k.format(from) != k.format(to) {
			changes = append(changes, Change{Key: k.Name, Old: k.show(from), New: k.show(to), Reload: k.Reload})
		}
	}
	return changes
}

// Reloaded returns what a router that runs with running works by when it
// reloads next: the keys that can change while it runs are those of next, the
// others stay. Of two valid configurations it can make one that is not, when
// next contradicts what stays: [Config.Validate] it before use.
func Reloaded(running, next Config) Config {
	for _, k := range newTable() {
		if k.Reload {
			k.set(&running, k.get(&next))
		}
	}
	for _, n := range allNamed() {
		if n.reload {
			n.in(&running).Set(n.in(&next))
		}
	}
	return running
}
