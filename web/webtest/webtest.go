// Package webtest holds a frontend against what a build step would find: files that
// are not there, elements that are not in the page, and what the policy of package web
// forbids.
package webtest

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/adic-network/router/web"
)

// sinks are what makes markup or script of a string, keeps something beyond the tab,
// or reaches another server.
var sinks = []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "localStorage", "http://", "https://"}

// HoldsTogether fails the test if the files of a frontend, and the shared ones among
// them, do not make up a page. index is the document, which names its files as
// assets/NAME. Sources of modules may use the elements of the document with byId, and
// import from './NAME'.
func HoldsTogether(t *testing.T, assets map[string]web.Asset, index string) {
	t.Helper()
	document := string(assets[index].Body)
	used := map[string]bool{index: true}
	for _, name := range All(`(?:src|href)="assets/([^"]+)"`, document) {
		used[name] = true
	}
	for name, asset := range assets {
		text := string(asset.Body)
		for _, module := range All(`from '\./([^']+)'`, text) {
			used[module] = true
		}
		if path.Ext(name) != ".js" {
			continue
		}
		checkImports(t, assets, name)
		for _, id := range All(`byId\('([^']+)'\)`, text) {
			if strings.Count(document, ` id="`+id+`"`) != 1 {
				t.Errorf("%s uses the element %q, of which the page has not one", name, id)
			}
		}
		for _, sink := range sinks {
			if strings.Contains(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""), sink) {
				t.Errorf("%s has %s", name, sink)
			}
		}
	}
	for name := range used {
		if _, ok := assets[name]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
	for name := range assets {
		if !used[name] {
			t.Errorf("nothing uses %s", name)
		}
	}
	for _, forbidden := range []string{"<style", " style=", " onclick=", "<script>", `="http`, `="/`} {
		if strings.Contains(document, forbidden) {
			t.Errorf("the page has %s", forbidden)
		}
	}
}

// checkImports looks for names that a module imports and does not use, and for those
// that the other module does not export.
func checkImports(t *testing.T, assets map[string]web.Asset, name string) {
	t.Helper()
	text := string(assets[name].Body)
	for _, match := range regexp.MustCompile(`import \{([^}]*)\} from '\./([^']+)'`).FindAllStringSubmatch(text, -1) {
		exporter := string(assets[match[2]].Body)
		for symbol := range strings.SplitSeq(match[1], ",") {
			if symbol = strings.TrimSpace(symbol); symbol == "" {
				continue
			}
			word := regexp.MustCompile(`\b` + symbol + `\b`)
			if len(word.FindAllString(text, 2)) < 2 {
				t.Errorf("%s does not use %s", name, symbol)
			}
			if !regexp.MustCompile(`export (?:async )?(?:const|function\*?|class) ` + symbol + `\b`).MatchString(exporter) {
				t.Errorf("%s imports %s, which %s does not export", name, symbol, match[2])
			}
		}
	}
}

// All returns what the first group of a regular expression matches in a text.
func All(pattern, text string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
