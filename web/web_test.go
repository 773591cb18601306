package web

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestAssetsRefuses(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"a name that is taken":       {"chart.js", "chart.js is among the shared files too"},
		"a type that nobody expects": {"notes.txt", "notes.txt of the page is of a type"},
		"a type in capitals":         {"LIVE.CSS", "LIVE.CSS of the page is of a type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Assets(fstest.MapFS{test.file: {Data: []byte("x")}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

// A file has a validator of its own, which changes with it.
func TestTags(t *testing.T) {
	tags := make(map[string]bool)
	for _, text := range []string{"a", "b"} {
		assets, err := Assets(fstest.MapFS{"page.js": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		tags[assets["page.js"].ETag], tags[assets["page.js"].GzipETag] = true, true
	}
	if len(tags) != 4 {
		t.Errorf("two files in two forms have the validators %v", tags)
	}
}
