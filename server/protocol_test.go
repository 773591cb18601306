package server

import (
	"os"
	"strings"
	"testing"
)

// The page of the protocol has every path that is served and every parameter.
func TestProtocolPageIsComplete(t *testing.T) {
	page, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/ws/events", "/v1/sse/events", "/v1/events", "/v1/events/types", "/v1/health/streaming",
		"/health", "/health/live", "/health/ready", "/metrics", "/v1/metrics", "/"} {
		if _, served := routes(path); !served {
			t.Errorf("%s is on the page and not served", path)
		}
		if !strings.Contains(string(page), "`GET "+path+"`") && !strings.Contains(string(page), "`"+path+"`") {
			t.Errorf("the page lacks %s", path)
		}
	}
}
