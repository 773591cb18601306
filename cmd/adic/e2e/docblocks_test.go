package e2e

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents returns the pages for readers, by their paths in the repository.
func documents(t *testing.T) (pages []string) {
	t.Helper()
	root := "../../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (slices.Contains([]string{"node_modules", "testdata", "dist"}, name) || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			page, err := filepath.Rel(root, path)
			pages = append(pages, page)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// A block is one of code, of a page.
type block struct {
	language string
	line     int // of the page, of its first
	text     string
}

// codeBlocks returns the blocks of a page. Each has to be fenced, with its language: what
// is indented would be neither run nor read by anything.
func codeBlocks(t *testing.T, page string) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../..", page))
	if err != nil {
		t.Fatal(err)
	}
	const fence = "```"
	var open *block
	before := ""
	n, list := 0, false
	for line := range strings.Lines(string(text)) {
		n++
		trimmed := strings.TrimRight(line, "\n")
		switch {
		case open != nil && trimmed == fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		case strings.HasPrefix(trimmed, fence):
			open = &block{language: trimmed[len(fence):], line: n + 1}
			if open.language == "" {
				t.Errorf("%s:%d: a block without its language", page, n)
			}
		case strings.HasPrefix(trimmed, "    ") && strings.TrimSpace(before) == "" && !list:
			t.Errorf("%s:%d: an indented block; put it between ``` with its language, such as ```sh", page, n)
		case strings.HasPrefix(trimmed, "- "):
			list = true
		case trimmed != "" && trimmed[0] != ' ':
			list = false
		}
		before = trimmed
	}
	if open != nil {
		t.Errorf("%s:%d: a block without an end", page, open.line)
	}
	return blocks
}

// commandLine is what looks like a command for the shell.
var commandLine = regexp.MustCompile(`^(\$ |sudo |(\./)?adic |curl |make( |$)|go (run|test|build|tool) |docker |systemctl |journalctl |apt |nats )`)

// What the pages show is what the programs take that it is for.
func TestBlocksOfThePages(t *testing.T) {
	t.Parallel()
	for _, page := range documents(t) {
		nginx := map[bool]string{} // by whether it is a location
		for _, b := range codeBlocks(t, page) {
			bad := func(problem any) { t.Errorf("%s:%d: %s: %v\n%s", page, b.line, b.language, problem, b.text) }
			switch b.language {
			case "sh", "go": // TestCommandsOfThePages; the examples of package client
			case "toml":
				file := filepath.Join(t.TempDir(), "adic.toml")
				mustWrite(t, file, strings.ReplaceAll(b.text, `"sha256:…"`, `"sha256:`+strings.Repeat("0", 64)+`"`))
				if out, err := run(t, "", adic(), "config", "--check", "--config", file); err != nil {
					bad(out)
				}
			case "json":
				if !json.Valid([]byte(b.text)) {
					bad("not JSON")
				}
			case "js":
				cmd := exec.CommandContext(t.Context(), tool(t, "node"), "--check", "-")
				cmd.Stdin = strings.NewReader(b.text)
				if out, err := cmd.CombinedOutput(); err != nil {
					bad(string(bytes.TrimSpace(out)))
				}
			case "nginx":
				nginx[strings.HasPrefix(b.text, "location")] += b.text
			case "text", "ini", "promql", "console":
				for line := range strings.Lines(b.text) {
					if commandLine.MatchString(line) {
						bad("a command that is not run: it belongs between ```sh")
					}
				}
			default:
				bad("no test knows this language")
			}
		}
		if len(nginx) > 0 {
			startNginx(t, "worker_processes 1; error_log stderr; pid nginx.pid;\nevents { worker_connections 64; }\nhttp {\naccess_log off;\n"+
				"client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"+
				nginx[false]+"server { listen LISTEN;\n"+nginx[true]+"}\n}\n")
		}
	}
}
