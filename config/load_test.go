package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestEnvironmentAndFlags(t *testing.T) {
	tests := []struct {
		name string
		text map[string]string // by key
		want func(c *Config)
	}{
		{"integer", map[string]string{"api.port": "80"}, func(c *Config) { c.API.Port = 80 }},
		{"size", map[string]string{"stream.send_buffer": "128KiB"}, func(c *Config) { c.Stream.SendBuffer = 128 << 10 }},
		{"number", map[string]string{"demo.rate": "2.5"}, func(c *Config) { c.Demo.Rate = 2.5 }},
		{"duration", map[string]string{"stream.drain_timeout": "0"}, func(c *Config) { c.Stream.DrainTimeout = 0 }},
		{"boolean", map[string]string{"demo.enabled": "true"}, func(c *Config) { c.Demo.Enabled = true }},
		{"boolean as a digit", map[string]string{"api.enable_sse": "0"}, func(c *Config) { c.API.EnableSSE = false }},
		{"list", map[string]string{"api.cors_origins": "https://a.org, https://*.b.org"}, func(c *Config) { c.API.CORSOrigins = []string{"https://a.org", "https://*.b.org"} }},
		{"empty string", map[string]string{"events.catalogue": ""}, func(c *Config) { c.Events.Catalogue = "" }},
		{"empty list", map[string]string{"api.cors_origins": ""}, func(c *Config) { c.API.CORSOrigins = nil }},
		{"string with an equals sign", map[string]string{"auth.publish_token": "YQ=="}, func(c *Config) { c.Auth.PublishToken = "YQ==" }},
	}
	file := []byte("[events]\ncatalogue = 'types.json'\n[api]\ncors_origins = ['*']\n")
	for _, test := range tests {
		for layer, sources := range map[string]Sources{
			"environment": {File: "adic.toml", Environ: environ(test.text)},
			"flag":        {File: "adic.toml", Flags: test.text},
		} {
			t.Run(test.name+" by "+layer, func(t *testing.T) {
				want := Default()
				want.Events.Catalogue = "types.json"
				want.API.CORSOrigins = []string{"*"}
				test.want(&want)
				loaded, err := load(sources, file)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(loaded.Config, want) {
					t.Errorf("got  %+v\nwant %+v", loaded.Config, want)
				}
				for key := range test.text {
					if got := loaded.Origin[key].String(); !strings.HasPrefix(got, layer+" ") {
						t.Errorf("%s comes from %s", key, got)
					}
				}
			})
		}
	}
}

// environ returns texts as environment variables.
func environ(texts map[string]string) []string {
	var list []string
	for _, k := range Keys() {
		if text, ok := texts[k.Name]; ok {
			list = append(list, k.Env+"="+text)
		}
	}
	return list
}

