package store

import (
	"context"
	"database/sql"
	"errors"
)

// A writer is a connection that writes, one transaction after the other, with the
// statements that were prepared on it. It belongs to who holds Store.writing.
type writer struct {
	dialect    *dialect
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// transact runs do in a transaction. If it fails nothing was changed, but for a failed
// commit, which says so: the transaction may be in the database all the same.
func (s *Store) transact(ctx context.Context, do func(w *writer) error) (committing bool, err error) {
	if s.writer == nil {
		conn, err := s.write.Conn(ctx)
		if err != nil {
			return false, err
		}
		s.writer = &writer{dialect: &s.dialect, conn: conn, statements: map[string]*sql.Stmt{}}
	}
	defer func() {
		// What has failed may be broken; the next one begins with a new connection.
		if err != nil {
			s.writer.close() //nolint:errcheck // there is an error already
			s.writer = nil
		}
	}()
	tx, err := s.writer.conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	if err := do(s.writer); err != nil {
		return false, errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return true, tx.Commit()
}

// ignoreDone drops the error of a transaction that has ended already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (w *writer) close() error {
	var err error
	for _, stmt := range w.statements {
		err = errors.Join(err, stmt.Close())
	}
	return errors.Join(err, w.conn.Close())
}

// prepare returns the statement, prepared once.
func (w *writer) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, ok := w.statements[query]
	if !ok {
		var err error
		if stmt, err = w.conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		w.statements[query] = stmt
	}
	return stmt, nil
}

// chunks are the numbers of rows that statements for many are made for. They end in 1, so
// that every number of rows is a sum of them.
var chunks = [...]int{64, 8, 1}

// A many is a statement about many rows: its text is head, then a list of rows, then tail.
type many struct {
	head, tail string
	columns    int
}

// each runs m for the rows whose columns are in args, one row after the other.
func (w *writer) each(ctx context.Context, m many, args []any, run func(stmt *sql.Stmt, args []any) error) error {
	for _, rows := range chunks {
		n := rows * m.columns
		if len(args) < n {
			continue
		}
		stmt, err := w.prepare(ctx, m.head+w.dialect.values(rows, m.columns)+m.tail)
		if err != nil {
			return err
		}
		for ; len(args) >= n; args = args[n:] {
			if err := run(stmt, args[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// exec runs m for all rows.
func (w *writer) exec(ctx context.Context, m many, args []any) error {
	return w.each(ctx, m, args, func(stmt *sql.Stmt, args []any) error {
		_, err := stmt.ExecContext(ctx, args...)
		return err
	})
}

// query runs m for all rows, and read for each row of the results.
func (w *writer) query(ctx context.Context, m many, args []any, read func(scanner) error) error {
	return w.each(ctx, m, args, func(stmt *sql.Stmt, args []any) error {
		rows, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := read(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
