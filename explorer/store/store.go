package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/adic-network/router/event"
)

// Options are the settings of a Store; the zero value is right for most.
type Options struct {
	// Readers is how many queries run at once; 0 is 4.
	Readers int
	// Wait is how long a statement waits for another program's lock before it fails
	// with ErrUnavailable; 0 is 5 seconds.
	Wait time.Duration
}

const (
	defaultReaders = 4
	defaultWait    = 5 * time.Second
)

// A Store is a database of events and what is known from them. Any number of goroutines
// may use it; writes take turns.
type Store struct {
	dialect dialect
	// One connection writes. With SQLite a second one would only wait for it.
	write, read *sql.DB

	writing sync.Mutex // guards what follows, and is held by who writes
	writer  *writer    // nil until somebody writes, and after an error
	// doubt, if not nil, is an Append of which it is not known whether it was
	// committed.
	doubt *doubt

	names typeNames
}

// Open opens the database dsn and brings its schema up to date. dsn is the path of a file
// for SQLite, which is made if it does not exist, or a URL postgres://... of PostgreSQL.
// An error says what to do; see [ErrNewerSchema], [ErrReadOnly] and [ErrUnavailable].
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Readers <= 0 {
		o.Readers = defaultReaders
	}
	if o.Wait <= 0 {
		o.Wait = defaultWait
	}
	var (
		s   *Store
		err error
	)
	switch scheme, _, ok := strings.Cut(dsn, "://"); {
	case dsn == "":
		return nil, errors.New("cannot open the database: no name given; expected the path of a file, or postgres://USER@HOST/DATABASE")
	case !ok:
		s, err = openSQLite(dsn, o)
	case scheme == "postgres", scheme == "postgresql":
		s, err = openPostgres(dsn, o)
	default:
		return nil, fmt.Errorf("cannot open the database: unknown kind %q; expected the path of a file, or postgres://USER@HOST/DATABASE", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	if err := s.migrate(ctx, schema); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("cannot open the database: %w", explain(classify(err)))
	}
	return s, nil
}

// newStore takes over two pools, one of them for writing.
func newStore(d dialect, write, read *sql.DB, o Options) *Store {
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(o.Readers)
	read.SetMaxIdleConns(o.Readers)
	return &Store{dialect: d, write: write, read: read}
}

// Close waits for who writes, and closes the database. Queries that run fail.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.read.Close()
	if s.writer != nil {
		err = errors.Join(err, s.writer.close())
		s.writer = nil
	}
	// The writer goes last, so that SQLite can clear its log away.
	if err = errors.Join(err, s.write.Close()); err != nil {
		return fmt.Errorf("cannot close the database: %w", err)
	}
	return nil
}

// Position returns how far the index has come; it is zero before the first event.
func (s *Store) Position(ctx context.Context) (Position, error) {
	p, err := readPlace(ctx, s.read, "")
	if err != nil {
		return Position{}, fmt.Errorf("cannot read the position: %w", classify(err))
	}
	return p.Position, nil
}

// place is the row of the position.
type place struct {
	Position
	seq      int64 // of the last event
	epochSeq int64 // of the last event before the present epoch
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readPlace(ctx context.Context, q querier, lock string) (p place, err error) {
	var epoch int64
	var pos [event.NumPriorities]int64
	err = q.QueryRowContext(ctx, `SELECT cursor, epoch, high, medium, low, own, seq, epoch_seq FROM position`+lock).
		Scan(&p.Cursor, &epoch, &pos[0], &pos[1], &pos[2], &p.Own, &p.seq, &p.epochSeq)
	p.At.Epoch = event.Epoch(epoch)
	for i := range pos {
		p.At.Pos[i] = uint64(pos[i])
	}
	return p, err
}

// micros is how times are stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// optionalTime returns the time of a column that may be null.
func optionalTime(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := fromMicros(us.Int64)
	return &t
}
