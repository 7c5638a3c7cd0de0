package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A table that somebody adds later and that has a sync is renamed with the others:
// the schema says which there are.
func TestARenameLeavesNoRowOfTheOldName(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
			fill(t, engine, raw)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(db.SetMode(t.Context(), theSync, true))
			_, err := db.BeginSweep(t.Context(), store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
			must(err)
			w, ok, err := db.ClaimOne(t.Context(), theSync, "c1", 0, time.Minute)
			if !ok {
				t.Fatal(err)
			}
			must(db.Settle(t.Context(), &w, store.Settlement{Outcome: status.Ignored, Decision: &store.Decision{Sync: theSync, Customer: "c1", Stage: status.StageDecide},
				Watched: &store.Watched{Desired: "Active", Would: true}}))
			must(db.SetLink(t.Context(), store.Link{Sync: theSync, Customer: "c1", TargetID: "rec_9", By: "ana"}))
			_, err = db.NoteAccounts(t.Context(), theSync, []store.Account{{Side: store.TargetSide, Key: "k", Shown: "crm"}})
			must(err)
			must(db.NoteLooks(t.Context(), theSync, store.Looks{Rules: "r", Target: "t"}))
			_, err = raw.Exec("insert into halts (sync) values ('" + theSync + "')")
			must(err)
			_, err = raw.Exec("insert into seen (sync, customer, value, seen_at) values ('" + theSync + "', 'c9', 'active', 1)")
			must(err)
			_, err = raw.Exec("insert into vocabulary (sync, side, value, customers, seen_at) values ('" + theSync + "', 'source', 'active', 1, 1)")
			must(err)
			for _, text := range []string{"insert into mentions (sync, customer, name) values ('" + theSync + "', 'c1', 'c9')",
				"insert into forgotten (sync, hash, until) values ('" + theSync + "', 'x', 1)"} {
				_, err = raw.Exec(text)
				must(err)
			}
			// What a sync without a memory has is in nobody's way.
			must(db.SetMode(t.Context(), "renamed", false))
			tables := slices.Collect(func(yield func(string) bool) {
				for table, columns := range textColumns(t, engine, raw) {
					if slices.Contains(columns, "sync") && !yield(table) {
						return
					}
				}
			})
			rows := func(sync string) map[string]int {
				t.Helper()
				all := map[string]int{}
				for _, table := range tables {
					n := 0
					must(raw.QueryRow(fmt.Sprintf("select count(*) from %s where sync = '%s'", table, sync)).Scan(&n))
					all[table] = n
				}
				return all
			}
			before := rows(theSync)
			for table, n := range before {
				if n == 0 {
					t.Errorf("the test has no row in %s", table)
				}
			}
			if _, err := db.Rename(t.Context(), store.Rename{Kind: store.SyncName, Old: theSync, New: "renamed"}); err != nil {
				t.Fatal(err)
			}
			before["activity"]++ // the rename itself
			if after := rows("renamed"); !maps.Equal(before, after) {
				t.Errorf("of %v there are %v under the new name", before, after)
			}
			for table, n := range rows(theSync) {
				if n > 0 {
					t.Errorf("%s has %d rows of the old name", table, n)
				}
			}
		})
	}
}

// fill stores a row of theSync in the tables that the store's calls do not reach in
// the test.
func fill(t *testing.T, engine string, raw *sql.DB) {
	t.Helper()
	blob := map[string]string{"sqlite": "x'7b7d'", "postgres": "'{}'"}[engine]
	for _, text := range []string{
		`insert into names (kind, name) values ('sync', 'SYNC'), ('connection', 'billing')`,
		`insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
values ('billing', 'SYNC', 'source', 'e1', 'c1', 'active', 1, 1, 1, ` + blob + `, 'applied', 'r', 2)`,
		`insert into customers (sync, customer, generation, due_at) values ('SYNC', 'c1', 1, 5), ('SYNC', 'c2', 1, null)`,
		`insert into links values ('SYNC', 'c1', 'r1', 'email', 1, 'rule', 1)`,
		`insert into intents (sync, customer, record_id, value, prior, sent_at, expires) values ('SYNC', 'c1', 'r1', 'A', 'B', 1, 2)`,
		`insert into exceptions (sync, customer, kind, stage, reason, source_value, target_value, last_action, confidence, owner, state, count, first_seen, last_seen, candidates, cause)
values ('SYNC', 'c1', 'conflict', 'decide', 'r', 'a', 'b', 'l', 1, 'o', 'open', 1, 1, 1, 'null', 'c1')`,
		`insert into notices (what, sync, kind, cause, due_at) values ('group', 'SYNC', 'conflict', 'c1', 0)`,
		`insert into silences (sync, since, longest) values ('SYNC', 1, 1)`,
		`insert into alarms (sync, alarm, since) values ('SYNC', 'paused', 1)`,
		`insert into pins (sync, customer, since, who, reason) values ('SYNC', 'c1', 1, 'ana@example.com', 'the contract is disputed')`,
		`insert into activity (done_at, who, behalf, way, topic, sync, customer, code, reason_facts, why, batch, leads)
values (1, 'ana', '', 'page', 'mode', 'SYNC', '', 'act_paused', '', '', '', 1)`,
		`insert into plan_jobs (sync, kind, requested_by, requested_at) values ('SYNC', 'make', 'ana@example.com', 1)`,
		`insert into pauses (sync, since, who, reason) values ('SYNC', 1, 'ana@example.com', 'importing contacts')`,
	} {
		if _, err := raw.Exec(strings.ReplaceAll(text, "SYNC", theSync)); err != nil {
			t.Fatalf("%v: %.80s", err, text)
		}
	}
}
