package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Why a database cannot be opened.
var (
	// ErrNewer means that a newer binary has changed the schema.
	ErrNewer = errors.New("the database was made by a newer version of trueup; start that version, or restore the backup made before the upgrade")
	// ErrOlder means that the schema is older and Open was not to change it.
	ErrOlder = errors.New("the database was made by an older version of trueup; start trueup run once, which brings it up to date")
	// ErrUnreleased means that a version from before the first release made the
	// database. Its schema is another one.
	ErrUnreleased = errors.New("the database was made by a development version of trueup from before the first release, and this version cannot read it; export what you need with the version that made it (trueup links export), then start with a new database")
	// ErrMissing means that there is no database yet and Open was not to make one.
	ErrMissing = errors.New("there is no database yet; start trueup run once, which makes it")
	// ErrNoSchema means that PostgreSQL lets the role make no tables.
	ErrNoSchema = errors.New("may not make tables")
	// ErrLocked means that another process works on the same SQLite file.
	ErrLocked = errors.New("another trueup run works on this SQLite file; stop it, or use PostgreSQL to share the work")
)

// Options is how a database is opened.
type Options struct {
	// DSN is a path to a SQLite file, or a postgres:// URL.
	DSN string
	// Migrate brings the schema up to date, and makes the database if there is
	// none. Without it an older or missing schema is an error.
	Migrate bool
	// Work claims the right to work on a SQLite file, which one process can
	// have; commands beside it open without.
	Work bool
	// Now replaces the database's clock; for tests. nil is PostgreSQL's own
	// clock, or for SQLite this machine's.
	Now func() time.Time
	// SQLite replaces the driver, and with it the disk, under a SQLite file; for
	// tests. Its errors tell SQLite's result code by a method Code() int.
	SQLite func(dsn string) (*sql.DB, error)
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	*dialect
	write, read *sql.DB
	pooled      bool // see Pooled
	clockOf     func() time.Time
	file        *flock.Flock
	witnessFile string // beside a SQLite file; "" for none
	// lockProcess takes the lock of this process, and ifGone takes back what
	// another one held whose lock is free; nil where there are no such locks.
	lockProcess func(ctx context.Context, db *DB, id int64) (processLock, error)
	ifGone      func(ctx context.Context, db *DB, id int64) (int, error)
	process     process
	opened      []openedFile
	probing     probing
	counts      customerCounts
	works       bool
	standings   figures[[]looked]
	linkCounts  figures[[]LinkCount]
	sizes       figures[int]
	statements  statements
	// Those for reading are apart: their pool is another one.
	readStatements readStatements

	jobs    chan *job
	writing sync.WaitGroup
	closing sync.Once
	closed  chan struct{}

	// What is done beside those who asked for it.
	aside   sync.WaitGroup
	asideMu sync.Mutex // no work begins while closed is closed
}

// Open opens a database and checks its schema.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{clockOf: o.Now, works: o.Work, jobs: make(chan *job), closed: make(chan struct{})}
	if !IsPostgres(o.DSN) && o.SQLite == nil {
		if err := db.openFile(o); err != nil {
			return nil, err
		}
	}
	var err error
	if err = db.openPools(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", unreachable(err)), db.unlock())
	}
	switch {
	case db.pooled: // a session's lock tells nothing
	case db.beats:
		db.lockProcess, db.ifGone = lockProcessSession, takeBackBySession
	case o.SQLite == nil:
		db.witnessFile = o.DSN + ".mark"
		db.lockProcess, db.ifGone = lockProcessFile(o.DSN), takeBackByFile(o.DSN)
	}
	if db.clockOf == nil && db.clock == "" {
		db.clockOf = time.Now
	}
	db.statements.db = db
	steps, err := migrationsOf(migrations, db.name)
	if err == nil {
		err = db.wholeCopy(ctx)
	}
	if err == nil {
		err = db.migrate(ctx, steps, o.Migrate)
	}
	if err != nil {
		return nil, errors.Join(unreachable(err), db.closePools(), db.unlock())
	}
	if o.SQLite == nil && !IsPostgres(o.DSN) {
		if db.opened, err = openedFiles(o.DSN); err != nil {
			return nil, errors.Join(err, db.closePools(), db.unlock())
		}
	}
	for range db.writers {
		db.writing.Go(db.writeLoop)
	}
	return db, nil
}

// openFile checks that the SQLite file can be there and takes its lock.
func (db *DB) openFile(o Options) error {
	if !o.Migrate {
		if _, err := os.Stat(o.DSN); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", o.DSN, ErrMissing)
		}
	}
	dir := filepath.Dir(o.DSN)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("the folder %s for the database does not exist; make it, or change database in trueup.yaml", dir)
	}
	if o.Migrate {
		// Events hold personal data: the file is for its owner alone. SQLite
		// gives its side files the same rights.
		f, err := os.OpenFile(o.DSN, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("open the database: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("open the database: %w", err)
		}
	}
	if !o.Work {
		return nil
	}
	db.file = flock.New(o.DSN + ".lock")
	ok, err := db.file.TryLock()
	if err != nil {
		return fmt.Errorf("lock the database: %w", err)
	}
	if !ok {
		return fmt.Errorf("%s: %w", o.DSN, ErrLocked)
	}
	return nil
}

// Close waits for the transactions under way and closes the database. Nothing
// may be called after it.
func (db *DB) Close() error {
	var err error
	db.closing.Do(func() {
		err = db.leaveProcess()
		db.asideMu.Lock()
		close(db.closed)
		db.asideMu.Unlock()
		db.writing.Wait()
		db.aside.Wait()
		err = errors.Join(err, db.closePools(), db.unlock())
	})
	return err
}

func (db *DB) closePools() error {
	err := db.statements.close()
	for _, stmt := range db.readStatements.by {
		err = errors.Join(err, stmt.Close())
	}
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	return errors.Join(err, db.write.Close())
}

func (db *DB) unlock() error {
	if db.file == nil {
		return nil
	}
	return db.file.Unlock()
}

// Engine returns sqlite or postgres.
func (db *DB) Engine() string { return db.name }

// Now is the database's time, by which leases and due times are counted.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	if db.clockOf != nil {
		return db.clockOf().Truncate(time.Millisecond).UTC(), nil
	}
	var now int64
	if err := db.read.QueryRowContext(ctx, db.clock).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", err)
	}
	return at(now), nil
}
