package store_test

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// A batch of retention costs the same however much there is: what it has to know of a
// row's customer it looks up for that row. PostgreSQL plans the first times on a
// connection for the very arguments, later for any.
func TestABatchOfRetentionLooksUpWhatItHasToKnowOfARow(t *testing.T) {
	texts := askedByRetention(t)
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			dsn := dsn(t)
			open(t, store.Options{DSN: dsn, Migrate: true})
			raw := rawOf(t, engine, dsn)
			fillHistory(t, raw, engine, 20_000)
			for _, text := range texts {
				modes := []string{""}
				if engine == "postgres" {
					modes = []string{"force_custom_plan", "force_generic_plan"}
				}
				for _, mode := range modes {
					steps := batchPlan(t, raw, mode, text)
					for i, step := range steps {
						if readsMoreThanARow(steps, i) {
							t.Errorf("it reads more than the rows of the batch (%s, %s):\n%s\n%s", strings.TrimSpace(step), mode, text, strings.Join(steps, "\n"))
						}
					}
				}
			}
		})
	}
}

var (
	liteStep = regexp.MustCompile(`^SCAN (\w+)$`)
	pgScan   = regexp.MustCompile(`(Seq|Index|Index Only|Bitmap Heap) Scan .*\bon ` + growing + `\b`)
	pgFind   = regexp.MustCompile(`Index Scan using|Index Only Scan using`)
)

// readsMoreThanARow reports whether a step of a plan finds its rows by anything but a
// condition on an index.
func readsMoreThanARow(steps []string, i int) bool {
	if of := liteStep.FindStringSubmatch(steps[i]); of != nil {
		return of[1] != "looked"
	}
	if !pgScan.MatchString(steps[i]) {
		return false
	}
	return !pgFind.MatchString(steps[i]) || i+1 == len(steps) || !strings.Contains(steps[i+1], "Index Cond:")
}

// askedByRetention are the statements of a batch of each kind.
func askedByRetention(t *testing.T) (texts []string) {
	t.Helper()
	dsn := engines["sqlite"](t)
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	fillHistory(t, rawOf(t, "sqlite", dsn), "sqlite", 100)
	for _, what := range append([]store.OldThing{store.OldPayloads}, store.OldHistory...) {
		if _, _, err := db.DeleteOld(t.Context(), what, time.UnixMilli(1), 0, 200); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range db.WriteStatements() {
		if readsHistory.MatchString(text) && strings.Contains(text, " > $4 and ") {
			texts = append(texts, text)
		}
	}
	for _, part := range []string{"update events", "delete from events", "delete from decisions", "delete from actions", "delete from exceptions", "delete from link_history", "delete from activity"} {
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(text, part) }) {
			t.Errorf("no statement with %q was seen", part)
		}
	}
	return texts
}

// batchArguments are those of a batch in the middle: the time, how many, now, after which
// row, and up to which; and an empty payload.
var batchArguments = []string{"1900000000000", "200", "1900000000000", "5000", "10000", "''"}

// batchPlan is how a batch would be run; mode is PostgreSQL's way to plan, "" on SQLite.
func batchPlan(t *testing.T, raw *sql.DB, mode, text string) (steps []string) {
	t.Helper()
	if mode == "" {
		return planOf(t, raw, "sqlite", text)
	}
	conn, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, text := range []string{"set plan_cache_mode = " + mode, "prepare batch as " + text} {
		if _, err := conn.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
	defer conn.ExecContext(t.Context(), "deallocate batch")
	arguments := strings.Join(batchArguments[:highest(text)], ", ")
	rows, err := conn.QueryContext(t.Context(), "explain execute batch("+arguments+")")
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
