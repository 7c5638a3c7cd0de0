package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/trueup-sync/trueup/internal/newfile"
)

// Why a copy cannot be made or put back.
var (
	// ErrNotSQLite means that the database is on a PostgreSQL server, which has its
	// own programs for it.
	ErrNotSQLite = errors.New("the database is on a PostgreSQL server")
	// ErrThere means that there is a file already where one was to be made.
	ErrThere = errors.New("it exists already")
)

// CopyFigures is what a copy of the database holds.
type CopyFigures struct {
	CopiedAt  time.Time
	Customers int
	Links     int
	Events    int
	LastEvent time.Time // when the newest was received
	Bytes     int64
}

// Backup copies a SQLite database into a new file while it is at work, and checks the
// copy. The file is there, for its owner alone, once all of it is on the disk; so is its folder,
// if there was none.
func (db *DB) Backup(ctx context.Context, path string) (CopyFigures, error) {
	if db.name != sqliteDialect.name {
		return CopyFigures{}, ErrNotSQLite
	}
	now, err := db.Now(ctx)
	if err != nil {
		return CopyFigures{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return CopyFigures{}, fmt.Errorf("make the folder of the copy: %w", err)
	}
	return placed(path, func(unfinished string) (CopyFigures, error) {
		if _, err := db.read.ExecContext(ctx, "vacuum into ?", unfinished); err != nil {
			return CopyFigures{}, fmt.Errorf("copy the database: %w", err)
		}
		return finishCopy(ctx, unfinished, now)
	})
}

// Restore puts a copy of a SQLite database where there is none yet. The process that
// works on it first is told that it is a copy (NoticeCopy).
func Restore(ctx context.Context, from, to string) (CopyFigures, error) {
	for _, part := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(to + part); err == nil && (part != "" || info.Size() > 0) {
			return CopyFigures{}, fmt.Errorf("%s: %w", to+part, ErrThere)
		}
	}
	in, err := os.Open(from) // #nosec G304 -- the file that the person names
	if err != nil {
		return CopyFigures{}, fmt.Errorf("open the copy: %w", err)
	}
	defer in.Close() // it is only read
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return CopyFigures{}, err
	}
	return placed(to, func(unfinished string) (CopyFigures, error) {
		out, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_TRUNC, 0o600) // #nosec G304 -- made by placed
		if err != nil {
			return CopyFigures{}, err
		}
		_, err = io.Copy(out, in)
		if err = errors.Join(err, out.Close()); err != nil {
			return CopyFigures{}, fmt.Errorf("copy it: %w", err)
		}
		return finishCopy(ctx, unfinished, time.Now())
	})
}

// placed makes a file under another name first, so that there is never half of one.
func placed(path string, fill func(unfinished string) (CopyFigures, error)) (found CopyFigures, err error) {
	if _, err := os.Lstat(path); err == nil {
		return found, fmt.Errorf("%s: %w", path, ErrThere)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".unfinished-*") // mode 0600
	if err != nil {
		return found, fmt.Errorf("make the file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if found, err = fill(f.Name()); err != nil {
		return found, errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return found, fmt.Errorf("write the file: %w", err)
	}
	if err := newfile.Name(f.Name(), path); err != nil {
		return found, fmt.Errorf("name the file: %w", err)
	}
	return found, nil
}

// finishCopy checks a copy, says in it that it is one, and counts what it holds.
func finishCopy(ctx context.Context, path string, now time.Time) (found CopyFigures, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return found, err
	}
	file, err := sql.Open("sqlite", fileURL(abs, "_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)"))
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sound := ""
	if err := file.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&sound); err != nil || sound != "ok" {
		return found, fmt.Errorf("the copy is damaged, or is no database: %w", errors.Join(err, errors.New(sound)))
	}
	steps, err := migrationsOf(migrations, sqliteDialect.name)
	if err != nil {
		return found, err
	}
	copied := &DB{dialect: &sqliteDialect}
	version, err := copied.schemaVersion(ctx, file, steps)
	if err == nil {
		err = compareVersions(version, len(steps))
	}
	if err != nil && !errors.Is(err, ErrOlder) {
		return found, err
	}
	_, err = file.ExecContext(ctx, `insert into marks (id, copied_at) values (1, ?1)
on conflict (id) do update set copied_at = case when copied_at = 0 then excluded.copied_at else copied_at end`, ms(now))
	if err != nil {
		return found, fmt.Errorf("mark the copy: %w", err)
	}
	var made, last int64
	err = file.QueryRowContext(ctx, `select (select copied_at from marks), (select count(*) from customers), (select count(*) from links),
    (select count(*) from events), (select coalesce(max(received_at), 0) from events)`).Scan(&made, &found.Customers, &found.Links, &found.Events, &last)
	if err != nil {
		return found, fmt.Errorf("count what the copy holds: %w", err)
	}
	found.CopiedAt, found.LastEvent = at(made), at(last)
	info, err := os.Stat(path)
	if err == nil {
		found.Bytes = info.Size()
	}
	return found, err
}
