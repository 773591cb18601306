package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A router that cannot work as it was told to does not start. It says what is
// wrong, where, and what would be right, in one line without a stack.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		file string // configuration, if there is one
		env  string // variable, if there is one
		args []string
		want []string
	}{
		{name: "port in use", args: []string{"--api.host", "127.0.0.1", "--api.port", port}, want: []string{"port " + port + " is in use", "--api.port"}},
		{name: "address of another machine", args: []string{"--api.host", "192.0.2.1", "--api.port", "0"}, want: []string{"api.host", "192.0.2.1"}},

		{name: "admin address in use", args: []string{"--api.port", "0", "--admin.listen", "127.0.0.1:" + port}, want: []string{"127.0.0.1:" + port + " is in use", "--admin.listen"}},
		{name: "admin address without a port", args: []string{"--admin.listen", "127.0.0.1"}, want: []string{"--admin.listen", "127.0.0.1:9123"}},
		{name: "certificate without its key", args: []string{"--api.tls_cert", "cert.pem"}, want: []string{"api.tls_cert", "api.tls_key", "both or none"}},
		{name: "no such certificate", args: []string{"--api.tls_cert", "/nowhere/cert.pem", "--api.tls_key", "/nowhere/key.pem"}, want: []string{"api.tls_cert", "/nowhere/cert.pem", "no such file"}},

		{name: "tokens without a key", args: []string{"--auth.subscribe", "jwt"}, want: []string{"auth.subscribe", "auth.jwt_secret, auth.jwt_key_file or auth.jwt_jwks_file"}},
		{name: "two sources of keys", args: []string{"--auth.subscribe", "jwt", "--auth.jwt_key_file", "key.pem", "--auth.jwt_jwks_file", "jwks.json"}, want: []string{"auth.subscribe", "keep one of"}},
		{name: "no such key file", args: []string{"--auth.subscribe", "jwt", "--auth.jwt_key_file", "/nowhere/key.pem"}, want: []string{"auth.jwt_key_file", "/nowhere/key.pem", "no such file"}},
		{name: "no such key set", args: []string{"--auth.subscribe", "jwt", "--auth.jwt_jwks_file", "/nowhere/jwks.json"}, want: []string{"auth.jwt_jwks_file", "/nowhere/jwks.json", "no such file"}},
		{name: "short secret", env: "ADIC_AUTH_JWT_SECRET=swordfish", args: []string{"--auth.subscribe", "jwt"}, want: []string{"ADIC_AUTH_JWT_SECRET", "shorter than 32", "openssl rand"}},
		{name: "mode of subscribing", file: "[auth]\nsubscribe = \"jwts\"", want: []string{"FILE:2", "auth.subscribe", "did you mean jwt?"}},
		{name: "nobody who may subscribe", args: []string{"--auth.subscribe", "token"}, want: []string{"auth.subscribe", "adic token new NAME --subscriber"}},

		{name: "unknown key in the file", file: "[events]\n\nhigh_priority_bufer = 5", want: []string{"FILE:3", "events.high_priority_bufer", "events.high_priority_buffer"}},
		{name: "unknown section in the file", file: "[event]\nhigh_priority_buffer = 5", want: []string{"FILE:1", "event", "events"}},
		{name: "unknown key in the environment", env: "ADIC_EVENTS_HIGH_PRIORITY_BUFER=5", want: []string{"ADIC_EVENTS_HIGH_PRIORITY_BUFER", "ADIC_EVENTS_HIGH_PRIORITY_BUFFER"}},
		{name: "unknown flag", args: []string{"--events.high_priority_bufer", "5"}, want: []string{"--events.high_priority_bufer", "--events.high_priority_buffer"}},
		{name: "unknown argument", args: []string{"now"}, want: []string{"now"}},

		{name: "buffer of 0 in the file", file: "[events]\nlow_priority_buffer = 0", want: []string{"FILE:2", "events.low_priority_buffer", "1 to 1000000"}},
		{name: "buffer of 0 in the environment", env: "ADIC_EVENTS_MEDIUM_PRIORITY_BUFFER=0", want: []string{"ADIC_EVENTS_MEDIUM_PRIORITY_BUFFER", "1 to 1000000"}},
		{name: "buffer of 0 as a flag", args: []string{"--events.high_priority_buffer", "0"}, want: []string{"--events.high_priority_buffer", "1 to 1000000"}},
		{name: "all buffers of 0", file: "[events]\nhigh_priority_buffer = 0\nmedium_priority_buffer = 0\nlow_priority_buffer = 0", want: []string{"FILE:2", "FILE:3", "FILE:4"}},
		{name: "buffer above what may be pending", file: "[events]\npending_events = 10", want: []string{"events.pending_events", "10"}},

		{name: "wrong type", file: "[api]\nport = \"http\"", want: []string{"FILE:2", "api.port"}},
		{name: "no TOML", file: "[api\n", want: []string{"FILE:1"}},
		{name: "no such file", args: []string{"--config", "/nowhere/adic.toml"}, want: []string{"/nowhere/adic.toml", "no such file"}},

		{name: "no such catalogue", args: []string{"--events.catalogue", "/nowhere/events.json"}, want: []string{"events.catalogue", "/nowhere/events.json", "no such file"}},
		{name: "demo rate", args: []string{"--demo=fast"}, want: []string{"demo", "fast"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			command := []string{adic(), "serve"}
			if test.env != "" {
				command = append([]string{"env", test.env}, command...)
			}
			file := filepath.Join(t.TempDir(), "adic.toml")
			if test.file != "" {
				mustWrite(t, file, test.file)
				command = append(command, "--config", file)
			}
			command = append(command, test.args...)
			wantNoStart(t, command, file, test.want)
		})
	}
}

