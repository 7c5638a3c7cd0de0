package store

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// The store's own schema has one step. These are of a product with three.
func steps(t *testing.T, db *DB) []migration {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"0001.sql":         "create table things (name text not null primary key)",
		"0002_colors.sql":  "alter table things add column color text not null default 'red'",
		"0003_renamed.sql": "update things set name = 'renamed'; create table more (id bigint not null primary key)",
	} {
		files["migrations/"+db.name+"/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	all, err := migrationsOf(files, db.name)
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	return all
}

// eachEngine gives a test an empty database of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "trueup.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.DSN(t)) })
}

// openPlain opens a database without its schema.
func openPlain(t *testing.T, dsn string) *DB {
	t.Helper()
	db := &DB{}
	if err := db.openPools(t.Context(), Options{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	db.statements.db = db
	t.Cleanup(func() {
		if err := db.closePools(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestAStepIsDoneOnceAndKeepsTheData(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		db := openPlain(t, dsn)
		all := steps(t, db)
		ctx := t.Context()
		if err := db.migrate(ctx, all, false); !errors.Is(err, ErrMissing) {
			t.Errorf("an empty database: %v, want ErrMissing", err)
		}
		if err := db.migrate(ctx, all[:1], true); err != nil {
			t.Fatal(err)
		}
		if _, err := db.write.ExecContext(ctx, "insert into things (name) values ('one')"); err != nil {
			t.Fatal(err)
		}
		if err := db.migrate(ctx, all, false); !errors.Is(err, ErrOlder) {
			t.Errorf("an older schema that may not be changed: %v, want ErrOlder", err)
		}
		for range 2 {
			if err := db.migrate(ctx, all, true); err != nil {
				t.Fatal(err)
			}
		}
		var name, color string
		if err := db.read.QueryRowContext(ctx, "select name, color from things").Scan(&name, &color); err != nil || name != "renamed" || color != "red" {
			t.Errorf("the row is %q, %q, %v", name, color, err)
		}
		if err := db.migrate(ctx, all, false); err != nil {
			t.Errorf("the same schema: %v", err)
		}
		for _, change := range []bool{true, false} {
			if err := db.migrate(ctx, all[:2], change); !errors.Is(err, ErrNewer) {
				t.Errorf("a newer schema, change %t: %v, want ErrNewer", change, err)
			}
		}
	})
}

func TestAStepThatFailsLeavesTheSchemaAsItWas(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		db := openPlain(t, dsn)
		all := steps(t, db)
		if err := db.migrate(t.Context(), all[:1], true); err != nil {
			t.Fatal(err)
		}
		all[2].text += "; insert into nowhere values (1)"
		if err := db.migrate(t.Context(), all, true); err == nil || !strings.Contains(err.Error(), "0003_renamed.sql") {
			t.Errorf("the error is %v; it must name the step", err)
		}
		if err := db.migrate(t.Context(), all[:1], false); err != nil {
			t.Errorf("after the failure: %v", err)
		}
	})
}

func TestStepsAreNumberedWithoutAGap(t *testing.T) {
	files := fstest.MapFS{"migrations/sqlite/0001.sql": {}, "migrations/sqlite/0003.sql": {}}
	if _, err := migrationsOf(files, "sqlite"); err == nil {
		t.Error("a gap is accepted")
	}
}

func TestBothEnginesHaveTheSameSchemaButForTheTypes(t *testing.T) {
	text := map[string]string{}
	for _, engine := range []string{"sqlite", "postgres"} {
		all, err := migrationsOf(migrations, engine)
		if err != nil || len(all) == 0 {
			t.Fatal(all, err)
		}
		for _, step := range all {
			text[engine] += step.name + "\n" + step.text
		}
		text[engine] = strings.Join(strings.Fields(strings.NewReplacer("bigint generated always as identity", "integer", " autoincrement", "",
			"bigint", "integer", "bytea", "blob", "double precision", "real", `text collate "C"`, "text", ") strict;", ");").Replace(text[engine])), " ")
	}
	a, b := text["sqlite"], text["postgres"]
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("they differ at\n%.80s\n%.80s", a[i:], b[i:])
		}
	}
	if len(a) != len(b) {
		t.Error("one is longer")
	}
}

// Before the first release there were thirty other steps.
func TestADatabaseOfADevelopmentVersionIsRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		raw := openPlain(t, dsn).write
		for _, text := range []string{"create table schema_version (version bigint not null primary key)",
			"create table cursors (connection text not null, asked_at bigint not null)",
			"insert into schema_version (version) values (1)"} {
			if _, err := raw.Exec(text); err != nil {
				t.Fatal(err)
			}
		}
		for _, version := range []string{"1", "30"} {
			if _, err := raw.Exec("update schema_version set version = " + version); err != nil {
				t.Fatal(err)
			}
			for _, migrate := range []bool{true, false} {
				if _, err := Open(t.Context(), Options{DSN: dsn, Migrate: migrate}); !errors.Is(err, ErrUnreleased) {
					t.Errorf("version %s, migrate %t: %v, want ErrUnreleased", version, migrate, err)
				}
			}
		}
	})
}

// notAdded are what a node of the version before could not work beside.
var notAdded = regexp.MustCompile(`(?i)\b(drop|rename|truncate|update|delete|alter\s+column)\b|\badd\s+column\s+(?:[^,;]*\bnot\s+null\b)(?:[^,;]*)`)

// disturbs returns what in a step is not only an addition, "" for nothing.
func disturbs(step string) string {
	for _, found := range notAdded.FindAllString(sqlComment.ReplaceAllString(step, ""), -1) {
		if !regexp.MustCompile(`(?i)^add\b.*\bdefault\b`).MatchString(found) {
			return found
		}
	}
	return ""
}

// Nodes are restarted one after the other: those of the version before work on a newer
// schema for a while.
func TestAStepAfterTheFirstOnlyAdds(t *testing.T) {
	for step, want := range map[string]string{
		"create table a (b text not null); alter table c add column d text not null default '';": "",
		"alter table c add column d bigint; -- nothing to drop":                                  "",
		"alter table c add column d text not null;":                                              "add column d text not null",
		"alter table c rename column d to e;":                                                    "rename",
		"alter table c alter column d set not null;":                                             "alter column",
	} {
		if got := disturbs(step); got != want {
			t.Errorf("%s: %q, want %q", step, got, want)
		}
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		all, err := migrationsOf(migrations, engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range all[1:] {
			if found := disturbs(step.text); found != "" {
				t.Errorf("%s of %s: %s: a node of the version before could not go on; add what is new beside it, and take the old away a release later", step.name, engine, found)
			}
		}
	}
}
