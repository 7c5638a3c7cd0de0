package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trueup/internal/store"
	"trueup/internal/store/pgtest"
)

// oldSchema makes a database of the first steps of the schema, and returns what
// runs a statement in it.
func oldSchema(t *testing.T, engine, dsn string, steps int) (do func(text string)) {
	t.Helper()
	raw := rawOf(t, engine, dsn)
	do = func(text string) {
		t.Helper()
		text = strings.ReplaceAll(text, "BLOB", map[string]string{"sqlite": "x'7b7d'", "postgres": "'{}'"}[engine])
		if _, err := raw.Exec(text); err != nil {
			t.Fatalf("%v: %.80s", err, text)
		}
	}
	do("create table schema_version (version bigint not null primary key)")
	for i := 1; i <= steps; i++ {
		files, _ := filepath.Glob(fmt.Sprintf("migrations/%s/%04d_*.sql", engine, i))
		if len(files) != 1 {
			t.Fatal(files)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		do(string(text))
		do(fmt.Sprintf("insert into schema_version values (%d)", i))
	}
	return do
}

func oldDatabase(t *testing.T, engine, dsn string) {
	do := oldSchema(t, engine, dsn, 6)
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
				if _, _, err := db.DeleteOld(t.Context(), what, time.Now(), 0, 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// What a comparison of an earlier version had read is gone with its tables: if it
// went on, it would find nobody on either side.
func TestAComparisonFromBeforeTheUpgradeBeginsAnew(t *testing.T) {
	for engine, dsn := range engines {
		for _, phase := range []store.Phase{store.PhaseSource, store.PhaseTarget, store.PhaseCompare} {
			t.Run(engine+" in phase "+string(phase), func(t *testing.T) {
				database := dsn(t)
				do := oldSchema(t, engine, database, 12)
				do(`insert into sweeps (sync, purpose, phase, source_cursor, target_cursor, compared_to, rules, fence, began_at, sources, source_listed, target_listed)
values ('customer-status', 'plan', '` + string(phase) + `', 'page 2', 'page 3', 'cus_1', 'r', 1, 1, 1, 1, 1)`)
				do(`insert into sweep_sources (sweep, customer, value, no_status, value_at, updated_at, keys, read_at) values (1, 'cus_1', 'active', 0, 1, 1, '{}', 1)`)
				do(`insert into sweep_targets (sweep, target_id, value, edited_at, field_time, actor, edited_by, revision, keys, read_at, taken_by)
values (1, 'rec_1', 'Active', 1, 0, '', '', '', '{}', 1, 'cus_1')`)
				db := open(t, store.Options{DSN: database, Migrate: true})
				if left, err := db.SweepUnderWay(t.Context(), theSync, store.ForPlan); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("still under way is %+v, %v", left, err)
				}
				w, err := db.BeginSweep(t.Context(), store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
				if err != nil || w.ID == 1 || w.Phase != store.PhaseSource || w.SourceCursor+w.TargetCursor+w.ComparedTo != "" || w.Summary.Sources != 0 {
					t.Errorf("the next one begins at %+v, %v", w, err)
				}
			})
		}
	}
}
