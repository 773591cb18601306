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
			fmt.Fprintf(&b, "\n# %s", k.Doc)
			if k.Reload {
				b.WriteString(" [reload]")
			}
			b.WriteByte('\n')
			value := k.get(&l.Config)
			literal := k.formatTOML(value)
			if k.Secret && k.format(value) != "" {
				b.WriteString("# ")
				literal = quoteTOML(k.show(value))
			}
			fmt.Fprintf(&b, "%s = %s # %s\n", name, literal, l.Origin[k.Name])
		}
	}
	n, err := b.WriteTo(w)
	if err != nil {
		return n, fmt.Errorf("cannot print the configuration: %w", err)
	}
	return n, nil
}

// quoteTOML writes s as a basic string. Valid values hold no control
// characters, which are all that would have to be escaped besides.
func quoteTOML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
