package main

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestDoor(t *testing.T) {
	const a, b = `{"type":"A","n":1}`, `{"type":"B"}`
	for _, tt := range []struct {
		name, body string
		status     int
		want       []string // channels and events in order
	}{
		{"one", a, 202, []string{"A", a}},
		{"array", "[" + a + "," + b + "]", 202, []string{"A", a, "B", b}},
		{"lines", a + "\r\n\n" + b + "\n", 202, []string{"A", a, "B", b}},
		{"nothing", "[]", 202, nil},
		{"no JSON", a + "}", 400, nil},
		{"no object", "[" + a + ",7]", 400, nil},
		{"no type", "[" + a + `,{"n":1}]`, 400, nil},
		{"over two lines", "{\n\"type\":\"A\"}", 400, nil},
		{"too large", `{"type":"` + strings.Repeat("x", maxBody) + `"}`, 413, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			door := newDoor(oneByOne(func(channel string, event []byte) error {
				got = append(got, channel, string(event))
				return nil
			}), toType)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, httptest.NewRequest("POST", "/v1/events", strings.NewReader(tt.body)))
			if w.Code != tt.status || !slices.Equal(got, tt.want) {
				t.Errorf("got %d %s, published %q, want %d, %q", w.Code, w.Body, got, tt.status, tt.want)
			}
		})
	}
}
