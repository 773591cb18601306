package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// A tab is a page in Chromium that a test operates.
type tab struct {
	*process
	asked int
}

// openTab opens a page. options are Playwright's of a page, such as its size.
func openTab(t *testing.T, url string, options map[string]any) *tab {
	t.Helper()
	return &tab{process: start(t, tool(t, "node"), "testdata/clients/remote.js", url, mustJSON(t, options))}
}

// do runs JavaScript that has Playwright's page, and decodes what it returns into
// result, which may be nil.
func (p *tab) do(t *testing.T, code string, result any) {
	t.Helper()
	fmt.Fprintln(p.stdin, mustJSON(t, code))
	p.asked++
	type answer struct {
		Type  string
		Value json.RawMessage
		Error string
	}
	var got answer
	eventually(t, "the page answers to "+code, func() bool {
		p.mustRun(t)
		answers := 0
		for _, line := range p.stdout.lines() {
			var a answer
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				t.Fatalf("printed %q: %v", line, err)
			}
			if a.Type == "Result" {
				answers++
				got = a
			}
		}
		return answers == p.asked
	})
	if got.Error != "" {
		t.Fatalf("%s\n%s", code, got.Error)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(got.Value, result); err != nil {
		t.Fatalf("%s\nreturned %s: %v", code, got.Value, err)
	}
}

// act operates an element that a selector finds: a click, or what the code does
// with it, such as fill("text").
func (p *tab) act(t *testing.T, selector, code string) {
	t.Helper()
	p.do(t, fmt.Sprintf("await page.locator(%q).first().%s", selector, code), nil)
}

func (p *tab) click(t *testing.T, selector string) {
	t.Helper()
	p.act(t, selector, "click()")
}

// text returns what an element shows.
func (p *tab) text(t *testing.T, selector string) (text string) {
	t.Helper()
	p.do(t, fmt.Sprintf("return await page.locator(%q).first().innerText()", selector), &text)
	return text
}

// texts returns what all elements show that a selector finds.
func (p *tab) texts(t *testing.T, selector string) (texts []string) {
	t.Helper()
	p.do(t, fmt.Sprintf("return await page.locator(%q).allInnerTexts()", selector), &texts)
	return texts
}

// await waits until an element shows what holds says is right.
func (p *tab) await(t *testing.T, selector, what string, holds func(text string) bool) (text string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s shows %q", selector, text)
		}
	}()
	eventually(t, what, func() bool {
		text = p.text(t, selector)
		return holds(text)
	})
	return text
}

// awaitTexts waits until the elements that a selector finds show exactly this.
func (p *tab) awaitTexts(t *testing.T, selector string, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("%s show %q, want %q", selector, got, want)
		}
	}()
	eventually(t, "the page shows what it should", func() bool {
		got = p.texts(t, selector)
		return slices.Equal(got, want)
	})
}

// consoleErrors returns what was wrong on the page so far.
func (p *tab) consoleErrors(t *testing.T) (errors []string) {
	t.Helper()
	for _, r := range p.records(t) {
		if r.Type == "ConsoleError" {
			errors = append(errors, r.Text)
		}
	}
	return errors
}
