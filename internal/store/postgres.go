package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib" // also the driver pgx
)

// sessions is how many a process has at once.
const sessions = 16

// openPostgres opens the pool, and reports whether what answers is not the server
// but a pooler in front of it.
func openPostgres(ctx context.Context, dsn string) (db *sql.DB, pooled bool, err error) {
	// pgx reports the faults of a DSN without its password.
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, false, err
	}
	open := func() *sql.DB {
		db := stdlib.OpenDB(*config)
		db.SetMaxOpenConns(sessions)
		// A session costs the server a process, and each its own plans: it is kept until
		// nobody needed it for a while.
		db.SetMaxIdleConns(sessions)
		db.SetConnMaxIdleTime(time.Minute)
		return db
	}
	db = open()
	if pooled, err = behindPooler(ctx, db); err != nil {
		return nil, false, errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return nil, false, err
	}
	if pooled { // it takes no settings of a session
		// The next transaction may be another session's, which knows none of the
		// statements that this one has prepared.
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return open(), pooled, nil
	}
	for name, value := range sessionSettings {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	return open(), pooled, nil
}

// sessionSettings are what a session has unless the address says otherwise.
var sessionSettings = map[string]string{
	// The server ends a session whose transaction hears nothing. A node that stands still
	// or is cut off in the middle of one would else keep its locks, on which the others
	// wait, for as long as that lasts.
	"idle_in_transaction_session_timeout": strconv.FormatInt(goneAfter.Milliseconds(), 10),
	// Compiling a statement took a hundred times as long as running it: what asks about
	// each of some rows looks expensive, and reads little.
	"jit": "off",
}

// behindPooler reports whether a pooler has answered in place of the server: a number
// that it makes up stands where a server tells that of the session.
func behindPooler(ctx context.Context, db *sql.DB) (pooled bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		c := driver.(*stdlib.Conn).Conn()
		var session uint32
		err := c.QueryRow(ctx, "select pg_backend_pid()", pgx.QueryExecModeExec).Scan(&session)
		pooled = session != c.PgConn().PID()
		return err
	})
	return pooled, err
}

// Pooled reports whether a pooler stands between this process and PostgreSQL, which
// may share sessions between transactions. Nothing is then kept in a session: what a
// killed process held waits for its lease to end.
func (db *DB) Pooled() bool { return db.pooled }

// noSchema adds what to do to the error of a role that may make no tables: it has no
// rights in the schema where they would be, or there is no such schema.
func (db *DB) noSchema(ctx context.Context, err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" && refused.Code != "3F000" {
		return err
	}
	var role, path string
	if askErr := db.read.QueryRowContext(ctx, "select quote_ident(current_user), current_setting('search_path')").Scan(&role, &path); askErr != nil {
		return errors.Join(err, askErr)
	}
	schema, _, _ := strings.Cut(path, ",")
	if schema == `"$user"` || schema == "public" {
		schema = role
	}
	return fmt.Errorf("the role %s %w in the database (%s); have its administrator run: create schema %s authorization %s",
		role, ErrNoSchema, refused.Message, schema, role)
}
