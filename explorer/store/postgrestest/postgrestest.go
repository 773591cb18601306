// Package postgrestest starts a PostgreSQL of Debian's packages for tests: a cluster of its
// own in a temporary directory, on a Unix socket and nothing else, without a password.
//
// A test binary starts one in TestMain and stops it there; each test takes a database of
// its own. A PostgreSQL that is not there is an error that says what to run, as a test
// that was left out proves nothing.
package postgrestest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// A Server is a PostgreSQL. Its methods are for one goroutine at a time, but for Database.
type Server struct {
	dir      string // of the cluster and of the socket
	programs string // the directory of initdb and postgres
	owner    *syscall.Credential
	settings []string
	command  *exec.Cmd
	made     atomic.Int64 // databases
}

// Start makes a cluster and starts it, with settings such as "max_connections=10". It does
// not wait for the disk unless they say "fsync=on".
func Start(settings ...string) (*Server, error) {
	s := &Server{settings: settings}
	if err := s.make(); err != nil {
		s.remove()
		return nil, fmt.Errorf("cannot make a PostgreSQL: %w", err)
	}
	if err := s.Resume(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *Server) make() error {
	var err error
	if s.programs, err = programs(); err != nil {
		return err
	}
	// The path of a socket must be short, so it is not below the directory of a test.
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil {
		return err
	}
	if os.Geteuid() == 0 { // which PostgreSQL refuses
		if s.owner, err = unprivileged(); err != nil {
			return err
		}
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return err
		}
	}
	initdb := s.program("initdb", "-D", filepath.Join(s.dir, "data"), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// programs returns the newest of Debian's directories of PostgreSQL.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no /usr/lib/postgresql/*/bin/postgres; run cmd/adic/e2e/setup.sh, which installs it")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged returns the user that the package has made for the server.
func unprivileged() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *Server) program(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.programs, name), args...)
	c.Dir = s.dir
	// It does not outlive a test that was killed.
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	return c
}

// startTimeout is generous: other tests may keep the machine busy.
const startTimeout = time.Minute

// Resume starts a server that was stopped with Pause.
func (s *Server) Resume() error {
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return fmt.Errorf("cannot start PostgreSQL: %w", err)
	}
	defer log.Close()
	s.command = s.program("postgres", args...)
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("cannot start PostgreSQL: %w", err)
	}
	db, err := sql.Open("pgx", s.dsn("public"))
	if err != nil {
		return errors.Join(err, s.Pause())
	}
	defer db.Close()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			err = errors.Join(err, s.Pause())
			return fmt.Errorf("cannot start PostgreSQL: %w\n%s", err, said)
		}
	}
}

// Pause ends the server at once, as a crash would; Resume starts it again.
func (s *Server) Pause() error {
	if err := s.command.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("cannot stop PostgreSQL: %w", err)
	}
	_ = s.command.Wait() // it says that it was not stopped gently
	return nil
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error { return errors.Join(s.Pause(), s.remove()) }

func (s *Server) remove() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// Database returns the URL of a database that is empty, and there until the test ends. It
// is a schema of one that all share: that is made in no time.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "test" + strconv.FormatInt(s.made.Add(1), 10)
	s.exec(t, "CREATE SCHEMA "+name)
	t.Cleanup(func() { s.exec(t, "DROP SCHEMA "+name+" CASCADE") })
	return s.dsn(name)
}

func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	db, err := sql.Open("pgx", s.dsn("public"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *Server) dsn(schema string) string {
	q := url.Values{"host": {s.dir}, "search_path": {schema}}
	return (&url.URL{Scheme: "postgres", User: url.User("test"), Path: "/postgres", RawQuery: q.Encode()}).String()
}
