package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	_ "modernc.org/sqlite" // the driver sqlite
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is all that differs between the two engines.
type dialect struct {
	name string
	// lock stands in for /*lock*/ in a statement that claims rows: without it
	// two PostgreSQL nodes claim the same one.
	lock string
	// hold stands in for /*hold*/ in a statement that locks the rows it reads, to the end of
	// its transaction. With SQLite the transaction has the only lock there is.
	hold string
	// writers is how many transactions may write at once.
	writers int
	// prepared says that statements are kept prepared here; pgx does it itself.
	prepared bool
	// lists says that a statement takes lists of values, and that it pays: each statement is a
	// call of a server.
	lists bool
	// anew goes before the arguments of a statement with a long list, which must be
	// planned each time. The plan that PostgreSQL keeps may be from when a table was
	// small: then it compares every row with every value of the list.
	anew []any
	// migrationLock keeps two processes from migrating at once, "" when the
	// transaction does that already.
	migrationLock string
	// clock reads the database's own time as Unix milliseconds, "" when this
	// process's clock is the only one.
	clock string
	// tablesWith lists the tables with a column of the name $1.
	tablesWith string
	// payloads are the payloads of events as texts, whatever their bytes are.
	payloads texts
	// cutShort is true of a payload whose text ends before its last byte. JSON has
	// no such byte.
	cutShort string
	// lockNames waits for every transaction that has read the names and keeps
	// others from reading them, "" where one writer is at work anyway.
	lockNames string
	// beats says that a process has to say from time to time that it lives: its
	// lock may be gone although it is not.
	beats bool
}

var (
	sqliteDialect = dialect{name: "sqlite", writers: 1, prepared: true,
		cutShort:   "substr(payload, 1, 1) not in (x'7b', x'5b') and instr(payload, x'00') > 0",
		payloads:   texts{"cast(payload as text)", "cast(payload as text)"},
		tablesWith: "select m.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and c.name = $1"}

	postgresDialect = dialect{name: "postgres", writers: 4, lock: "for update skip locked", hold: "for update", beats: true, lists: true,
		anew:          []any{pgx.QueryExecModeCacheDescribe},
		migrationLock: "select pg_advisory_xact_lock(7305883)",
		clock:         "select (extract(epoch from clock_timestamp()) * 1000)::bigint",
		cutShort:      "false",
		payloads:      texts{"encode(payload, 'escape')", `lower(encode(payload, 'escape') collate "C")`},
		// information_schema would tell too, but PostgreSQL plans for its view many times as
		// long.
		tablesWith: "select c.relname::text from pg_attribute a join pg_class c on c.oid = a.attrelid " +
			"where c.relnamespace = (select oid from pg_namespace where nspname = current_schema()) and c.relkind = 'r' and a.attname = $1",
		lockNames: "lock table names in access exclusive mode"}
)

// IsPostgres reports whether a DSN names a PostgreSQL server.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// openPools opens the pool for writing and the one for reading.
func (db *DB) openPools(ctx context.Context, o Options) (err error) {
	if IsPostgres(o.DSN) {
		db.dialect = &postgresDialect
		db.write, db.pooled, err = openPostgres(ctx, o.DSN)
		db.read = db.write
		return err
	}
	db.dialect = &sqliteDialect
	if db.write, err = openSQLite(ctx, o, 1); err != nil {
		return err
	}
	if db.read, err = openSQLite(ctx, o, 4); err != nil {
		return errors.Join(err, db.write.Close())
	}
	return nil
}

// openSQLite opens the file with its settings in the DSN, so that each
// connection of the pool has them (secure_delete: what is deleted is written
// over, and does not stay in free pages), and asserts the two that durability
// rests on: with synchronous=NORMAL a power cut loses acknowledged rows.
func openSQLite(ctx context.Context, o Options, connections int) (*sql.DB, error) {
	abs, err := filepath.Abs(o.DSN)
	if err != nil {
		return nil, err
	}
	// The write-ahead log is long enough that a page which is written again and
	// again reaches the file once.
	q := url.Values{"_txlock": {"immediate"}, "_dqs": {"0"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-16000)", "wal_autocheckpoint(8000)", "secure_delete(1)"}}
	open := o.SQLite
	if open == nil {
		open = func(dsn string) (*sql.DB, error) { return sql.Open("sqlite", dsn) }
	}
	db, err := open(fileURL(abs, q.Encode()))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	var mode string
	var level int
	// A new file is made a write-ahead one: of two processes that do so at once SQLite
	// refuses one, without the wait that it grants elsewhere.
	for n, began := 1, time.Now(); ; n++ {
		err := db.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode)
		if err == nil {
			break
		}
		if !again(err) || n == tries || time.Since(began) > time.Second { // it has waited already
			return nil, errors.Join(err, db.Close())
		}
		select {
		case <-time.After(pause(n)):
		case <-ctx.Done():
		}
	}
	if err := db.QueryRowContext(ctx, "pragma synchronous").Scan(&level); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	const full = 2
	if mode != "wal" || level != full { // invariant 1
		return nil, errors.Join(fmt.Errorf("the SQLite file runs with journal_mode %s and synchronous %d, which could lose what was acknowledged; put it on a local disk", mode, level), db.Close())
	}
	return db, nil
}

// fileURL is the DSN of a SQLite file with an absolute path. C:\x is file:///C:/x: SQLite
// would take what follows two slashes for the name of a host.
func fileURL(abs, options string) string {
	path := filepath.ToSlash(abs)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options}).String()
}

// sqliteError is an error of a SQLite driver, whichever it is.
type sqliteError interface {
	error
	Code() int
}

// again reports whether a transaction failed for a reason that another try will
// not meet, or will see coming: it was the victim of a deadlock, found the file
// busy, or another node took the same record in the same moment.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40P01" || pg.Code == "40001" || pg.Code == "23505"
	}
	var lite sqliteError
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	return false
}

// undone reports whether the error of a commit says that nothing of the transaction is stored: the
// engine refused it. A server that ends, or a connection, leaves that open, also where pgx calls
// another try safe: of a connection that ends before the answer it says the same as of one that
// was closed before the question.
func undone(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return !strings.HasPrefix(pg.Code, "08") && !strings.HasPrefix(pg.Code, "57P") && pg.Code != "40003"
	}
	var lite sqliteError
	return errors.As(err, &lite) || errors.Is(err, pgx.ErrTxCommitRollback)
}

// pause before the n-th retry of a transaction.
func pause(n int) time.Duration { return time.Duration(n*n) * 5 * time.Millisecond }

// missingTable reports whether a statement named a table that does not exist.
func missingTable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "42P01"
	}
	// SQLite has no code of its own for it: a statement that does not compile
	// is a plain SQLITE_ERROR, and this statement has no other way to fail so.
	var lite sqliteError
	return errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_ERROR
}
