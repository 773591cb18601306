package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

func openPostgres(dsn string, o Options) (*Store, error) {
	config, err := pgx.ParseConfig(dsn) // its errors do not repeat the password
	if err != nil {
		return nil, fmt.Errorf("the URL is not right: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "adic explorer"
	}
	config.RuntimeParams["lock_timeout"] = strconv.FormatInt(o.Wait.Milliseconds(), 10)
	open := func() *sql.DB { return stdlib.OpenDB(*config.Copy()) }
	write, read := open(), open()
	// A server that was replaced behind the same name is found in time.
	read.SetConnMaxIdleTime(5 * time.Minute)
	return newStore(postgresDialect, write, read, o), nil
}
