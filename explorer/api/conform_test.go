package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// described is openapi.json, read and found to be right.
var described = sync.OnceValue(func() *openapi3.T {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(openapi)
	if err == nil {
		err = doc.Validate(loader.Context)
	}
	if err != nil {
		panic("openapi.json: " + err.Error())
	}
	return doc
})

// conforms holds an answer against openapi.json, and notes that it did.
func (f *front) conforms(t testing.TB, r *http.Request, a answered) {
	t.Helper()
	wantHeaders(t, a, "X-Content-Type-Options: nosniff")
	if vary := a.Header.Values("Vary"); len(vary) == 0 || vary[0] != "Origin" {
		t.Errorf("Vary is %q, want Origin first", vary)
	}
	if a.body != "" {
		wantHeaders(t, a, fmt.Sprint("Content-Length: ", len(a.body)))
	}
	contentType := a.Header.Get("Content-Type")
	if strings.HasPrefix(r.URL.Path, "/api/") && a.body != "" && contentType != jsonType {
		t.Errorf("%s is answered with %q", r.URL, contentType)
	}
	if contentType != jsonType || r.Method == http.MethodHead {
		return
	}
	to, _, ok := match(r.URL.EscapedPath())
	if !ok || to.page || r.Method != http.MethodGet {
		plainError(t, r, a)
		return
	}
	item := described().Paths.Value(to.path)
	if item == nil || item.Get == nil {
		t.Fatalf("%s is not described", to.path)
	}
	body := []byte(a.body)
	if a.Header.Get("Content-Encoding") == "gzip" {
		body = unpack(t, body)
	}
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r,
			Route:   &routers.Route{Spec: described(), Path: to.path, PathItem: item, Method: r.Method, Operation: item.Get},
		},
		Status: a.StatusCode, Header: a.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		t.Errorf("%s %s = %d is not as described: %v\n%s", r.Method, r.URL, a.StatusCode, err, body)
	}
	f.note(to.path, a.StatusCode)
}

func (f *front) note(path string, status int) { f.seen[fmt.Sprint(path, " ", status)] = true }

// plainError checks the error for what is none of the operations.
func plainError(t testing.TB, r *http.Request, a answered) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s %s = %d %q: %v", r.Method, r.URL, a.StatusCode, a.body, err)
	}
	if err := described().Components.Schemas["Error"].Value.VisitJSON(v); err != nil {
		t.Errorf("%s %s = %d %s: %v", r.Method, r.URL, a.StatusCode, a.body, err)
	}
}

func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
