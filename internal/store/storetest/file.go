package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// migrated is a SQLite file that has every step of the schema and no row.
var migrated = sync.OnceValues(func() (text []byte, err error) {
	dir, err := os.MkdirTemp("", "trueup-storetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "trueup.db")
	if err := migrate(path); err != nil { // closed, all of it is in the one file
		return nil, err
	}
	return os.ReadFile(path)
})

// File returns the path of a SQLite file of the test's own that has all tables
// and no row. It is a copy: to make the tables costs many times what a usual
// test does with them.
func File(t testing.TB) string {
	t.Helper()
	text, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trueup.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Schema returns the URL of a PostgreSQL schema of the test's own that has all tables
// and no row. The test must not change the tables.
func Schema(t testing.TB) string { return pgtest.Ready(t, migrate) }

// PlainSchema is Schema for a role that owns it and may do nothing else.
func PlainSchema(t testing.TB) string { return pgtest.PlainReady(t, migrate) }

func migrate(dsn string) error {
	db, err := store.Open(context.Background(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		return err
	}
	return db.Close()
}