// wantNoStart runs a command that has to fail and name all of want, in which FILE
// stands for a path.
func wantNoStart(t *testing.T, command []string, file string, want []string) {
	t.Helper()
	out, err := run(t, "", command[0], command[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 && exit.ExitCode() != 2 {
		t.Fatalf("ended with %v, want exit status 1 or 2:\n%s", err, out)
	}
	for _, part := range want {
		if part = strings.ReplaceAll(part, "FILE", file); !strings.Contains(out, part) {
			t.Errorf("%q is not in\n%s", part, out)
		}
	}
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "adic: ") {
			t.Errorf("unexpected output: %q of\n%s", line, out)
		}
	}
}

// A catalogue of another network replaces the built-in one everywhere.
func TestCatalogueOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "events.json")
	mustWrite(t, file, `{"events":[
		{"name":"Departure","alias":"train.departs","priority":"high","fields":[{"name":"platform","type":"uint"},{"name":"timestamp","type":"timestamp"}]},
		{"name":"Delay","alias":"train.late","priority":"low","fields":[{"name":"minutes","type":"uint"},{"name":"timestamp","type":"timestamp"}]}]}`)
	r := startRouter(t, "--events.catalogue", file)

	all, trains := openSocket(t, r, ""), openSocket(t, r, "?events=train.*&priority=low&format=tagged")
	if got, want := trains.received()[0], `{"type":"Subscribed","events":["Departure","Delay"]}`; got != want {
		t.Errorf("subscribed to %s, want %s", got, want)
	}
	r.publish(t, `{"type":"train.departs","platform":9,"timestamp":"2024-01-15T10:30:00Z"}
		{"type":"Delay","minutes":7,"timestamp":"2024-01-15T10:30:00Z"}`)
	for _, want := range []struct {
		client *socket
		events []string
	}{
		{all, []string{`{"type":"Departure","platform":9,"timestamp":"2024-01-15T10:30:00Z"}`, `{"type":"Delay","minutes":7,"timestamp":"2024-01-15T10:30:00Z"}`}},
		{trains, []string{`{"type":"Delay","data":{"minutes":7,"timestamp":1705314600}}`}},
	} {
		eventually(t, "the events arrive", func() bool { return len(want.client.received()) > len(want.events) })
		for i, event := range want.events {
			if got := want.client.received()[1+i]; got != `{"type":"Event","event":`+event+`}` {
				t.Errorf("received %s, want %s", got, event)
			}
		}
	}

	status, _, answer := r.status(t, "POST", "/v1/events", `{"type":"TipsUpdated","tips":[],"count":0}`, "Authorization: Bearer "+publishToken)
	if status != http.StatusBadRequest || !strings.Contains(answer, "TipsUpdated") {
		t.Errorf("a type of the built-in catalogue was answered with %d %s", status, answer)
	}
	var page struct{ Types []struct{ Name string } }
	if err := json.Unmarshal([]byte(r.get(t, "/v1/events/types")), &page); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(page.Types); got != "[{Departure} {Delay}]" {
		t.Errorf("the catalogue served is %s", got)
	}
}

// A catalogue that is wrong is refused, with what is wrong and where.
func TestBadCatalogues(t *testing.T) {
	t.Parallel()
	declaration := func(name, alias string) string {
		return fmt.Sprintf(`{"name":%q,"alias":%q,"priority":"high","fields":[{"name":"timestamp","type":"timestamp"}]}`, name, alias)
	}
	for name, test := range map[string]struct {
		events string
		want   []string
	}{
		"the same name twice":              {declaration("Departure", "train.departs") + "," + declaration("Departure", "train.leaves"), []string{"FILE", "Departure"}},
		"the same alias twice":             {declaration("Departure", "train.departs") + "," + declaration("Leave", "train.departs"), []string{"FILE", "train.departs"}},
		"an alias that is another's name":  {declaration("Departure", "train.departs") + "," + declaration("Leave", "Departure"), []string{"FILE", "Departure"}},
		"no events":                        {"", []string{"FILE"}},
		"a priority that there is none of": {strings.Replace(declaration("Departure", "train.departs"), "high", "urgent", 1), []string{"FILE", "Departure", "urgent", "high"}},
		"no JSON":                          {"{", []string{"FILE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "events.json")
			mustWrite(t, file, `{"events":[`+test.events+`]}`)
			wantNoStart(t, []string{adic(), "serve", "--api.port", "0", "--events.catalogue", file}, file, test.want)
		})
	}
}
