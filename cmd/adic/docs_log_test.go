package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whatever the code logs at ERROR or WARN is in the runbook, word for word, and the
// runbook has none that the code does not log.
func TestEveryLogErrorIsInTheRunbook(t *testing.T) {
	runbook, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	found := loggedErrors(t)
	if len(found) < 30 {
		t.Fatalf("only %d messages were found: does this test still know how they are logged?", len(found))
	}
	for _, m := range found {
		want := "`" + m.text + "`"
		if m.more {
			want = "`" + m.text
		}
		if !strings.Contains(string(runbook), want) {
			t.Errorf("%s logs %s, of which docs/runbook.md says nothing", m.at, want)
		}
	}
	for _, prefix := range []string{"event error: ", "journal: ", "cluster: ", "cannot accept connections: "} {
		for i, part := range strings.Split(string(runbook), "`"+prefix) {
			rest, _, _ := strings.Cut(part, "`")
			if text := prefix + rest; i > 0 && !strings.HasSuffix(text, "…") && !slices.ContainsFunc(found, func(m message) bool { return m.text == text }) {
				t.Errorf("docs/runbook.md has %q, which nothing logs", text)
			}
		}
	}
}

// A message is one that the code can log.
type message struct {
	text string
	more bool   // something that is known only when it is logged follows
	at   string // where
}

// loggedErrors returns the messages that the module logs at ERROR and WARN, and at a
// level that is known only when it is logged. Programs that are run by developers, and
// examples, have no operators.
func loggedErrors(t *testing.T) []message {
	t.Helper()
	var all []message
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); slices.Contains([]string{"bench", "examples", "testdata", "node_modules", "dist"}, name) || strings.HasPrefix(name, ".") && path != root {
				return filepath.SkipDir
			}
			messages, err := loggedIn(path)
			all = append(all, messages...)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// loggedIn returns what the package in dir logs.
func loggedIn(dir string) ([]message, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	set := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	var found []message
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || err != nil {
				return err == nil
			}
			text := messageOf(call)
			if text == nil {
				return true
			}
			at := set.Position(call.Pos()).String()
			switch value, constant := constantText(text); {
			case constant:
				found = append(found, message{value, false, at})
			case value != "":
				found = append(found, message{value, true, at})
			default:
				made := madeBy(files, text)
				if len(made) == 0 {
					err = fmt.Errorf("%s: the message cannot be known: log a constant, and what differs as an attribute", at)
				}
				for _, value := range made {
					found = append(found, message{value, false, at})
				}
			}
			return true
		})
	}
	return found, err
}

// messageOf returns the message of a call that logs an error or a warning, or nil.
func messageOf(call *ast.CallExpr) ast.Expr {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if x, ok := f.X.(*ast.Ident); ok && x.Name == "net" { // net.Error is a type
		return nil
	}
	level := func(i int) bool { // one of slog's that is not an error
		l, ok := call.Args[i].(*ast.SelectorExpr)
		return ok && (l.Sel.Name == "LevelInfo" || l.Sel.Name == "LevelDebug")
	}
	switch name, n := f.Sel.Name, len(call.Args); {
	case (name == "Error" || name == "Warn") && n > 0:
		return call.Args[0]
	case (name == "ErrorContext" || name == "WarnContext") && n > 1:
		return call.Args[1]
	case (name == "Log" || name == "LogAttrs") && n > 2 && !level(1):
		return call.Args[2]
	case name == "NewRecord" && n == 4 && !level(1):
		return call.Args[2]
	}
	return nil
}

// constantText returns what is known of a text from its beginning on, and whether that
// is all.
func constantText(e ast.Expr) (text string, all bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, all := constantText(e.X)
		if !all {
			return left, false
		}
		right, all := constantText(e.Y)
		return left + right, all
	}
	return "", false
}

// madeBy returns the texts that a function of the package returns, if e is a call of
// one.
func madeBy(files []*ast.File, e ast.Expr) (texts []string) {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return nil
	}
	name, ok := call.Fun.(*ast.Ident)
	if !ok {
		return nil
	}
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != name.Name || f.Recv != nil {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					if text, all := constantText(r.Results[0]); all {
						texts = append(texts, text)
					}
				}
				return true
			})
		}
	}
	return texts
}
