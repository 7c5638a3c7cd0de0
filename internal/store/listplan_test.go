package store_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// What the pages of exceptions and the first page ask is found by an index, however
// many exceptions were settled.
func TestExceptionsAreFoundByAnIndex(t *testing.T) {
	texts := askedByLists(t)
	if len(texts) < 20 {
		t.Errorf("only %d statements were seen", len(texts))
	}
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			dsn := dsn(t)
			open(t, store.Options{DSN: dsn, Migrate: true})
			raw := rawOf(t, engine, dsn)
			fillExceptions(t, raw, engine, 30_000)
			for _, text := range texts {
				if engine == "postgres" && strings.Contains(text, "sought") { // PostgreSQL is asked otherwise
					continue
				}
				for _, step := range planOf(t, raw, engine, text) {
					if readsAll.MatchString(step) {
						t.Errorf("it reads all of a table (%s):\n%s", step, text)
					}
				}
			}
		})
	}
}

// askedByLists are the statements that these pages ask, with each filter.
func askedByLists(t *testing.T) (texts []string) {
	dsn := engines["sqlite"](t)
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	fillExceptions(t, rawOf(t, "sqlite", dsn), "sqlite", 300)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []store.ExceptionFilter{
		{States: store.NeedPerson},
		{States: []status.State{status.Acknowledged}},
		{States: []status.State{status.StateIgnored}},
		{States: store.NeedPerson, Kind: status.Unmatched},
		{States: store.NeedPerson, Overdue: map[string]time.Duration{"s": time.Hour}},
		{States: store.NeedPerson, Owner: "ana@example.com"},
		{States: store.NeedPerson, Owners: []string{""}},
		{States: store.NeedPerson, Sync: "s"},
		{States: store.NeedPerson, OpenFor: time.Hour},
	} {
		causes, err := db.Causes(ctx, f, store.Cause{}, 13)
		must(err)
		for _, c := range causes {
			of := c.Of(f)
			of.Limit = 4
			_, err := db.Exceptions(ctx, of)
			must(err)
		}
		_, err = db.ExceptionCounts(ctx, f)
		must(err)
	}
	for _, f := range []store.ExceptionFilter{{Limit: 50}, {Limit: 50, Before: 9000}, {Limit: 50, Sync: "s", Kind: status.WriteFailed}} {
		f.States = []status.State{status.Resolved}
		_, err := db.Exceptions(ctx, f)
		must(err)
	}
	_, err := db.Overdue(ctx, "s", time.Hour)
	must(err)
	_, _, err = db.OverdueSince(ctx, "s", time.Hour)
	must(err)
	_, err = db.CustomersAfter(ctx, store.CustomerFilter{Search: "cus_50"}, store.After{}, 50)
	must(err)
	for _, text := range db.ReadStatements() {
		if strings.Contains(text, "exceptions") || strings.Contains(text, "from customers") {
			texts = append(texts, text)
		}
	}
	return texts
}

// readsAll is a step that reads a table without an index. SQLite says SCAN also of an
// index that it reads from its beginning.
var readsAll = regexp.MustCompile(`SCAN (exceptions|customers|actions|links)$|SCAN \w+ USING (COVERING )?INDEX sqlite_autoindex|Seq Scan on (exceptions|customers|actions|links)`)

// planOf is how a statement would be run, whatever its arguments are.
func planOf(t *testing.T, raw *sql.DB, engine, text string) (steps []string) {
	t.Helper()
	conn, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	args := make([]any, len(regexp.MustCompile(`\$\d+`).FindAllString(text, -1)))
	query := "explain query plan " + text
	if engine == "postgres" {
		query = "explain execute asked"
		if n := highest(text); n > 0 {
			query += "(null" + strings.Repeat(", null", n-1) + ")"
		}
		args = nil
		for _, text := range []string{"set plan_cache_mode = force_generic_plan", "prepare asked as " + text} {
			if _, err := conn.ExecContext(t.Context(), text); err != nil {
				t.Fatalf("%v:\n%s", err, text)
			}
		}
		defer conn.ExecContext(t.Context(), "deallocate asked")
	}
	rows, err := conn.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var step string
		var unused int
		into := []any{&unused, &unused, &unused, &step}
		if engine == "postgres" {
			into = into[3:]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// highest is the highest number of an argument in a statement.
func highest(text string) (n int) {
	for _, found := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
		at := 0
		fmt.Sscan(found[1], &at)
		n = max(n, at)
	}
	return n
}
