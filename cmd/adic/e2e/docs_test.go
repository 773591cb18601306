package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A pageTest says how the commands of a page are run: with what in place before, what
// of them replaced, and which not at all.
type pageTest struct {
	// setUp returns flags of a router that runs before the first command, if it is not
	// nil. It may add to replace.
	setUp func(t *testing.T, s *session) (flags []string)
	// replace is what stands for what is only an example on the page: old, new, ...
	replace []string
	// not are the commands that are not run, each with the reason: the test that runs the
	// same, or what this machine lacks.
	not map[string]string
}

// withRouter is a pageTest's setUp for a page whose reader has a router.
func withRouter(flags ...string) func(*testing.T, *session) []string {
	return func(*testing.T, *session) []string { return append([]string{"--demo=50"}, flags...) }
}

const (
	ofSystemd = "a running systemd is needed, as pid 1"
	ofDocker  = "a Docker engine is needed"
	ownOrigin = "https://explorer.example.org"
)

// pageTests has the pages that need something. Any other page with commands for the
// shell is run as it is.
var pageTests = map[string]pageTest{
	"README.md": {
		not: map[string]string{
			"make test     # installs what it needs, then runs every check and every test":          "it runs this test",
			"make bench    # compares it with other servers, side by side; writes bench/RESULTS.md": "it takes an hour; TestComparison of bench/peers runs it small",
		},
	},
	"bench/RESULTS.md": {not: map[string]string{"make bench": "as in README.md"}},
	"docs/faq.md":      {setUp: withRouter("--admin.listen", "127.0.0.1:0")},
	"docs/getting-started.md": {
		replace: []string{ // it shows what a mistake is answered
			`curl --silent -H 'Authorization: Bearer s3cret' -d '{"type":"Mes`, `refused curl --silent -H 'Authorization: Bearer s3cret' -d '{"type":"Mes`},
	},
	"docs/operations.md": {
		setUp: operated,
		replace: []string{
			"https://events.example.org", "http://$ROUTER_ADDR", "http://10.0.0.7:9123", "http://$ADMIN_ADDR",
			"4711", "$(connection)", "--token TOKEN", "--token " + publishToken, "-token TOKEN", "-token " + publishToken,
			"--websocket 1000", "--websocket 100 --duration 1s", "-websocket 2000", "-websocket 50", "seconds=10", "seconds=1"},
		not: map[string]string{
			"make release                 # dist/: static binaries and Debian packages, amd64 and arm64, and SHA256SUMS": "TestRelease",
			"apt install ./dist/adic_*_amd64.deb":                                               "it changes this machine; TestPackage installs it into an overlay of it",
			`make release image           # an image "adic" of dist/; ENGINE=podman or buildah`: "TestContainer makes it",
			"docker run -p 9121:9121 -v adic:/var/lib/adic adic serve --events.journal journal": ofDocker + "; TestContainer runs what is in the image",
			"docker compose -f deploy/compose/compose.yml up -d":                                ofDocker + "; TestCompose runs what it would",
		},
	},
	"docs/performance.md": {not: map[string]string{
		"go test ./explorer/store -run '^$' -bench Append -benchtime 12x -count 3": "make unit runs each benchmark once",
		"go test ./explorer -run '^$' -bench Index -benchtime 5x -count 3":         "make unit runs each benchmark once",
	}},
	"docs/reliability.md": {
		not: map[string]string{"make soak            # 30 minutes; make soak SOAK=8h for longer": "half an hour; TestSoak of bench/soak runs ten seconds of it"},
	},
	"docs/runbook.md": {
		setUp:   operated,
		replace: []string{"/etc/adic/adic.toml", "$REPOSITORY/deploy/adic.toml", "/var/lib/adic", "$PWD"},
		not: map[string]string{
			"systemctl status adic":                               ofSystemd,
			"systemctl reload adic":                               ofSystemd + "; TestReload sends the signal that it sends",
			`journalctl -u adic | grep -B5 "Main process exited"`: ofSystemd,
			"dmesg | grep -i oom":                                 "nothing was killed here, so it finds nothing",
		},
	},
	"docs/scaling.md": {
		setUp:   withRouter(),
		replace: []string{"https://router.example.org", "http://$ROUTER_ADDR"},
	},
	"docs/upgrading.md": {replace: []string{"./adic-new", "adic", "/etc/adic/adic.toml", "$REPOSITORY/deploy/adic.toml"}},
}

