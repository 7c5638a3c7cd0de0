package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrReplaced means that the SQLite file is not the one that was opened.
var ErrReplaced = errors.New("the database file, or one beside it, was deleted or replaced while it is in use: what is stored now would be gone at the next start; put it back, or start trueup again with the file that is to count")

// openedFile is a file of an open SQLite database.
type openedFile struct {
	path string
	info os.FileInfo
}

// openedFiles notes which files an open database works on: the one with the
// tables, and the two beside it with what is not yet in there.
func openedFiles(path string) ([]openedFile, error) {
	if runtime.GOOS == "windows" { // it lets nobody remove or replace a file that is open
		return nil, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	var all []openedFile
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(abs + suffix)
		switch {
		case err == nil:
			all = append(all, openedFile{abs + suffix, info})
		case suffix == "" || !errors.Is(err, os.ErrNotExist):
			return nil, fmt.Errorf("look at the database: %w", err)
		}
	}
	return all, nil
}

// there reports whether the database still is where it was opened. What was
// committed to a file without a name is lost, though no call has failed.
func (db *DB) there() error {
	for _, f := range db.opened {
		if now, err := os.Stat(f.path); err != nil || !os.SameFile(f.info, now) {
			return fmt.Errorf("%s: %w", f.path, ErrReplaced)
		}
	}
	return nil
}

const (
	// probeSize is about what an event takes with its payload and its indexes:
	// where a disk is full, less may find room for a while.
	probeSize = 32 << 10
	// probeAgain is for how long one probe counts.
	probeAgain = time.Second
)

// probing is when the database was seen to store something last, in Unix
// nanoseconds; 0 once something could not be stored since.
type probing struct {
	one sync.Mutex
	at  atomic.Int64
}

// Ready reports whether events can be stored and found again now: it commits
// something as long as an event, and reads what claiming reads.
func (db *DB) Ready(ctx context.Context) error {
	if err := db.there(); err != nil {
		return err
	}
	db.probing.one.Lock()
	defer db.probing.one.Unlock()
	if time.Since(time.Unix(0, db.probing.at.Load())) < probeAgain {
		return nil
	}
	// Each time another: where nothing is changed, SQLite writes nothing.
	text := rand.Text()
	filler := strings.Repeat(text, probeSize/len(text))
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("insert into probe (id, filler) values (1, $1) on conflict (id) do update set filler = excluded.filler", filler)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the database: %w", err)
	}
	err = db.view(ctx, func(s scanner) error { return s.Scan(new(int)) }, "select 1 from customers where due_at is not null limit 1")
	if err != nil {
		return fmt.Errorf("read from the database: %w", err)
	}
	db.probing.at.Store(time.Now().UnixNano())
	return nil
}
