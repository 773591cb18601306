package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// raw opens a database without the store.
func raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.Contains(dsn, "://") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	execute(t, raw(t, foreign), "CREATE TABLE shopping (item TEXT)")
	foreignPostgres := postgres.Database(t)
	execute(t, raw(t, foreignPostgres), "CREATE TABLE shopping (item TEXT)")
	newer := filepath.Join(dir, "newer.db")
	open(t, newer)
	execute(t, raw(t, newer), "UPDATE adic_explorer SET version = 99")
	newerPostgres := postgres.Database(t)
	open(t, newerPostgres)
	execute(t, raw(t, newerPostgres), "UPDATE adic_explorer SET version = 99")

	for _, test := range []struct {
		name, dsn string
		is        error // nil is none of the package's
		says      string
	}{
		{"no name", "", nil, "no name given"},
		{"another kind", "mysql://localhost/x", nil, `unknown kind "mysql"`},
		{"a directory", dir, nil, "is a directory; name a file in it"},
		{"no directory", filepath.Join(dir, "none", "x.db"), nil, "there is no directory"},
		{"no database", text, nil, "is no SQLite database; name another file"},
		{"another program's", foreign, nil, "holds tables of something else (shopping)"},
		{"another program's, PostgreSQL", foreignPostgres, nil, "holds tables of something else (shopping)"},
		{"newer schema", newer, ErrNewerSchema, "version 99"},
		{"newer schema, PostgreSQL", newerPostgres, ErrNewerSchema, "version 99"},
		{"nobody there", "postgres://test@127.0.0.1:1/x?sslmode=disable", ErrUnavailable, "refused"},
		{"a URL that is none", "postgres://test@localhost:port/x", nil, "the URL is not right"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Open(context.Background(), test.dsn, Options{})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %q, want %v that says %q", err, test.is, test.says)
			}
			for _, kind := range []error{ErrNewerSchema, ErrUnavailable, ErrReadOnly, ErrConflict} {
				if kind != test.is && errors.Is(err, kind) {
					t.Errorf("%q is %v", err, kind)
				}
			}
		})
	}
}

func TestPathsAreFiles(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory", "100%.db", "a#b", "ü.db", ":memory:", "a&_pragma=x"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path)
		f := newFeed()
		f.tell("NodeStarted", `"node_id":"n","version":"1"`)
		f.store(t, s)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two that begin at the same time make one schema.
func TestOpenTwiceAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				s, err := Open(context.Background(), dsn, Options{Wait: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestMigration(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := open(t, dsn)
		f := newFeed()
		f.tell("MessageAdded", `"message_id":"m","depth":1`)
		f.store(t, s)

		bad := append(append([]string{}, schema...), "CREATE TABLE extra (id {text})", "CREATE NONSENSE")
		if err := s.migrate(ctx, bad); err == nil || !strings.Contains(err.Error(), "step 3 of the schema") {
			t.Fatalf("a wrong step gave %v", err)
		}
		good := append(append([]string{}, schema...), "CREATE TABLE extra (id {text})", "INSERT INTO extra VALUES ('x')")
		if err := s.migrate(ctx, good); err != nil {
			t.Fatalf("after a step that failed: %v", err)
		}
		if err := s.migrate(ctx, good); err != nil {
			t.Fatalf("again: %v", err)
		}
		extra, err := column[string](ctx, s.read, "SELECT id FROM extra")
		if err != nil || len(extra) != 1 {
			t.Errorf("got %v, %v, want one row", extra, err)
		}
		if _, err := s.Message(ctx, "m"); err != nil {
			t.Error(err)
		}
		if _, err := Open(ctx, dsn, Options{}); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("got %v, want ErrNewerSchema", err)
		}
	})
}

func TestReadOnly(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "explorer.db")
		open(t, path)
		if err := os.Chmod(path, 0o444); err != nil {
			t.Fatal(err)
		}
		out := runRole(t, roleOpen, path)
		if !strings.Contains(out, "read-only; make it writable for this user") {
			t.Errorf("got %q", out)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := postgres.Database(t)
		open(t, dsn)
		s := open(t, dsn+"&default_transaction_read_only=on")
		f := newFeed()
		f.tell("NodeStarted", `"node_id":"n","version":"1"`)
		entries, to := f.take()
		if err := s.Append(context.Background(), Position{}, entries, to); !errors.Is(err, ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
	})
}

// openUnprivileged tells what Open says to somebody who owns nothing.
func openUnprivileged(path string) error {
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	s, err := Open(context.Background(), path, Options{})
	if err == nil {
		return s.Close()
	}
	return err
}

func TestLockedWhileOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "explorer.db")
	conn, err := raw(t, path).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	execute(t, conn, "BEGIN EXCLUSIVE")
	if _, err := Open(context.Background(), path, Options{Wait: time.Millisecond}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	execute(t, conn, "ROLLBACK")
	open(t, path)
}