// preamble is what a reader of a page has: the programs, with what differs here.
const preamble = `set -Eeu
trap 'echo "docs: failed: $BASH_COMMAND" >&2' ERR

# The router's URL where a command has its default; what follows for ever ends after the
# first event, and a look at streams that are held after two seconds.
adic() {
	case "$1 $*" in
	serve*) run_router command adic "$@" ;;
	explorer*) run_explorer "$@" ;;
	tail*--count*) command adic "$@" "http://$ROUTER_ADDR" ;;
	tail*) command adic "$@" --count 1 "http://$ROUTER_ADDR" ;;
	check*--hold*) command adic "$@" "http://$ROUTER_ADDR" ;;
	check*http*) command adic "$@" --hold 2s ;;
	emit*--url*) command adic "$@" ;;
	emit*) command adic "$@" --url "http://$ROUTER_ADDR" ;;
	connections*--admin*) command adic "$@" ;;
	connections*) command adic "$@" --admin "http://$ADMIN_ADDR" ;;
	*) command adic "$@" ;;
	esac
}
./adic() { adic "$@"; }

# An answer that is an error is a failure.
curl() {
	case $1 in
	-N) command curl --fail-with-body "$@" 2>/dev/null | grep --max-count 1 . ;;
	*) command curl --fail-with-body "$@" ;;
	esac
}
refused() { if "$@"; then return 1; fi; }

# A router that is started takes the port of the one before.
router=
run_router() {
	if [ -n "$router" ]; then kill "$router" && wait "$router" || true; fi
	"$@" >>router.log 2>&1 &
	router=$!
	until command curl --silent --output /dev/null "http://$ROUTER_ADDR/health/live"; do
		kill -0 "$router" || { cat router.log; return 1; }
		sleep 0.1
	done
}

run_explorer() {
	command adic "$@" >>explorer.log 2>&1 &
	local explorer=$!
	until command curl --silent --output /dev/null "http://$EXPLORER_ADDR/health/live"; do
		kill -0 "$explorer" || { cat explorer.log; return 1; }
		sleep 0.1
	done
}

# In the repository, and installing below this directory.
make() {
	case $1 in
	run) run_router command make --silent --directory "$REPOSITORY" run ;;
	*) command make --silent --directory "$REPOSITORY" "$@" DESTDIR="$PWD/root" ;;
	esac
}
go() { (cd "$REPOSITORY" && command go "$@" </dev/null); }
git() { # clone: what is tested is this tree
	mkdir router
	(cd "$REPOSITORY" && tar --create --exclude=node_modules --exclude=./.git --exclude=./adic .) | tar --extract --directory router
}

# The journal is the log of the router that was there first.
journalctl() { cat "$JOURNAL"; }

# What other systems would print.
kcat() { echo '{"type":"MessageAdded","message_id":"ab12","depth":42}'; }
redis-cli() { printf 'subscribe\nadic-events\n1\n{"type":"MessageAdded","message_id":"ab12","depth":42}\n'; }

# The ID of a new connection.
connection() {
	command curl --silent --no-buffer "http://$ROUTER_ADDR/v1/sse/events" >/dev/null 2>&1 &
	until command curl --silent "http://$ADMIN_ADDR/admin/connections" | grep --only-matching --max-count 1 '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4 | grep .; do
		sleep 0.1
	done
}

`

// A session is where the commands of one page are run.
type session struct {
	dir     string
	replace []string
}

