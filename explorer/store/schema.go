package store

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed schema
var schemaFiles embed.FS

// schema are the steps that make the schema, oldest first: step i leads to version i+1. A
// step that was ever released does not change; what is to be different is a new one.
var schema = steps("schema/1.sql")

func steps(names ...string) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			panic("store: " + err.Error()) // it is embedded
		}
		texts[i] = string(text)
	}
	return texts
}

const versionTable = "adic_explorer"

// migrate brings the schema of the database to what steps lead to, in one transaction.
func (s *Store) migrate(ctx context.Context, steps []string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.transact(ctx, func(w *writer) error {
		version, err := w.version(ctx)
		if err != nil {
			return err
		}
		if version > len(steps) {
			return fmt.Errorf("%w (its schema is version %d, this program knows %d)", ErrNewerSchema, version, len(steps))
		}
		if version == len(steps) {
			return nil // it may be read-only
		}
		for i, step := range steps[version:] {
			if _, err := w.conn.ExecContext(ctx, w.dialect.schema.Replace(step)); err != nil {
				return fmt.Errorf("step %d of the schema: %w", version+i+1, err)
			}
		}
		_, err = w.conn.ExecContext(ctx, `UPDATE `+versionTable+` SET version = $1`, len(steps))
		return err
	})
	return err
}

// version returns the version of the schema, 0 for an empty database. Others that ask
// wait until the transaction has ended.
func (w *writer) version(ctx context.Context) (version int, err error) {
	if w.dialect.migrating != "" {
		if _, err := w.conn.ExecContext(ctx, w.dialect.migrating); err != nil {
			return 0, err
		}
	}
	tables, err := column[string](ctx, w.conn, w.dialect.tables)
	if err != nil {
		return 0, err
	}
	if slices.Contains(tables, versionTable) {
		err = w.conn.QueryRowContext(ctx, `SELECT version FROM `+versionTable).Scan(&version)
		return version, err
	}
	if len(tables) > 0 {
		return 0, fmt.Errorf("it holds tables of something else (%s); give the explorer a database of its own", strings.Join(tables[:min(len(tables), 3)], ", "))
	}
	for _, statement := range []string{
		`CREATE TABLE ` + versionTable + ` (version INTEGER NOT NULL)`,
		`INSERT INTO ` + versionTable + ` VALUES (0)`,
	} {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// column returns the values of a query for one column.
func column[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	return scan(ctx, q, query, args, func(row scanner) (v T, err error) {
		err = row.Scan(&v)
		return v, err
	})
}

// scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

// scan returns what read makes of each row of a query.
func scan[T any](ctx context.Context, q querier, query string, args []any, read func(scanner) (T, error)) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
