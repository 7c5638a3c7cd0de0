package store_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// keep is the release whose schema is kept for the tests of the next ones, such as 1.2.0.
var keep = flag.String("keep", "", "keep a database of this schema as that of a release")

const released = "testdata/released"

// unpacked writes a kept file into a folder of the test.
func unpacked(t *testing.T, packed string) string {
	t.Helper()
	raw, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	in, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trueup.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rowsOf counts the rows of each table.
func rowsOf(t *testing.T, engine, dsn string) map[string]int {
	t.Helper()
	raw := storetest.Raw(t, engine, dsn)
	tables := "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
	if engine == "postgres" {
		tables = "select table_name from information_schema.tables where table_schema = current_schema()"
	}
	found, err := raw.Query(tables + " order by 1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for found.Next() {
		name := ""
		if err := found.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	all := map[string]int{}
	for _, name := range names {
		n := 0
		if err := raw.QueryRow("select count(*) from " + name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if name != "schema_version" {
			all[name] = n
		}
	}
	return all
}

func TestEveryReleasedSchemaIsBroughtUpToDateWithAllItsRows(t *testing.T) {
	if *keep != "" {
		keepThis(t)
	}
	files, err := filepath.Glob(filepath.Join(released, "*.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if releases := strings.Count(string(changes), "\n## ") - strings.Count(string(changes), "\n## Unreleased"); releases > 0 && len(files) == 0 {
		t.Fatalf("CHANGELOG.md has %d releases, and no schema is kept: scripts/keep-schema.sh VERSION", releases)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path := unpacked(t, file)
			before := rowsOf(t, "sqlite", path)
			db, err := store.Open(t.Context(), store.Options{DSN: path, Migrate: true, Work: true})
			if err != nil {
				t.Fatal(err)
			}
			found, _, err := db.Verify(t.Context())
			if err != nil || len(found) > 0 {
				t.Errorf("afterwards %+v, %v", found, err)
			}
			receive(t, db, "evt_after")
			ends(t, db)
			after := rowsOf(t, "sqlite", path)
			for table, n := range before {
				if after[table] < n {
					t.Errorf("%s had %d rows, and has %d", table, n, after[table])
				}
			}
		})
	}
}

// A released step is part of databases that are in use. What has to change is a
// further step.
func TestAReleasedStepIsNeverChanged(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(released, "steps.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return // nothing is released
	}
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, engine := range []string{"sqlite", "postgres"} {
		steps, err := store.StepDigests(engine)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, steps...)
	}
	for line := range strings.Lines(string(text)) {
		if !slices.Contains(have, strings.TrimSpace(line)) {
			t.Errorf("%s was released, and is another one now: put it back, and add a step", strings.Fields(line)[0])
		}
	}
}

// keepThis keeps a database of this schema, and what its steps do.
func keepThis(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(released, 0o750); err != nil {
		t.Fatal(err)
	}
	db, path := full(t, 3)
	ends(t, db)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	if _, err := out.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(released, *keep+".db.gz"), packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, engine := range []string{"sqlite", "postgres"} {
		steps, err := store.StepDigests(engine)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, steps...)
	}
	if err := os.WriteFile(filepath.Join(released, "steps.txt"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The files were made by the code of these commits, before the first release.
func TestARealDatabaseOfADevelopmentVersionIsRefusedAndLeftAsItIs(t *testing.T) {
	files, err := filepath.Glob("testdata/development/*.db.gz")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path := unpacked(t, file)
			before := rowsOf(t, "sqlite", path)
			if before["events"] != 2 || before["customers"] != 2 {
				t.Fatalf("it is no real one: %v", before)
			}
			for _, migrate := range []bool{true, false} {
				if _, err := store.Open(t.Context(), store.Options{DSN: path, Migrate: migrate}); !errors.Is(err, store.ErrUnreleased) {
					t.Errorf("migrate %t: %v, want ErrUnreleased", migrate, err)
				}
			}
			if after := rowsOf(t, "sqlite", path); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it held %v, and holds %v", before, after)
			}
		})
	}
}

func TestAnUpgradeKeepsEveryRowAndIsNotUndone(t *testing.T) {
	db, path := full(t, 3)
	to := pgtest.DSN(t)
	if _, err := db.CopyTo(t.Context(), to, quiet); err != nil {
		t.Fatal(err)
	}
	ends(t, db)
	for engine, dsn := range map[string]string{"sqlite": path, "postgres": to} {
		t.Run(engine, func(t *testing.T) {
			before := rowsOf(t, engine, dsn)
			step := map[string]string{"sqlite": "integer", "postgres": "bigint"}[engine]
			for range 2 {
				if err := store.MigrateWith(t.Context(), dsn, "alter table customers add column next "+step+" not null default 7; create table next_things (id "+step+" not null primary key)"); err != nil {
					t.Fatal(err)
				}
			}
			after := rowsOf(t, engine, dsn)
			if _, made := after["next_things"]; !made {
				t.Error("the step was not done")
			}
			delete(after, "next_things")
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("it held %v, and holds %v", before, after)
			}
			var next sql.NullInt64
			if err := storetest.Raw(t, engine, dsn).QueryRow("select min(next) from customers").Scan(&next); err != nil || next.Int64 != 7 {
				t.Errorf("a customer has %v, %v", next, err)
			}
			for _, migrate := range []bool{true, false} {
				_, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: migrate})
				if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "made by a newer version of trueup; start that version") {
					t.Errorf("an older version, migrate %t: %v", migrate, err)
				}
			}
		})
	}
}
