package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What each package may import of the others and of the two large libraries is
// the shape of the project (ARCHITECTURE.md). Packages not named may import all.
var importRules = []struct {
	of        string
	forbidden []string
	why       string
}{
	{"event", []string{"journal", "cluster", "access", "actors", "server", "config", "source", "bench", "asynkron/protoactor-go", "valyala/fasthttp"},
		"event is the domain: the standard library only"},
	{"config", []string{"journal", "cluster", "access", "event", "actors", "server", "source", "bench", "asynkron/protoactor-go", "valyala/fasthttp"},
		"config knows no other package"},
	{"access", []string{"journal", "cluster", "actors", "server", "source", "bench", "asynkron/protoactor-go", "valyala/fasthttp"},
		"access decides on credentials, whatever carries them"},
	{"journal", []string{"cluster", "access", "actors", "server", "config", "source", "bench", "asynkron/protoactor-go", "valyala/fasthttp", "VictoriaMetrics/metrics"},
		"a journal keeps events, whatever becomes of them"},
	{"cluster", []string{"journal", "access", "server", "source", "bench", "valyala/fasthttp"},
		"a cluster keeps events for routers, whoever serves them"},
	{"actors", []string{"journal", "access", "cluster", "server", "config", "source", "bench", "valyala/fasthttp"},
		"actors are the router, whatever serves it"},
	{"client/...", []string{"cluster", "journal", "access", "actors", "server", "config", "source", "bench", "asynkron/protoactor-go", "valyala/fasthttp", "VictoriaMetrics/metrics"},
		"a client of routers is not part of one"},
	{"source/...", []string{"cluster", "journal", "access", "actors", "server", "config", "bench", "asynkron/protoactor-go", "valyala/fasthttp"},
		"a source publishes, and does not care to whom"},
	{"bench", []string{"journal", "access", "actors", "server", "config", "source", "asynkron/protoactor-go", "valyala/fasthttp"},
		"the load generator is a client"},
	{"explorer/store", []string{"access", "actors", "bench", "client", "cluster", "config", "explorer/api", "journal", "logging", "server", "source", "web", "asynkron/protoactor-go", "valyala/fasthttp"},
		"a store keeps events, wherever they come from"},
	{"logging", []string{"event", "actors", "server", "config", "source", "bench", "systemd", "asynkron/protoactor-go", "valyala/fasthttp"},
		"a log knows nothing of what is logged"},
	{"web", []string{"access", "actors", "client", "cluster", "config", "event", "journal", "logging", "server", "source", "asynkron/protoactor-go", "valyala/fasthttp"},
		"files of frontends are the same for every server"},
	{"explorer/store", []string{"access", "actors", "client", "cluster", "config", "journal", "logging", "server", "source", "web", "asynkron/protoactor-go", "valyala/fasthttp", "VictoriaMetrics/metrics"},
		"an index keeps events, wherever they come from"},
	{"explorer/api", []string{"access", "actors", "cluster", "journal", "logging", "server", "source", "asynkron/protoactor-go", "valyala/fasthttp"},
		"the API is for net/http, whatever serves it"},
	{"explorer", []string{"access", "actors", "cluster", "config", "journal", "logging", "server", "source", "web", "asynkron/protoactor-go", "valyala/fasthttp"},
		"an indexer is a client that keeps what it gets"},
	{"systemd", []string{"event", "actors", "server", "config", "source", "bench", "logging", "asynkron/protoactor-go", "valyala/fasthttp"},
		"the protocols are the same for every service"},
}

const module = "github.com/adic-network/router/"

func TestImportRules(t *testing.T) {
	for _, rule := range importRules {
		for _, dep := range deps(t, "-deps", module+rule.of) {
			for _, f := range rule.forbidden {
				if strings.HasPrefix(dep, module+f) || strings.HasPrefix(dep, "github.com/"+f) {
					t.Errorf("%s depends on %s: %s", rule.of, dep, rule.why)
				}
			}
		}
	}
}

// protoactor is imported in actors only, fasthttp in server only.
func TestLibrariesHaveOneHome(t *testing.T) {
	homes := map[string]string{"github.com/asynkron/protoactor-go": "actors", "github.com/valyala/fasthttp": "server",
		"github.com/fasthttp/websocket": "server", "github.com/golang-jwt/jwt": "access", "github.com/nats-io": "cluster",
		"modernc.org/sqlite": "explorer/store", "github.com/jackc/pgx": "explorer/store"}
	for _, line := range deps(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...") {
		pkg, imports, _ := strings.Cut(line, " ")
		for library, home := range homes {
			if strings.Contains(imports, library) && pkg != module+home && !strings.HasPrefix(pkg, module+home+"/") {
				t.Errorf("%s imports %s, whose home is %s", pkg, library, home)
			}
		}
	}
}

func TestEventNeedsTheStandardLibraryOnly(t *testing.T) {
	for _, dep := range deps(t, "-deps", module+"event") {
		if strings.Contains(strings.SplitN(dep, "/", 2)[0], ".") && !strings.HasPrefix(dep, module+"event") {
			t.Errorf("event depends on %s", dep)
		}
	}
}

func deps(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("cannot list imports: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	return lines
}
