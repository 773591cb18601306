package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deployFile returns a file of deploy/, with some of its text replaced.
func deployFile(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			t.Fatalf("%s has no %q", name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(string(text))
}

// readYAML has Debian's own interpreter read YAML into v.
func readYAML(t *testing.T, text string, v any) {
	t.Helper()
	out, err := run(t, text, "/usr/bin/python3", "-c", "import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatal(err)
	}
}

// The units are ones that systemd takes, and give the services no more than they need.
func TestUnits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	services := []string{"adic.service", "adic-explorer.service"}
	verify := []string{"verify"}
	for _, unit := range append(services, "adic.socket") {
		file := filepath.Join(dir, unit)
		mustWrite(t, file, strings.Replace(deployFile(t, "systemd/"+unit), "/usr/bin/adic", adic(), 1))
		verify = append(verify, file)
	}
	if out, err := exec.CommandContext(t.Context(), tool(t, "systemd-analyze"), verify...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for _, unit := range services {
		out, err := exec.CommandContext(t.Context(), tool(t, "systemd-analyze"), "security", "--offline=true", "--threshold=15", filepath.Join(dir, unit)).CombinedOutput()
		if err != nil { // the exposure is above 1.5 of 10
			t.Errorf("systemd-analyze security: %v\n%s", err, out)
		}
		// What is asked of the system at the start must be allowed: the limit of
		// descriptors is raised, and the boot's id read.
		for line := range strings.Lines(deployFile(t, "systemd/"+unit)) {
			if strings.Contains(line, "~@resources") || strings.Contains(line, "ProcSubset=pid") {
				t.Errorf("%s has %s", unit, line)
			}
		}
	}
}

// The site for nginx passes everything that clients need: adic check finds nothing wrong
// through it. The configuration of the package is right too.
func TestDeployedSite(t *testing.T) {
	t.Parallel()
	cert, key := newCertificate(t, t.TempDir(), "site")
	r := startRouter(t, "--api.trusted_proxies", "127.0.0.1")
	plain, secure := freeAddr(t), freeAddr(t)
	site := deployFile(t, "nginx/adic.conf",
		"127.0.0.1:9121", r.addr, "listen 80;", "listen "+plain+";", "    listen [::]:80;\n", "", "listen 443 ssl http2;", "listen "+secure+" ssl http2;",
		"    listen [::]:443 ssl http2;\n", "", "/etc/ssl/adic/fullchain.pem", cert, "/etc/ssl/adic/privkey.pem", key)
	config := fmt.Sprintf("worker_processes 1;\nerror_log stderr;\npid nginx.pid;\nevents { worker_connections 512; }\nhttp {\naccess_log off;\n"+
		"client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"+
		"server { listen LISTEN; return 204; }\n%s}\n", site)
	startNginx(t, config)
	found, _ := checkList(t, "https://"+secure, "--ca", cert, "--hold", "2s", "--connections", "20")
	for _, c := range found {
		if c.Status == "failed" && c.Check != "metrics" { // those are for operators here
			t.Errorf("%+v", c)
		}
	}
	if out, err := run(t, "", adic(), "config", "--config", "../../../deploy/adic.toml"); err != nil {
		t.Errorf("the configuration of the package: %v\n%s", err, out)
	}
}
