package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigNamesTheSources(t *testing.T) {
	t.Setenv("ADIC_EVENTS_LOW_PRIORITY_BUFFER", "7")
	file := writeFile(t, "adic.toml", "[api]\nport = 9200\nhost = \"127.0.0.1\"\n")
	r := adic(t, nil, "config", "--config", file, "--api.host=::1", "--stream.compression")
	r.check(t, 0)
	for _, want := range []string{
		"\nport = 9200 # file " + file + ":2",
		"\nhost = \"::1\" # flag --api.host\n",
		"\ncompression = true # flag --stream.compression\n",
		"\nlow_priority_buffer = 7 # environment ADIC_EVENTS_LOW_PRIORITY_BUFFER\n",
		"\nhigh_priority_buffer = 1000 # default\n",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("lacks %q:\n%s", want, r.stdout)
		}
	}
}

func TestConfigFileFromTheEnvironment(t *testing.T) {
	file := writeFile(t, "adic.toml", "[api]\nport = 9200\n")
	check := func(want string, args ...string) {
		t.Helper()
		var stdout, stderr strings.Builder
		t.Setenv("ADIC_CONFIG", file)
		if status := run(t.Context(), append([]string{"config"}, args...), nil, &stdout, &stderr); status != 0 {
			t.Fatalf("exit status %d: %s", status, &stderr)
		}
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("lacks %q:\n%s", want, &stdout)
		}
	}
	check("port = 9200")
	check("port = 9300", "--config", writeFile(t, "other.toml", "[api]\nport = 9300\n"))
}

func TestConfigHidesSecrets(t *testing.T) {
	r := adic(t, nil, "config", "--auth.publish_token=hush-hush")
	r.check(t, 0)
	if strings.Contains(r.stdout+r.stderr, "hush-hush") {
		t.Errorf("the token is shown:\n%s%s", r.stdout, r.stderr)
	}
}

func TestConfigCheck(t *testing.T) {
	r := adic(t, nil, "config", "--check")
	r.check(t, 0)
	if r.stdout != "the configuration is valid\n" {
		t.Errorf("printed %q", r.stdout)
	}

	file := writeFile(t, "adic.toml", "[api]\nprot = 9200\nhost = 5\n")
	r = adic(t, nil, "config", "--check", "--config", file)
	r.check(t, statusFailure, "adic: "+file+":2", "prot", "port", "adic: "+file+":3")
	if r.stdout != "" {
		t.Errorf("printed %q of a bad configuration", r.stdout)
	}
}

// A check finds what would keep the router from starting, unknown types too.
func TestConfigCheckKnowsTheCatalogue(t *testing.T) {
	file := writeFile(t, "adic.toml", "[auth.publisher.a]\ntoken = 'sha256:"+strings.Repeat("0", 64)+"'\nevents = ['mesage.*']\n")
	adic(t, nil, "config", "--check", "--config", file).check(t, statusFailure, "auth.publisher.a.events", "message.*")
	adic(t, nil, "config", "--config", file).check(t, 0)
}

func TestConfigFileThatIsNotThere(t *testing.T) {
	adic(t, nil, "config", "--config", "/nowhere/adic.toml").check(t, statusFailure, "/nowhere/adic.toml")
}
