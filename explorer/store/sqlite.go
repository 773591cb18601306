package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func openSQLite(path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(path); err != nil {
		return nil, err
	}
	open := func(pragmas ...string) (*sql.DB, error) {
		q := url.Values{"_txlock": {"immediate"}}
		wait := "busy_timeout(" + strconv.FormatInt(o.Wait.Milliseconds(), 10) + ")"
		for _, p := range append([]string{wait}, pragmas...) {
			q.Add("_pragma", p)
		}
		return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	}
	// With a log before the data and synchronous=NORMAL, the disk is waited for when the
	// log is copied into the data. A power failure can take the last transactions, whole.
	// The log is copied when it has 16 MB, so that a page that changes often is copied once.
	write, err := open("journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(4000)", "cache_size(-65536)", "temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	read, err := open("query_only(1)", "cache_size(-16384)")
	if err != nil {
		return nil, err
	}
	write.SetConnMaxLifetime(0)
	read.SetConnMaxIdleTime(10 * time.Minute)
	return newStore(sqliteDialect, write, read, o), nil
}

// checkFile finds out what SQLite would say less clearly, and makes the file if there is
// none.
func checkFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no directory %s; make it, or name another file", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "read-only file system"):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory; name a file in it, such as %s", path, filepath.Join(path, "explorer.db"))
	}
	return err
}

// explain adds what to do to errors of a file that is no database, or damaged.
func explain(err error) error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return err
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file is no SQLite database; name another file, or move this one away: %w", err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("the file is damaged; move it away and begin anew, or put back a copy: %w", err)
	}
	return err
}
