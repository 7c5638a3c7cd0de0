package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/gofrs/flock"
)

// fileLock is the lock of a process on the machine that a SQLite file is on: a
// file beside it, locked until the process ends.
type fileLock struct{ file *flock.Flock }

func processFile(path string, id int64) string { return fmt.Sprintf("%s.%x.lock", path, id) }

func lockProcessFile(path string) func(context.Context, *DB, int64) (processLock, error) {
	return func(_ context.Context, _ *DB, id int64) (processLock, error) {
		l := fileLock{flock.New(processFile(path, id))}
		ok, err := l.file.TryLock()
		if err == nil && !ok {
			err = errors.New("its lock is another's")
		}
		return l, err
	}
}

func (l fileLock) beat(context.Context, int64) error { return nil }

func (l fileLock) close() error {
	if runtime.GOOS == "windows" {
		// What is open cannot be removed there. Another process that has opened it
		// meanwhile removes it.
		err := l.file.Unlock()
		os.Remove(l.file.Path())
		return err
	}
	err := os.Remove(l.file.Path())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Unlock())
}

// takeBackByFile takes back what a process held whose file is locked no more.
func takeBackByFile(path string) func(context.Context, *DB, int64) (int, error) {
	return func(ctx context.Context, db *DB, id int64) (int, error) {
		l := fileLock{flock.New(processFile(path, id))}
		if ok, err := l.file.TryLock(); err != nil || !ok {
			return 0, err
		}
		n, err := db.TakeBackFrom(ctx, id)
		return n, errors.Join(err, l.close())
	}
}

// sessionLock is the lock of a process on a PostgreSQL server: it ends with the
// session, which nothing else uses.
type sessionLock struct {
	db   *DB
	conn *sql.Conn
}

// A session whose other end is gone without a word ends soon as well.
const mindEnd = "select set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '2', false)"

func lockProcessSession(ctx context.Context, db *DB, id int64) (processLock, error) {
	l := &sessionLock{db: db}
	return l, l.take(ctx, id)
}

func (l *sessionLock) take(ctx context.Context, id int64) error {
	conn, err := l.db.write.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, mindEnd)
	if err == nil {
		// If a dead session of ours still has it, unnoticed, that is as good.
		_, err = conn.ExecContext(ctx, "select pg_try_advisory_lock($1)", id)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	l.conn = conn
	return nil
}

func (l *sessionLock) beat(ctx context.Context, id int64) error {
	if l.conn == nil {
		if err := l.take(ctx, id); err != nil {
			return err
		}
	}
	now, err := l.now(ctx)
	var result sql.Result
	if err == nil {
		result, err = l.conn.ExecContext(ctx, "update processes set seen_at = $2 where id = $1", id, now)
	}
	if err != nil {
		return errors.Join(err, l.close())
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

func (l *sessionLock) now(ctx context.Context) (now int64, err error) {
	if l.db.clockOf != nil {
		return ms(l.db.clockOf()), nil
	}
	err = l.conn.QueryRowContext(ctx, l.db.clock).Scan(&now)
	return now, err
}

// close ends the session: one that went back among the others would keep the
// lock.
func (l *sessionLock) close() error {
	if l.conn == nil {
		return nil
	}
	err := l.conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) {
		err = nil
	}
	err = errors.Join(err, l.conn.Close())
	if l.conn = nil; errors.Is(err, sql.ErrConnDone) {
		err = nil
	}
	return err
}

// takeBackBySession takes back what a process held whose session is gone.
func takeBackBySession(ctx context.Context, db *DB, id int64) (n int, err error) {
	err = db.update(ctx, func(t *tx) error {
		n = 0
		free := false
		err := t.query(func(s scanner) error { return s.Scan(&free) }, "select pg_try_advisory_xact_lock($1)", id)
		if err != nil || !free {
			return err
		}
		// It may have come back since it was looked for.
		silent := false
		err = t.query(func(s scanner) error { silent = true; return s.Scan(new(int64)) },
			"select id from processes where id = $1 and seen_at <= $2 for update", id, ms(t.now.Add(-goneAfter)))
		if err != nil || !silent {
			return err
		}
		n, err = t.takeBack(id)
		return err
	})
	return n, err
}
