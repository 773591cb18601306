//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A service is one of a compose file, as docker-compose has it after merging and filling in.
type service struct {
	Image, User string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Healthcheck struct{ Test []string }
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
}

// composed has docker-compose check deploy/compose/compose.yml, and returns its services.
func composed(t *testing.T, environ ...string) map[string]service {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "docker-compose"), "--file", "../../../deploy/compose/compose.yml", "config")
	cmd.Env = append(os.Environ(), environ...)
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker-compose config: %v\n%s", err, text)
	}
	var page struct{ Services map[string]service }
	readYAML(t, string(text), &page)
	return page.Services
}

// Without the secrets nothing starts, and docker-compose says which is missing.
func TestComposeWantsSecrets(t *testing.T) {
	t.Parallel()
	for missing, given := range map[string]string{"ADIC_PUBLISH_TOKEN": "GRAFANA_PASSWORD=x", "GRAFANA_PASSWORD": "ADIC_PUBLISH_TOKEN=x"} {
		cmd := exec.CommandContext(t.Context(), tool(t, "docker-compose"), "--file", "../../../deploy/compose/compose.yml", "config")
		cmd.Env = append(os.Environ(), given)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), missing) {
			t.Errorf("without %s: %v\n%s", missing, err, out)
		}
	}
}

// Everything that the compose file starts and that can be had here works together as it
// says: with its commands, environments and files, under its names, on its ports. That is
// all but Grafana, of which the files are looked at.
func TestCompose(t *testing.T) {
	t.Parallel()
	services := composed(t, "ADIC_PUBLISH_TOKEN="+publishToken, "GRAFANA_PASSWORD=secret")
	s := newSystem(t)
	var names []string
	for name, c := range services {
		names = append(names, name)
		for _, port := range c.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to everybody: %s", name, port)
			}
		}
		for _, volume := range c.Volumes {
			from, to, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(volume, ":ro"), ":rw"), ":")
			if !filepath.IsAbs(from) { // a volume with a name
				if err := os.MkdirAll(s.path(to), 0o755); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if info, err := os.Stat(from); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if info.Mode().IsRegular() {
				s.put(t, from, to)
			} else {
				mustCopy(t, from, s.path(to))
			}
		}
	}
	slices.Sort(names)
	mustWrite(t, s.path("/etc/hosts"), "127.0.0.1 localhost "+strings.Join(names, " ")+"\n")
	nats, err := natsServer()
	if err != nil {
		t.Fatal(err)
	}
	s.put(t, nats, "/usr/local/bin/nats-server")
	s.put(t, adic(), "/usr/bin/adic")

	programs := map[string]string{"nats": "/usr/local/bin/nats-server", "router": "/usr/bin/adic", "explorer": "/usr/bin/adic", "prometheus": tool(t, "prometheus")}
	up := func(name string, healthy ...string) *process {
		t.Helper()
		c := services[name]
		command := []string{"env", "--chdir=/var/lib/adic"} // that of the image
		for variable, value := range c.Environment {
			command = append(command, variable+"="+value)
		}
		p := s.start(t, append(append(command, programs[name]), c.Command...)...)
		eventually(t, name+" is healthy", func() bool {
			p.mustRun(t)
			_, err := s.try(t, healthy...)
			return err == nil
		})
		return p
	}
	up("nats", services["nats"].Healthcheck.Test[1:]...)
	router := up("router", "adic", "check", "--only", "ready")
	explorer := up("explorer", services["explorer"].Healthcheck.Test[1:]...)
	for _, name := range []string{"router", "explorer"} {
		if c := services[name]; !c.ReadOnly || !slices.Contains(c.CapDrop, "ALL") {
			t.Errorf("%s may do more than it has to: %+v", name, c)
		}
	}
	up("prometheus", "curl", "--silent", "--fail", "http://prometheus:9090/-/ready")

	program, args := s.inside(t, "env", "ADIC_TOKEN="+publishToken, "adic", "emit")
	if out, err := run(t, `{"type":"MessageAdded","message_id":"ab12","depth":42}`+"\n", program, args...); err != nil {
		t.Errorf("adic emit: %v\n%s", err, out)
	}
	eventually(t, "the explorer has it", func() bool {
		out, err := s.try(t, "curl", "--silent", "--fail", "http://explorer:9122/api/v1/messages/ab12")
		return err == nil && strings.Contains(out, `"ab12"`)
	})
	if _, err := os.Stat(s.path("/var/lib/adic/explorer.db")); err != nil {
		t.Errorf("the index is not in the volume: %v", err)
	}
	for _, job := range []string{"adic-router", "adic-explorer"} {
		eventually(t, job+" is scraped", func() bool {
			return strings.Contains(s.run(t, "curl", "--silent", "--get", "--data-urlencode", `query=up{job="`+job+`"} == 1`,
				"http://127.0.0.1:9090/api/v1/query"), `"value"`)
		})
	}
	for _, p := range []*process{explorer, router} {
		if p.terminate(); p.err != nil {
			t.Errorf("it ended with %v", p.err)
		}
	}

	// Grafana looks for dashboards where they are mounted, and asks this Prometheus.
	const dashboards = "/var/lib/grafana/dashboards/adic"
	if provider := deployFile(t, "grafana/provisioning/adic.yml"); !strings.Contains(provider, "path: "+dashboards+"\n") {
		t.Errorf("the provider has another folder than %s:\n%s", dashboards, provider)
	}
	if home := services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; filepath.Dir(home) != dashboards {
		t.Errorf("the first page is %s", home)
	} else if _, err := os.Stat(s.path(home)); err != nil {
		t.Error(err)
	}
	_, url, _ := strings.Cut(deployFile(t, "compose/datasource.yml"), "url: ")
	s.run(t, "curl", "--silent", "--fail", strings.Fields(url)[0]+"/-/ready")
}

// mustCopy copies a file or a folder.
func mustCopy(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "", "cp", "--recursive", from, to); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
