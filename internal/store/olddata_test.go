package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trueup/internal/store"
	"trueup/internal/store/pgtest"
)

func oldDatabase(t *testing.T, engine, dsn string) {
	raw := rawOf(t, engine, dsn)
	do := func(text string) {
		t.Helper()
		text = strings.ReplaceAll(text, "BLOB", map[string]string{"sqlite": "x'7b7d'", "postgres": "'{}'"}[engine])
		if _, err := raw.Exec(text); err != nil {
			t.Fatalf("%v: %.80s", err, text)
		}
	}
	do("create table schema_version (version bigint not null primary key)")
	files, _ := filepath.Glob("migrations/" + engine + "/000[1-6]_*.sql")
	if len(files) != 6 {
		t.Fatal(files)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		do(string(text))

	}
	for i := 1; i <= 6; i++ {
		do("insert into schema_version values (" + string(rune('0'+i)) + ")")
	}
	do(`insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
values ('billing', 'customer-status', 'source', 'e1', 'c1', 'active', 1, 1, 1, BLOB, 'applied', 'r', 2), ('billing', 'customer-status', 'source', 'e2', 'c1', 'active', 1, 1, 1, BLOB, '', '', 0)`)
	do(`insert into customers (sync, customer, generation, due_at, ruling, ruling_at) values ('customer-status', 'c1', 1, 5, 'ours', 4), ('customer-status', 'c2', 1, null, '', 0)`)
	do(`insert into links values ('customer-status', 'c1', 'r1', 'email', 1, 'rule', 1)`)
	do(`insert into intents (sync, customer, record_id, value, prior, sent_at, expires) values ('customer-status', 'c1', 'r1', 'A', 'B', 1, 2)`)
	do(`insert into exceptions (sync, customer, kind, stage, reason, source_value, target_value, last_action, confidence, owner, state, count, first_seen, last_seen, candidates, cause, ignored)
values ('customer-status', 'c1', 'conflict', 'decide', 'r', 'a', 'b', 'l', 1, 'o', 'ignored', 1, 1, 1, 'null', 'c1', 'until_change')`)
	do(`insert into actions (exception_id, done_at, who, verb, note, request_key) values (1, 1, 'w', 'ignore', '', 'k1'), (1, 2, 'w', 'ignore', '', null)`)
	do(`insert into connections (name) values ('billing')`)
	do(`insert into cursors (connection, cursor) values ('billing', 'x')`)
	do(`insert into notices (what, sync, kind, cause, due_at) values ('group', 'customer-status', 'conflict', 'c1', 0)`)
	do(`insert into silences (sync, since, longest) values ('customer-status', 1, 1)`)
}

func TestADatabaseOfTheVersionBeforeMigratesWithItsData(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := filepath.Join(t.TempDir(), "t.db")
			if engine == "postgres" {
				dsn = pgtest.DSN(t)
			}
			oldDatabase(t, engine, dsn)
			if _, err := store.Open(t.Context(), store.Options{DSN: dsn}); err == nil {
				t.Error("a command opened the older schema")
			} else {
				t.Log(err)
			}
			db := open(t, store.Options{DSN: dsn, Migrate: true})
			works, err := db.Claim(t.Context(), "customer-status", 5, 1e9)
			if err != nil || len(works) != 1 || works[0].Ruling.Kind != store.Ours || len(works[0].Events) != 1 {
				t.Error(works, err)
			}
			all, err := db.Exceptions(t.Context(), store.ExceptionFilter{})
			if err != nil || len(all) != 1 {
				t.Error(all, err)
			}
			if f, err := db.Forget(t.Context(), "customer-status", "c1", "c1"); err != nil {
				t.Error(f, err)
			}
			for _, what := range append([]store.OldThing{store.OldPayloads}, store.OldHistory...) {
				if _, err := db.DeleteOld(t.Context(), what, time.Now(), 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
