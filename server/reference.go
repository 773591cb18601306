package server

import (
	"fmt"
	"io"
	"strings"
)

// WriteEndpoints writes a table of the paths that a server answers, in Markdown.
func WriteEndpoints(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| method and path | what |\n| --- | --- |\n")
	for _, r := range served {
		fmt.Fprintf(&b, "| `GET %s` | %s |\n", r.path, r.what)
		if r.post != nil {
			fmt.Fprintf(&b, "| `POST %s` | %s |\n", r.path, r.postWhat)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteParameters writes a table of the parameters of streams and polling, in Markdown.
func WriteParameters(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| parameter | values | without it |\n| --- | --- | --- |\n")
	for _, p := range parameters {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.name, p.values, p.without)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
