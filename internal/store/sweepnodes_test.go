package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// A comparison was left: it has found her record by a match rule, and there is no link yet.
func TestForgettingLooksIntoAnUnfinishedComparison(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
			ctx := t.Context()
			if _, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: theirID}}); err != nil {
				t.Fatal(err)
			}
			works, err := db.Claim(ctx, theSync, 1, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Settle(ctx, &works[0], store.Settlement{Outcome: "parked", Email: theirMail}); err != nil {
				t.Fatal(err)
			}
			begin := "insert into sweeps (id, sync, purpose, phase, rules, source_listed, target_listed, began_at) values (77, '" + theSync + "', 'plan', 'compare', '', 1, 1, 1)"
			if engine == "postgres" {
				begin = strings.Replace(begin, ") values", ") overriding system value values", 1)
			}
			for _, q := range []string{begin, herPages} {
				if _, err := raw.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			columns := textColumns(t, engine, raw)
			if !slices.ContainsFunc(where(t, raw, columns, theirRec), func(s string) bool { return strings.HasPrefix(s, "sweep_pages.records") }) {
				t.Fatal("her pages are looked for in vain")
			}
			if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
				t.Fatal(err)
			}
			if left := where(t, raw, columns, theirID, theirMail, theirRec); len(left) > 0 {
				t.Errorf("she still stands in\n%s", strings.Join(left, "\n"))
			}
		})
	}
}
