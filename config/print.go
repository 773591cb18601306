package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteTo prints the configuration as a TOML file that loads as the same
// configuration, each value followed by its origin. Secrets that are set are
// comments, because their text is not shown.
func (l *Loaded) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	b.WriteString("# The configuration in force, each value with where it was set. A running\n" +
		"# router takes new values of the keys marked [reload]; others need a restart.\n")
	keys := newTable()
	for _, section := range keys.sections() {
		fmt.Fprintf(&b, "\n[%s]\n", section)
		for _, k := range keys {
			in, name := k.split()
			if in != section {
				continue
			}
			fmt.Fprintf(&b, "\n# %s\n", describeKey(&k))
			value := k.get(&l.Config)
			literal := k.formatTOML(value)
			if k.Secret && k.format(value) != "" {
				b.WriteString("# ")
				literal = quoteTOML(k.show(value))
			}
			fmt.Fprintf(&b, "%s = %s # %s\n", name, literal, l.Origin[k.Name])
		}
		for _, n := range allNamed() {
			if in, _, _ := strings.Cut(n.name, "."); in == section {
				l.writeNamed(&b, &n)
			}
		}
	}
	n, err := b.WriteTo(w)
	if err != nil {
		return n, fmt.Errorf("cannot print the configuration: %w", err)
	}
	return n, nil
}

// writeNamed prints named tables, or where there are none, how one would look.
func (l *Loaded) writeNamed(b *bytes.Buffer, n *named) {
	fmt.Fprintf(b, "\n# [%s.NAME], any number of them, in the file only: %s\n", n.name, n.doc)
	names := n.names(&l.Config)
	if len(names) == 0 {
		for _, k := range n.keys("NAME") {
			fmt.Fprintf(b, "#   %s: %s\n", k.bare(), describeKey(&k))
		}
	}
	for _, name := range names {
		fmt.Fprintf(b, "\n[%s.%s]\n", n.name, name)
		for _, k := range n.keys(name) {
			fmt.Fprintf(b, "%s = %s # %s\n", k.bare(), k.formatTOML(k.get(&l.Config)), l.Origin[k.Name])
		}
	}
}

// describeKey says what a key does, and whether it can change in a running router.
func describeKey(k *Key) string {
	if k.Reload {
		return k.Doc + " [reload]"
	}
	return k.Doc
}

// quoteTOML writes s as a basic string. Valid values hold no control
// characters, which are all that would have to be escaped besides.
func quoteTOML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
