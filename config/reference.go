package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteReference writes what there is to configure, as a page in Markdown: every key
// with its default, its range and whether it can change while the router runs.
func WriteReference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(`# Configuration

Made by ` + "`adic config --reference`" + `. Each key can be set in a TOML file (` + "`--config FILE`" + ` or
` + "`ADIC_CONFIG`" + `), in the environment (` + "`api.port`" + ` as ` + "`ADIC_API_PORT`" + `) and by a flag (` + "`--api.port`" + `),
each over the one before. Keys marked *live* take new values at SIGHUP, the others at a
restart. A key that does not exist is an error, which names the one that was meant.
` + "`adic config`" + ` prints the values in force and where each comes from.
`)
	keys := newTable()
	for _, section := range keys.sections() {
		fmt.Fprintf(&b, "\n## [%s]\n\n", section)
		writeTableHead(&b)
		for _, k := range keys {
			if in, _ := k.split(); in == section {
				writeRow(&b, &k)
			}
		}
		for _, n := range allNamed() {
			if in, _, _ := strings.Cut(n.name, "."); in != section {
				continue
			}
			fmt.Fprintf(&b, "\n### [%s.NAME]\n\nAny number of them, in the file only: %s.\n\n", n.name, n.doc)
			writeTableHead(&b)
			for _, k := range n.keys("NAME") {
				writeRow(&b, &k)
			}
		}
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("cannot print the reference: %w", err)
	}
	return nil
}

func writeTableHead(b *bytes.Buffer) {
	b.WriteString("| key | default | what |\n| --- | --- | --- |\n")
}

func writeRow(b *bytes.Buffer, k *Key) {
	what := escapeCell(k.Doc)
	if k.Reload {
		what += " *live*"
	}
	if k.Also != "" {
		what += " (also `" + k.Also + "` in the environment)"
	}
	value := ""
	if k.Default != "" {
		value = "`" + k.Default + "`"
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.bare(), value, what)
}

// escapeCell returns s as the text of a table's cell.
func escapeCell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`).Replace(s)
}
