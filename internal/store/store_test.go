package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines gives each engine's way to an empty database.
var engines = map[string]func(t testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "true up %41?#.db") },
	"postgres": pgtest.DSN,
}

func TestStore(t *testing.T) {
	for name := range engines {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Open {
				database := storetest.File(t)
				if name == "postgres" { // all of it is possible as a role that may do nothing else
					database = storetest.PlainSchema(t)
				}
				return func(t *testing.T, o store.Options) *store.DB {
					o.DSN = database
					return open(t, o)
				}
			})
		})
	}
}

// A pooler gives each transaction another session: the groups that lock, and those
// that change the schema or send lists, show it first.
func TestStoreThroughPgBouncer(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Open {
		database := pgtest.ThroughBouncer(t, pgtest.DSN(t))
		return func(t *testing.T, o store.Options) *store.DB {
			o.DSN = database
			db := open(t, o)
			if !db.Pooled() {
				t.Error("it takes PgBouncer for a server")
			}
			return db
		}
	}, "processes", "names", "connections", "schema", "events")
}

func TestAServerIsNotTakenForAPooler(t *testing.T) {
	for name, dsn := range engines {
		if db := open(t, store.Options{DSN: dsn(t), Migrate: true}); db.Pooled() {
			t.Errorf("%s is taken for a pooler", name)
		}
	}
}

func TestFourNodesMayStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			database := dsn(t)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					db, err := store.Open(t.Context(), store.Options{DSN: database, Migrate: true})
					if err != nil {
						t.Error(err)
						return
					}
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestADatabaseThatIsNotThisBinarysIsRefused(t *testing.T) {
	drivers := map[string]string{"sqlite": "sqlite", "postgres": "pgx"}
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			database := dsn(t)
			ctx := t.Context()
			if _, err := store.Open(ctx, store.Options{DSN: database}); !errors.Is(err, store.ErrMissing) {
				t.Errorf("with no database: %v", err)
			}
			db, err := store.Open(ctx, store.Options{DSN: database, Migrate: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			source := database
			if name == "sqlite" {
				source = (&url.URL{Scheme: "file", Path: database}).String()
			}
			raw, err := sql.Open(drivers[name], source)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			if _, err := raw.Exec("insert into schema_version (version) values (999)"); err != nil {
				t.Fatal(err)
			}
			for _, migrate := range []bool{true, false} {
				if _, err := store.Open(ctx, store.Options{DSN: database, Migrate: migrate}); !errors.Is(err, store.ErrNewer) {
					t.Errorf("with a newer schema, migrate %t: %v", migrate, err)
				}
			}
		})
	}
}

func TestOneProcessWorksOnASQLiteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trueup.db")
	first := open(t, store.Options{DSN: path, Migrate: true, Work: true})
	if _, err := store.Open(t.Context(), store.Options{DSN: path, Migrate: true, Work: true}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second one is told %v", err)
	}
	open(t, store.Options{DSN: path}) // a command works beside it
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, store.Options{DSN: path, Migrate: true, Work: true})
}

func TestASQLiteFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trueup.db")
	open(t, store.Options{DSN: path, Migrate: true})
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the rights %s", filepath.Base(f), info.Mode())
		}
	}
}

func TestAMissingFolderIsNamed(t *testing.T) {
	_, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "no", "trueup.db"), Migrate: true})
	if err == nil {
		t.Error("it opens")
	}
}

func TestCloseLetsNobodyWait(t *testing.T) {
	db := open(t, store.Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				err := db.Rest(ctx, "crm", time.Now())
				cancel()
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("a caller was left waiting")
				}
				if err != nil {
					return
				}
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}

func TestBothEnginesHaveTheSameSteps(t *testing.T) {
	var names [2][]string
	for i, engine := range []string{"sqlite", "postgres"} {
		found, err := filepath.Glob(filepath.Join("migrations", engine, "*.sql"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			names[i] = append(names[i], filepath.Base(f))
		}
	}
	if diff := cmp.Diff(names[0], names[1]); diff != "" || len(names[0]) == 0 {
		t.Error(diff)
	}
}

func TestBothEnginesHaveTheSameTables(t *testing.T) {
	lite, pg := filepath.Join(t.TempDir(), "trueup.db"), pgtest.DSN(t)
	open(t, store.Options{DSN: lite, Migrate: true})
	open(t, store.Options{DSN: pg, Migrate: true})
	a := columns(t, "sqlite", "file:"+lite, "select m.name || '.' || p.name from sqlite_master m, pragma_table_info(m.name) p where m.type = 'table' and m.name not like 'sqlite_%'")
	b := columns(t, "pgx", pg, "select table_name || '.' || column_name from information_schema.columns where table_schema = current_schema()")
	if diff := cmp.Diff(a, b); diff != "" || len(a) < 50 {
		t.Error(diff)
	}
}

func columns(t *testing.T, driver, dsn, query string) []string {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
