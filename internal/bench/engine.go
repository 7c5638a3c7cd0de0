package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
)

// engine makes empty databases.
type engine interface {
	name() string
	// fresh makes one, in dir where it is a file, and returns how it is dropped.
	fresh(ctx context.Context, dir string) (dsn string, drop func() error, err error)
	// open opens one for statements of the measurement's own, without waiting for the
	// disk where fast is set, as a bulk load does.
	open(dsn string, fast bool) (*sql.DB, error)
	// stored is how large a database is, in bytes.
	stored(ctx context.Context, dsn string) (int64, error)
	// writers is how many transactions write at once, as Trueup has them.
	writers() int
	// shared reports whether several nodes can work on one.
	shared() bool
}

type sqliteEngine struct{}

func (sqliteEngine) name() string { return "sqlite" }
func (sqliteEngine) writers() int { return 1 }
func (sqliteEngine) shared() bool { return false }

func (sqliteEngine) fresh(_ context.Context, dir string) (string, func() error, error) {
	return filepath.Join(dir, "trueup.db"), func() error { return nil }, nil
}

func (sqliteEngine) open(dsn string, fast bool) (*sql.DB, error) {
	level := "full"
	if fast {
		level = "off"
	}
	path, err := filepath.Abs(dsn)
	if err != nil {
		return nil, err
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(" + level + ")", "cache_size(-64000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (e sqliteEngine) stored(ctx context.Context, dsn string) (int64, error) {
	return number(ctx, e, dsn, "select page_count * page_size from pragma_page_count, pragma_page_size")
}

// number asks a database for a number.
func number(ctx context.Context, e engine, dsn, query string) (n int64, err error) {
	db, err := e.open(dsn, false)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// postgresEngine makes a schema for each database.
type postgresEngine struct {
	base  *url.URL
	admin *sql.DB
	count atomic.Int64
}

// errInUse protects what somebody works with: two Trueups in one PostgreSQL database
// would take each other's locks.
var errInUse = errors.New("a Trueup has its tables in this PostgreSQL database; make an empty one for the measurement")

func newPostgres(ctx context.Context, dsn string) (*postgresEngine, error) {
	base, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("the address of the PostgreSQL database cannot be read") // it may hold a password
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, fmt.Errorf("open the PostgreSQL database: %w", err)
	}
	var used bool
	if err := admin.QueryRowContext(ctx, "select to_regclass('customers') is not null and to_regclass('events') is not null").Scan(&used); err != nil {
		return nil, errors.Join(fmt.Errorf("ask the PostgreSQL database: %w", err), admin.Close())
	}
	if used {
		return nil, errors.Join(errInUse, admin.Close())
	}
	return &postgresEngine{base: base, admin: admin}, nil
}

func (*postgresEngine) name() string { return "postgres" }
func (*postgresEngine) writers() int { return 4 }
func (*postgresEngine) shared() bool { return true }
func (p *postgresEngine) close()     { _ = p.admin.Close() }

func (p *postgresEngine) fresh(ctx context.Context, _ string) (string, func() error, error) {
	schema := fmt.Sprintf("trueup_bench_%d_%d", os.Getpid(), p.count.Add(1))
	if _, err := p.admin.ExecContext(ctx, "create schema "+schema); err != nil {
		return "", nil, fmt.Errorf("make a schema: %w", err)
	}
	u, q := *p.base, p.base.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), func() error {
		_, err := p.admin.ExecContext(context.WithoutCancel(ctx), "drop schema "+schema+" cascade")
		return err
	}, nil
}

func (*postgresEngine) open(dsn string, fast bool) (*sql.DB, error) {
	if fast {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, err
		}
		q := u.Query()
		q.Set("synchronous_commit", "off")
		u.RawQuery = q.Encode()
		dsn = u.String()
	}
	return sql.Open("pgx", dsn)
}

func (p *postgresEngine) stored(ctx context.Context, dsn string) (int64, error) {
	return number(ctx, p, dsn, "select sum(pg_total_relation_size(oid))::bigint from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'")
}
