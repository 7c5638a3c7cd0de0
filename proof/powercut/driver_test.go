package powercut

import (
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // the driver sqlite, which is the product's

	"github.com/trueup-sync/trueup/internal/store"
)

// A cut can only find what a call has done.
func TestEachStepDoesSomething(t *testing.T) {
	r, err := newRecord(t.Context(), t.TempDir(), scripted)
	if err != nil {
		t.Fatal(err)
	}
	defer r.first.Discard()
	for i, s := range r.steps {
		if changed := r.states[i] != r.states[i+1]; changed == s.idle {
			t.Errorf("%q changes something: %t", s.name, changed)
		}
	}
}

// A cut says something about the product only when the store does on this
// driver what it does on its own.
func TestTheScriptedHistoryIsTheSameOnTheProductsDriver(t *testing.T) {
	r, err := newRecord(t.Context(), t.TempDir(), scripted)
	if err != nil {
		t.Fatal(err)
	}
	defer r.first.Discard()
	file := filepath.Join(t.TempDir(), "trueup.db")
	l := &life{ctx: t.Context(), memory: newMemory(), open: func(now func() time.Time) (*Machine, error) {
		// Given its driver, a store takes no process number: its calls are the
		// same in each life, and a lease outlives a restart as it does on the disk.
		driver := func(dsn string) (*sql.DB, error) { return sql.Open("sqlite", dsn) }
		db, err := store.Open(t.Context(), store.Options{DSN: file, Migrate: true, Work: true, Now: now, SQLite: driver})
		if err != nil {
			return nil, err
		}
		return &Machine{DB: db}, nil
	}}
	if _, err := l.live(r.steps, 0); err != nil {
		t.Fatal(errors.Join(err, l.stop()))
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got, err := rows(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	want := r.states[len(r.steps)]
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(- on the faulty disk, + on the product's driver)\n%s", diff)
	}
}

// What the store reads from a driver's errors, it can read from this one's.
func TestErrorsTellSQLitesCode(t *testing.T) {
	d := NewDisk(t.TempDir())
	defer d.Discard()
	open := func(dsn string) (*sql.DB, error) { return d.pool(dsn, nil) }
	if _, err := store.Open(t.Context(), store.Options{DSN: path, SQLite: open}); !errors.Is(err, store.ErrMissing) {
		t.Errorf("without a schema: %v", err)
	}
	db, err := open("file:" + path + "?_txlock=immediate&_pragma=busy_timeout(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const busy = 5
	var coded interface{ Code() int }
	if _, err := db.BeginTx(t.Context(), nil); !errors.As(err, &coded) || coded.Code() != busy {
		t.Errorf("beside another transaction: %v", err)
	}
}
