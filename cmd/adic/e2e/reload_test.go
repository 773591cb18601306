package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mustWrite replaces a file.
func mustWrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload replaces the configuration file and sends SIGHUP. It returns what was
// logged about it, up to the line with the message that ends it.
func (r *router) reload(t *testing.T, file, text, end string) []map[string]any {
	t.Helper()
	before := len(r.log(t))
	mustWrite(t, file, text)
	r.signal(syscall.SIGHUP)
	var about []map[string]any
	eventually(t, "the log says: "+end, func() bool {
		about = nil
		for _, l := range r.log(t)[before:] {
			var line map[string]any
			if err := json.Unmarshal([]byte(l.raw), &line); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(l.Message, "configuration") {
				about = append(about, line)
			}
			if l.Message == end {
				return true
			}
		}
		return false
	})
	return about
}

const (
	reloaded    = "configuration reloaded"
	notReloaded = "configuration not reloaded, the old one stays in force"
)

const firstConfig = `
[events]
low_priority_buffer = 10

[api]
max_websocket_connections = 2
cors_origins = ["https://one.example"]

[auth]
publish_token = "first-secret"

[stream]
client_message_rate = 1000
ping_interval = "30s"

[log]
level = "info"
`

const secondConfig = `
[events]
low_priority_buffer = 2

[api]
max_websocket_connections = 3
cors_origins = ["https://two.example"]

[auth]
publish_token = "second-secret"

[stream]
client_message_rate = 1
ping_interval = "20s"

[log]
level = "debug"
`

// SIGHUP changes what can change while running, for clients that are connected as
// well, and says what it did. A bad configuration changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "adic.toml")
	mustWrite(t, file, firstConfig)
	r := startOdd(t, nil, "--config", file)
	const low = `{"type":"EconomicsUpdated","total_supply":"1","circulating_supply":"1","treasury_balance":"1"}` + "\n"
	publishes := func(token string) int {
		status, _, _ := r.status(t, "POST", "/v1/events", low, "Authorization: Bearer "+token)
		return status
	}
	letsIn := func(origin string) int {
		status, _, _ := r.status(t, "GET", "/v1/events", "", "Origin: "+origin)
		return status
	}
	wantState := func(what string, want, got map[string]int) {
		t.Helper()
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: %s is %d, want %d", what, name, got[name], want[name])
			}
		}
	}
	state := func() map[string]int {
		return map[string]int{
			"the first token":        publishes("first-secret"),
			"the second token":       publishes("second-secret"),
			"the first origin":       letsIn("https://one.example"),
			"the second origin":      letsIn("https://two.example"),
			"what is retained":       len(parsePage(t, r.get(t, "/v1/events?since=earliest&priority=low")).Events),
			"the limit of websocket": int(r.metrics(t)["adic_websocket_connections_limit"]),
		}
	}

	stays, other := openSocket(t, r, ""), openSocket(t, r, "")
	if res := refused(t, r); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a third WebSocket was answered with %s", res.Status)
	}
	for range 15 {
		publishes("first-secret")
	}
	wantState("at the start", map[string]int{"the first token": 202, "the second token": 401, "the first origin": 200,
		"the second origin": 403, "what is retained": 10, "the limit of websocket": 2}, state())

	changes := make(map[string]map[string]any)
	for _, line := range r.reload(t, file, secondConfig, reloaded) {
		switch line["msg"] {
		case "configuration changed", "configuration change needs a restart":
			changes[line["key"].(string)] = line
		case reloaded:
			if line["changes"] != 6.0 {
				t.Errorf("%v changes are reported, want 6", line["changes"])
			}
		}
	}
	for key, want := range map[string][]string{ // the attributes of the line and their values
		"events.low_priority_buffer":    {"from", "10", "to", "2"},
		"api.max_websocket_connections": {"from", "2", "to", "3"},
		"api.cors_origins":              {"from", "https://one.example", "to", "https://two.example"},
		"auth.publish_token":            {"from", "***", "to", "***"},
		"stream.client_message_rate":    {"from", "1000", "to", "1"},
		"log.level":                     {"from", "info", "to", "debug"},
		"stream.ping_interval":          {"running", "30s", "file", "20s"},
	} {
		line := changes[key]
		if line == nil || line[want[0]] != want[1] || line[want[2]] != want[3] {
			t.Errorf("the log says about %s: %v, want %v", key, line, want)
		}
		if restart := key == "stream.ping_interval"; line != nil && restart != (line["msg"] == "configuration change needs a restart") {
			t.Errorf("the log says about %s: %v", key, line["msg"])
		}
	}
	if len(changes) != 7 {
		t.Errorf("%d changes are logged, want 7", len(changes))
	}
	second := map[string]int{"the first token": 401, "the second token": 202, "the first origin": 403,
		"the second origin": 200, "what is retained": 2, "the limit of websocket": 3}
	wantState("reloaded", second, state())
	openSocket(t, r, "")

	// Clients that were there before are under the new rate, and not cut off by
	// the change itself.
	for range 20 {
		other.say(t, `{"type":"Ping"}`)
	}
	other.await(t)
	if other.code != 1008 {
		t.Errorf("a client over the new rate was closed with %d", other.code)
	}
	before := len(stays.received())
	publishes("second-secret")
	eventually(t, "events still arrive", func() bool { return len(stays.received()) > before })

	// At the new level there is more to read: of a client that is cut off, say.
	eventually(t, "there is a place for another", func() bool { return r.metrics(t)["adic_websocket_connections"] < 3 })
	reset(t, openSocket(t, r, ""))
	eventually(t, "a line of level debug is logged", func() bool { l := r.find(t, "websocket error: connection lost"); return l != nil && l.Level == "DEBUG" })

	for name, bad := range map[string]struct {
		text  string
		parts []string
	}{
		"unknown key":            {strings.Replace(secondConfig, "cors_origins", "cors_origin", 1), []string{file, "cors_origin", "cors_origins"}},
		"no TOML":                {strings.Replace(secondConfig, "[api]", "[api", 1), []string{file}},
		"impossible value":       {strings.Replace(secondConfig, "low_priority_buffer = 2", "low_priority_buffer = 0", 1), []string{file, "events.low_priority_buffer"}},
		"at odds with what runs": {strings.Replace(secondConfig, "low_priority_buffer = 2", "low_priority_buffer = 70000\npending_events = 80000", 1), []string{"events.low_priority_buffer", "events.pending_events"}},
	} {
		// All of these would change the token, too.
		text := strings.Replace(bad.text, "second-secret", "third-secret", 1)
		lines := r.reload(t, file, text, notReloaded)
		failure, _ := lines[len(lines)-1]["error"].(string)
		for _, part := range bad.parts {
			if !strings.Contains(failure, part) {
				t.Errorf("%s: %q is not in %q", name, part, failure)
			}
		}
		wantState(name, second, state())
	}
	r.reload(t, file, firstConfig, reloaded)
	if got := publishes("first-secret"); got != http.StatusAccepted {
		t.Errorf("publishing with the first token again is answered with %d", got)
	}

	if strings.Contains(r.stderr.String(), "-secret") {
		t.Error("a token is in the log")
	}
}
