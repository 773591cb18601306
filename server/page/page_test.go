package page

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/adic-network/router/web"
)

// There is no build step that would find them: files that are not there, elements
// that are not in the page, and what the policy forbids.
func TestPageHoldsTogether(t *testing.T) {
	assets, err := web.Assets(Files)
	if err != nil {
		t.Fatal(err)
	}
	all := func(pattern, text string) (found []string) {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		return found
	}
	index := string(assets[Index].Body)
	used := map[string]bool{Index: true}
	for _, name := range all(`(?:src|href)="assets/([^"]+)"`, index) {
		used[name] = true
	}
	for name, asset := range assets {
		text := string(asset.Body)
		for _, module := range all(`from '\./([^']+)'`, text) {
			used[module] = true
		}
		if path.Ext(name) != ".js" {
			continue
		}
		for _, id := range all(`byId\('([^']+)'\)`, text) {
			if strings.Count(index, ` id="`+id+`"`) != 1 {
				t.Errorf("%s uses the element %q, of which the page has not one", name, id)
			}
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "localStorage", "http://www.", "https://"} {
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
		if strings.Contains(index, forbidden) {
			t.Errorf("the page has %s", forbidden)
		}
	}
}
