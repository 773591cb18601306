package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers tell apart with errors.Is. What is none of them is a mistake or
// damage, which trying again does not mend.
var (
	// ErrNotFound says that nothing has the identifier.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that somebody else has written to the database since the
	// caller's position. Two that index into one database do so at random; end one.
	ErrConflict = errors.New("another explorer writes to the database; let only one index into it")
	// ErrNewerSchema says that a later version of this program made the database.
	ErrNewerSchema = errors.New("the database was made by a newer version of this program; run that version, or use another database")
	// ErrReadOnly says that the database cannot be written to until somebody lets it.
	ErrReadOnly = errors.New("the database is read-only; make it writable for this user, or use another one")
	// ErrUnavailable says that the database cannot be used now: it is locked, full or
	// away. Nothing was changed, and trying again later is right.
	ErrUnavailable = errors.New("the database cannot be used at present")
)

// classify adds to an error of a driver which of the errors above it is.
func classify(err error) error {
	switch kind := kindOf(err); {
	case err == nil, kind == nil, errors.Is(err, kind):
		return err
	default:
		return fmt.Errorf("%w: %w", kind, err)
	}
}

func kindOf(err error) error {
	var (
		lite *sqlite.Error
		pg   *pgconn.PgError
		dial *pgconn.ConnectError
		wire net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.As(err, &lite):
		return kindOfSQLite(lite.Code() & 0xff)
	case errors.As(err, &pg):
		return kindOfPostgres(pg.Code)
	case errors.As(err, &dial), errors.As(err, &wire), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err):
		return ErrUnavailable
	}
	return nil
}

func kindOfSQLite(code int) error {
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN:
		return ErrUnavailable
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return ErrReadOnly
	}
	return nil
}

// kindOfPostgres goes by the class of the SQLSTATE, its first two characters.
func kindOfPostgres(state string) error {
	const (
		readOnly      = "25006"
		lockWait      = "55P03"
		connection    = "08"
		rollback      = "40" // deadlock, serialisation
		resources     = "53" // disk full, out of memory, too many connections
		intervention  = "57" // shutting down, starting up, cancelled
		externalFault = "58" // input and output
	)
	if state == readOnly {
		return ErrReadOnly
	}
	for _, class := range []string{lockWait, connection, rollback, resources, intervention, externalFault} {
		if strings.HasPrefix(state, class) {
			return ErrUnavailable
		}
	}
	return nil
}