// operated has a router with all that an operator looks at, and one with TLS.
func operated(t *testing.T, s *session) []string {
	cert, key := newCertificate(t, s.dir, "cert")
	secure := startRouter(t, "--api.tls_cert", cert, "--api.tls_key", key)
	s.replace = append(s.replace,
		"-url https://127.0.0.1:9121 -ca cert.pem", "-url "+secure.http()+" -ca "+cert,
		"-server-pid PID -websocket", "-server-pid "+strconv.Itoa(secure.cmd.Process.Pid)+" -websocket")
	return []string{"--demo=50", "--admin.listen", "127.0.0.1:0", "--api.cors_origins", ownOrigin, "--stream.heartbeat_interval", "1s"}
}

// Every command of every page works, one after the other, as somebody would type them
// who reads it from the top.
func TestCommandsOfThePages(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	for name := range pageTests {
		if !slices.Contains(pages, name) {
			t.Errorf("there is no %s", name)
		}
	}
	for _, page := range pages {
		var commands strings.Builder
		for _, b := range codeBlocks(t, page) {
			if b.language == "sh" {
				commands.WriteString(b.text)
			}
		}
		if commands.Len() > 0 {
			t.Run(page, func(t *testing.T) { pageTests[page].run(t, commands.String()) })
		}
	}
}

// run runs the commands of a page.
func (p pageTest) run(t *testing.T, commands string) {
	for command, why := range p.not {
		without := strings.ReplaceAll("\n"+commands, "\n"+command+"\n", "\n")[1:]
		if without == commands {
			t.Errorf("%q is not run as %s, but is not there", command, why)
		}
		commands = without
	}
	s := &session{dir: t.TempDir(), replace: p.replace}
	router, admin := freeAddr(t), ""
	journal := filepath.Join(s.dir, "journal.log")
	if p.setUp != nil {
		r := startRouter(t, p.setUp(t, s)...)
		router, admin = r.addr, r.admin
		s.replace = append(s.replace, "--server-pid PID", "--server-pid "+strconv.Itoa(r.cmd.Process.Pid))
		misbehave(t, r)
		mustWrite(t, journal, r.stderr.String())
	}
	explorer := freeAddr(t)
	s.replace = append(s.replace, "127.0.0.1:9121", router, "127.0.0.1:9122", explorer)
	if admin != "" {
		s.replace = append(s.replace, "127.0.0.1:9123", admin)
	}
	script := filepath.Join(s.dir, "commands.sh")
	mustWrite(t, script, preamble+strings.NewReplacer(s.replace...).Replace(commands))
	port := func(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
	repository, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	printed, err := os.Create(filepath.Join(s.dir, "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Dir = s.dir
	cmd.Env = append(environment(t), "PATH="+scratch+":"+os.Getenv("PATH")+":/usr/sbin:/sbin", "REPOSITORY="+repository,
		"ROUTER_ADDR="+router, "ADMIN_ADDR="+admin, "JOURNAL="+journal,
		"ADIC_API_HOST=127.0.0.1", "ADIC_API_PORT="+port(router), "ADIC_EXPLORER_HOST=127.0.0.1", "ADIC_EXPLORER_PORT="+port(explorer),
		"EXPLORER_ADDR="+explorer, "ADIC_NODE_URL=http://"+router)
	if p.setUp != nil {
		cmd.Env = append(cmd.Env, "ADIC_TOKEN="+publishToken)
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS"} { // which HOME has no part in here
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%s", name, strings.TrimSpace(string(value))))
	}
	cmd.Stdout, cmd.Stderr = printed, printed // no pipe, which what goes on behind would hold open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Run()
	// What was left running ends with its group.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	eventually(t, "everything has ended", func() bool { return syscall.Kill(-cmd.Process.Pid, 0) != nil })
	if err != nil {
		out, readErr := os.ReadFile(printed.Name())
		t.Errorf("%v %v\n%s", err, readErr, out)
	}
}
