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
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if s.dialect.migrating != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.migrating); err != nil {
			return err
		}
	}
	tables, err := column[string](ctx, tx, s.dialect.tables)
	if err != nil {
		return err
	}
	version := 0
	switch {
	case slices.Contains(tables, versionTable):
		if err := tx.QueryRowContext(ctx, `SELECT version FROM `+versionTable).Scan(&version); err != nil {
			return err
		}
	case len(tables) > 0:
		return fmt.Errorf("it holds tables of something else (%s); give the explorer a database of its own", strings.Join(tables[:min(len(tables), 3)], ", "))
	default:
		if _, err := tx.ExecContext(ctx, `CREATE TABLE `+versionTable+` (version INTEGER NOT NULL)`); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO `+versionTable+` VALUES (0)`); err != nil {
			return err
		}
	}
	if version > len(steps) {
		return fmt.Errorf("%w (its schema is version %d, this program knows %d)", ErrNewerSchema, version, len(steps))
	}
	if version == len(steps) {
		return nil
	}
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, s.dialect.schema.Replace(step)); err != nil {
			return fmt.Errorf("step %d of the schema: %w", version+i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE `+versionTable+` SET version = $1`, len(steps)); err != nil {
		return err
	}
	return tx.Commit()
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
