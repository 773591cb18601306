package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adic-network/router/config"
	"github.com/adic-network/router/event"
	"github.com/adic-network/router/server"
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

// The tables of docs/protocol.md are those of the code:
//
//	go test ./cmd/adic -run ProtocolPage -update
func TestProtocolPage(t *testing.T) {
	const file = "../../docs/protocol.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for name, write := range map[string]func(w io.Writer) error{
		"endpoints":   server.WriteEndpoints,
		"parameters":  server.WriteParameters,
		"close codes": writeCloseCodes,
	} {
		head, rest, begins := strings.Cut(page, "<!-- "+name+": made from the code -->\n\n")
		_, tail, ends := strings.Cut(rest, "\n<!-- end of "+name+" -->")
		if !begins || !ends {
			t.Fatalf("docs/protocol.md has no place for the %s", name)
		}
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		page = head + "<!-- " + name + ": made from the code -->\n\n" + b.String() + "\n<!-- end of " + name + " -->" + tail
	}
	switch {
	case page == string(text):
	case *update:
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/protocol.md is not what the code says; run: go test ./cmd/adic -run ProtocolPage -update")
	}
}

// writeCloseCodes writes a table of the constants of package actors, and what stands
// beside each.
func writeCloseCodes(w io.Writer) error {
	file, err := parser.ParseFile(token.NewFileSet(), "../../actors/wsframe.go", nil, parser.ParseComments)
	if err != nil {
		return err
	}
	fmt.Fprint(w, "| close code | why |\n| --- | --- |\n")
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && err == nil && strings.HasPrefix(v.Names[0].Name, "Close") {
			if v.Comment == nil {
				err = fmt.Errorf("%s says nothing", v.Names[0].Name)
				return false
			}
			fmt.Fprintf(w, "| %s | %s |\n", v.Values[0].(*ast.BasicLit).Value, strings.TrimSpace(v.Comment.Text()))
		}
		return true
	})
	return err
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
