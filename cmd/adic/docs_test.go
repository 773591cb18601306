package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
)

var update = flag.Bool("update", false, "write the generated pages of docs/ anew")

// The pages of docs/ that are made from tables in the code are those that the code
// makes today:
//
//	go test ./cmd/adic -run Generated -update
func TestGeneratedPages(t *testing.T) {
	for page, write := range map[string]func(b *bytes.Buffer) error{
		"configuration.md": func(b *bytes.Buffer) error { return config.WriteReference(b) },
		"events.md":        writeEvents,
	} {
		t.Run(page, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("../../docs", page)
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			have, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(have, b.Bytes()) {
				t.Errorf("docs/%s is not what the code says; run: go test ./cmd/adic -run Generated -update", page)
			}
		})
	}
}

// writeEvents writes the page of the event types.
func writeEvents(b *bytes.Buffer) error {
	b.WriteString(`# Event types

Made from the catalogue that is built in (` + "`go test ./cmd/adic -run Generated -update`" + `). A router
says which it runs with: ` + "`GET /v1/events/types`" + `. Another one can be given with
` + "`events.catalogue`" + `.

In filters names, aliases and prefixes of aliases (` + "`vrf.*`" + `) may be mixed. A field with a
question mark may be missing or null, one with brackets is an array. Timestamps are RFC 3339
in the flat form and Unix seconds in the tagged one; either is taken. Fields beside these are
kept as they are.
`)
	types := event.Default()
	for _, p := range event.Priorities() {
		fmt.Fprintf(b, "\n## Priority %s\n\n| type | alias | fields |\n| --- | --- | --- |\n", p)
		for _, t := range types.Types() {
			if t.Priority != p {
				continue
			}
			var fields []string
			for _, f := range t.Fields {
				fields = append(fields, "`"+f.Name+"` "+f.Type())
			}
			fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", t.Name, t.Alias, strings.ReplaceAll(strings.Join(fields, ", "), "|", `\|`))
		}
	}
	return nil
}