func TestBadFlag(t *testing.T) {
	tests := []struct{ name, flag, text, want string }{
		{"misspelt", "api.prt", "1", "flag --api.prt: unknown flag (did you mean --api.port?)"},
		{"unlike any other", "x", "1", "flag --x: unknown flag (adic config lists every key)"},
		{"wrong type", "api.port", "http", `flag --api.port: "http" is not an integer (use 0 to 65535)`},
		{"set to nothing", "log.level", "", `flag --log.level: "" is none of the choices (use debug, info, warn or error)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(Sources{Flags: map[string]string{test.flag: test.text}}, nil)
			wantProblems(t, err, []string{test.want})
		})
	}
}

// A pair may come from different sources, but not one without the other.
func TestPairs(t *testing.T) {
	file := []byte("[api]\ntls_cert = 'cert.pem'\n")
	if _, err := load(Sources{File: "adic.toml", Environ: []string{"ADIC_API_TLS_KEY=key.pem"}}, file); err != nil {
		t.Error(err)
	}
	_, err := load(Sources{File: "adic.toml"}, file)
	wantProblems(t, err, []string{"adic.toml:2: api.tls_cert: is set without api.tls_key (set both or none)"})
	_, err = load(Sources{Flags: map[string]string{"api.tls_key": "key.pem"}}, nil)
	wantProblems(t, err, []string{"flag --api.tls_key: is set without api.tls_cert (set both or none)"})
}

// A later layer goes over an earlier one, but does not excuse it.
func TestLayers(t *testing.T) {
	s := Sources{File: "adic.toml", Environ: []string{"ADIC_API_PORT=2"}, Flags: map[string]string{"api.port": "3"}}
	for layer, want := range []struct {
		port   int
		origin string
	}{{9121, "default"}, {1, "file adic.toml:2"}, {2, "environment ADIC_API_PORT"}, {3, "flag --api.port"}} {
		given := Sources{File: s.File}
		var file []byte
		if Layer(layer) >= LayerFile {
			file = []byte("[api]\nport = 1")
		}
		if Layer(layer) >= LayerEnvironment {
			given.Environ = s.Environ
		}
		if Layer(layer) >= LayerFlag {
			given.Flags = s.Flags
		}
		loaded, err := load(given, file)
		if err != nil {
			t.Fatal(err)
		}
		if got := loaded.Origin["api.port"].String(); loaded.Config.API.Port != want.port || got != want.origin {
			t.Errorf("layer %d: port %d from %s, want %d from %s", layer, loaded.Config.API.Port, got, want.port, want.origin)
		}
	}

	_, err := load(s, []byte("[api]\nport = -1"))
	wantProblems(t, err, []string{"adic.toml:2: api.port: -1 is out of range (use 0 to 65535)"})
}

func TestFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "adic.toml")
	_, err := Load(Sources{File: missing})
	if want := "cannot read the configuration file (correct its path, or name none to run on defaults): open " + missing + ": no such file or directory"; !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("missing file: %v", err)
	}
	_, err = Load(Sources{File: dir})
	if want := "cannot read the configuration file " + dir + ": it is a directory (name the TOML file in it)"; err == nil || err.Error() != want {
		t.Errorf("directory: %v", err)
	}
	if err := os.WriteFile(missing, []byte("[api]\nport = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if loaded, err := Load(Sources{File: missing}); err != nil || loaded.Config.API.Port != 1 {
		t.Errorf("file that is there: %v, %v", loaded, err)
	}
}

// Of a file that is no TOML nothing is known that could contradict the rest;
// what is wrong with the rest is told all the same.
func TestNothingFollowsFromBadTOML(t *testing.T) {
	environ := []string{"ADIC_STREAM_MAX_BODY_SIZE=64KiB", "ADIC_API_PORT=x"}
	_, err := load(Sources{File: "adic.toml", Environ: environ}, []byte("[stream"))
	wantProblems(t, err, []string{
		"adic.toml:1:7: not TOML: expected ']' to close table name (text needs quotes; a section or key can be there once)",
		`environment ADIC_API_PORT: "x" is not an integer (use 0 to 65535)`,
	})
}

// No message holds a secret, whatever is wrong with it.
func TestProblemsHideSecrets(t *testing.T) {
	for name, load := range map[string]func() (*Loaded, error){
		"not text":      func() (*Loaded, error) { return load(Sources{File: "f"}, []byte("[auth]\npublish_token = 46371")) },
		"list":          func() (*Loaded, error) { return load(Sources{File: "f"}, []byte("[auth]\npublish_token = ['46371']")) },
		"no quotes":     func() (*Loaded, error) { return load(Sources{File: "f"}, []byte("[auth]\npublish_token = s46371")) },
		"unknown key":   func() (*Loaded, error) { return load(Sources{File: "f"}, []byte("[auth]\ntoken = '46371'")) },
		"in no section": func() (*Loaded, error) { return load(Sources{File: "f"}, []byte("publish_token = '46371'")) },
		"white space": func() (*Loaded, error) {
			return load(Sources{Environ: []string{"ADIC_AUTH_PUBLISH_TOKEN=46371\n"}}, nil)
		},
		"unknown variable": func() (*Loaded, error) { return load(Sources{Environ: []string{"ADIC_AUTH_TOKEN=46371"}}, nil) },
		"too long": func() (*Loaded, error) {
			return load(Sources{Flags: map[string]string{"auth.publish_token": strings.Repeat("46371", 1000)}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(); err == nil || strings.Contains(err.Error(), "46371") {
				t.Errorf("got the error %v", err)
			}
		})
	}
}

func TestProblemsUnwrap(t *testing.T) {
	_, err := load(Sources{Environ: []string{"ADIC_X=1", "ADIC_API_PORT=x"}}, nil)
	if p, ok := errors.AsType[Problem](err); !ok || p.Key != "api.port" || p.Origin.Name != "ADIC_API_PORT" {
		t.Errorf("got %+v", p)
	}
}

// wantProblems compares the lines of err.
func wantProblems(t *testing.T, err error, want []string) {
	t.Helper()
	var got []string
	if ps, ok := errors.AsType[Problems](err); ok {
		got = strings.Split(ps.Error(), "\n")
	} else if err != nil {
		t.Fatalf("got an error that is not Problems: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
