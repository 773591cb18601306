package store

import (
	"context"
	"fmt"
)

// Size returns how many bytes the database takes, without the log of what is written.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	if err := s.read.QueryRowContext(ctx, s.dialect.size).Scan(&bytes); err != nil {
		return 0, fmt.Errorf("cannot read the size: %w", classify(err))
	}
	return bytes, nil
}
