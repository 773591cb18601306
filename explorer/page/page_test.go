package page

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/adic-network/router/event"
	"github.com/adic-network/router/web"
	"github.com/adic-network/router/web/webtest"
)

func mustAssets(t *testing.T) map[string]web.Asset {
	t.Helper()
	assets, err := web.Assets(Files)
	if err != nil {
		t.Fatal(err)
	}
	return assets
}

func TestPageHoldsTogether(t *testing.T) {
	webtest.HoldsTogether(t, mustAssets(t), Index)
}

// What the pages ask for is there.
func TestPathsOfTheAPI(t *testing.T) {
	served := []string{
		"api/v1/messages", "api/v1/messages/", "api/v1/addresses/", "api/v1/proposals/", "api/v1/timeline/",
		"api/v1/events", "api/v1/events/", "api/v1/stats", "api/v1/stats/series", "api/v1/search", "api/v1/openapi.json",
		"health/streaming", "metrics", "v1/events", "v1/events/types", "v1/sse/events", "v1/ws/events",
	}
	lists := []string{"addresses", "messages", "validators", "proposals", "events"}
	asked := map[string]bool{}
	for name, asset := range mustAssets(t) {
		text := string(asset.Body)
		for _, path := range append(webtest.All("['\"`]((?:api/)?v1/[^?$'\"`]*)", text), webtest.All(`resource\('(health[^']*)'\)`, text)...) {
			asked[path] = true
			if path != "api/v1/" && !slices.Contains(served, path) {
				t.Errorf("%s asks for %s, which is not served", name, path)
			}
		}
		if strings.Contains(text, "return listing({") {
			for _, path := range webtest.All(`path: '([^']+)'`, text) {
				if !slices.Contains(lists, path) {
					t.Errorf("%s lists %s, of which there is no list", name, path)
				}
			}
		}
	}
	description, err := os.ReadFile("../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range served {
		path, described := strings.CutPrefix(path, "api/v1/")
		if described && path != "openapi.json" && !strings.Contains(string(description), `"/api/v1/`+path) {
			t.Errorf("the API has no path that begins with /api/v1/%s", path)
		}
	}
	if len(asked) < 12 {
		t.Errorf("found only %v", asked)
	}
}

// Links lead where the index has something: its table of fields is that of the pages.
func TestFieldsOfIdentifiers(t *testing.T) {
	indexed := map[string]string{}
	source, err := os.ReadFile("../store/fields.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, match := range regexp.MustCompile(`(kind\w+)\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		kinds[match[1]] = match[2]
	}
	for _, match := range regexp.MustCompile(`"(\w+)":\s+(kind\w+),`).FindAllStringSubmatch(string(source), -1) {
		indexed[match[1]] = kinds[match[2]]
	}
	if len(indexed) < 40 {
		t.Fatalf("found only the fields %v in the source of the index", indexed)
	}
	linked := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^  (\w+): \[([^\]]*)\],$`).FindAllStringSubmatch(string(mustAssets(t)["fields.js"].Body), -1) {
		for _, field := range webtest.All(`'(\w+)'`, match[2]) {
			linked[field] = match[1]
		}
	}
	if !maps.Equal(linked, indexed) {
		t.Errorf("the pages link %v, want %v", linked, indexed)
	}
}

// Each type has a sentence, of fields that it has.
func TestSentences(t *testing.T) {
	text := string(mustAssets(t)["story.js"].Body)
	sentences := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^  (\w+): '(.*)',$`).FindAllStringSubmatch(text, -1) {
		sentences[match[1]] = match[2]
	}
	for _, typ := range event.Default().Types() {
		sentence, ok := sentences[typ.Name]
		if !ok {
			t.Errorf("%s has no sentence", typ.Name)
		}
		delete(sentences, typ.Name)
		for _, field := range webtest.All(`\{(\w+)\}`, sentence) {
			if !slices.ContainsFunc(typ.Fields, func(f event.Field) bool { return f.Name == field }) {
				t.Errorf("the sentence of %s has %s, which the event has not", typ.Name, field)
			}
		}
	}
	for name := range sentences {
		t.Errorf("there is no event type %s", name)
	}
}
