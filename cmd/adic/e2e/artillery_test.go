package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The load test that every operator can run: artillery drops the path of the
// URL, and each of its clients sends 60 texts that are no messages of the
// protocol, without waiting for the replies. Its exit status says nothing.
func TestArtilleryQuick(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"plain": nil, "compressed": {"--stream.compression"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRouter(t, flags...)
			file := filepath.Join(t.TempDir(), "report.json")
			out, err := run(t, "", tool(t, "artillery"), "quick", "--count", "100", "--num", "60",
				r.ws()+"/v1/ws/events", "--output", file)
			if err != nil {
				t.Fatalf("artillery failed: %v\n%s", err, out)
			}
			checkReport(t, file, 100, 6000)
			if t.Failed() {
				t.Log(out)
			}
			eventually(t, "all clients have gone", func() bool { return r.metrics(t)["adic_websocket_connections"] == 0 })
		})
	}
}

// The scenario of this repository, for 5 s, against a busy router. It checks
// what it receives, and its conditions make the exit status.
func TestArtilleryScenario(t *testing.T) {
	t.Parallel()
	r := startRouter(t, "--demo=100")
	file := filepath.Join(t.TempDir(), "report.json")
	out, err := run(t, "", tool(t, "artillery"), "run", "--environment", "short", "--target", r.ws(),
		"--output", file, "../../../bench/artillery/streaming.yml")
	if err != nil || strings.Contains(out, "fail:") || !strings.Contains(out, "ok: vusers.failed == 0") {
		t.Errorf("artillery's conditions do not hold: %v", err)
	}
	const users = 500 // 100 a second for 5 s
	checkReport(t, file, users, 5*users)
	if t.Failed() {
		t.Log(out)
	}
}

// checkReport checks the counters of artillery's report: that all users came to
// the end of their scenario without an error, and what they have sent.
func checkReport(t *testing.T, file string, users, messages int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Aggregate struct{ Counters map[string]int }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	counters := report.Aggregate.Counters
	for name, want := range map[string]int{
		"vusers.created": users, "vusers.completed": users, "vusers.failed": 0, "websocket.messages_sent": messages,
	} {
		if counters[name] != want {
			t.Errorf("%s is %d, want %d", name, counters[name], want)
		}
	}
	for name, n := range counters {
		if strings.HasPrefix(name, "errors.") {
			t.Errorf("%s: %d", name, n)
		}
	}
}
