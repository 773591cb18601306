package config

import (
	"slices"
	"strings"
	"testing"
)

func TestExplorer(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"a file", "[explorer]\ndatabase = \"/var/lib/adic/explorer.db\"\n", ""},
		{"PostgreSQL", "[explorer]\ndatabase = \"postgres://adic@db:5432/explorer?sslmode=disable\"\ndatabase_password = \"hush\"\n", ""},
		{"no database", "[explorer]\ndatabase = \"\"\n", "explorer.database: is empty (use a path"},
		{"another database", "[explorer]\ndatabase = \"mysql://db/explorer\"\n", `begins with "mysql://", and is neither`},
		{"a password", "[explorer]\ndatabase = \"postgres://adic:secret@db/explorer\"\n", "set explorer.database_password"},
		{"a password behind", "[explorer]\ndatabase = \"postgresql://db/explorer?password=secret\"\n", "set explorer.database_password"},
		{"no URL", "[explorer]\ndatabase = \"postgres://a b\"\n", "is not a URL"},
		{"a user of the node", "[explorer]\nnode_url = \"ws://me:secret@node\"\n", "set explorer.node_token"},
		{"no node", "[explorer]\nnode_url = \"\"\n", "is not the URL of a router"},
		{"misspelt", "[explorer]\nenable_websockets = true\n", "did you mean explorer.enable_websocket?"},
		{"another section", "[explore]\nport = 1\n", "did you mean [explorer]?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(Sources{File: "adic.toml"}, []byte(test.file))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			case test.want != "" && strings.Contains(err.Error(), "secret"):
				t.Errorf("shows the password: %v", err)
			}
		})
	}
}

// The variables of the deployment checklist are read by the names that it gives them,
// with Python's way to write a boolean.
func TestVariablesOfTheExplorer(t *testing.T) {
	environ := []string{"ENABLE_EVENT_STREAMING=False", "ENABLE_WEBSOCKET=True", "ENABLE_SSE=false",
		"CORS_ORIGINS=https://a.org,https://b.org", "ADIC_NODE_URL=http://node:9121", "ADIC_EXPLORER_PORT=9300"}
	loaded, err := load(Sources{Environ: environ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := loaded.Config.Explorer
	if e.EnableEventStreaming || !e.EnableWebSocket || e.EnableSSE || len(e.CORSOrigins) != 2 || e.NodeURL != "http://node:9121" || e.Port != 9300 {
		t.Errorf("%+v", e)
	}
	if o := loaded.Origin["explorer.enable_sse"].String(); o != "environment ENABLE_SSE" {
		t.Errorf("enable_sse comes from %s", o)
	}

	_, err = load(Sources{Environ: []string{"ENABLE_SSE=maybe", "ADIC_NODE_URL=http://a", "ADIC_EXPLORER_NODE_URL=http://a"}}, nil)
	wantProblems(t, err, []string{
		"environment ADIC_NODE_URL: is set as well as ADIC_EXPLORER_NODE_URL (remove one of the two)",
		`environment ENABLE_SSE: "maybe" is not a boolean (use true or false)`,
	})
}

// A router starts whatever CORS_ORIGINS is for somebody else.
func TestForRouter(t *testing.T) {
	environ := []string{"PATH=/bin", "CORS_ORIGINS=https://a.org/", "ENABLE_SSE=maybe", "ADIC_NODE_URL=http://a", "ADIC_API_PORT=80", "", "=x"}
	want := []string{"PATH=/bin", "ADIC_NODE_URL=http://a", "ADIC_API_PORT=80", "", "=x"}
	if got := ForRouter(environ); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
