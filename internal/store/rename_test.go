package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// A table that somebody adds later and that has a sync is renamed with the others:
// the schema says which there are.
func TestARenameLeavesNoRowOfTheOldName(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			oldDatabase(t, engine, database)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
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
