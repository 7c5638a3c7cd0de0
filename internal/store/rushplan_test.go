package store_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

// At the beginning of a rush PostgreSQL still believes that nobody is due and that no event
// waits, until it has analyzed its tables: a claim reads no more than what it takes.
func TestAClaimReadsOnlyWhatItTakesInARush(t *testing.T) {
	dsn := engines["postgres"](t)
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	raw := rawOf(t, "postgres", dsn)
	for _, text := range []string{
		"alter table customers set (autovacuum_enabled = false)", "alter table events set (autovacuum_enabled = false)",
		"insert into customers (sync, customer, generation, fence) select 's', 'old_' || i, 1, 1 from generate_series(1, 2000) i",
		`insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
select 'c', 's', 'source', 'old_' || i, 'old_' || i, 'active', 1, 1, 1, '', 'applied', '', 1 from generate_series(1, 2000) i`,
		"analyze customers", "analyze events",
		"insert into customers (sync, customer, generation, due_at, fence) select 's', 'new_' || i, 1, 1000 + i, 1 from generate_series(1, 20000) i",
		`insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
select 'c', 's', 'source', 'new_' || i, 'new_' || i, 'active', 1, 1, 1, '', '', '', 0 from generate_series(1, 20000) i`,
	} {
		if _, err := raw.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	claim, events := db.ClaimOf("new_5", "new_900", "new_19000")
	for name, c := range map[string]struct {
		text string
		args []any
	}{
		"the claim":  {claim, []any{"s", 100_000, 200_000, 64, 1}},
		"its events": {strings.Replace(events, "$2::text[]", "'{new_5,new_900,new_19000}'::text[]", 1), []any{"s"}},
	} {
		rows, err := raw.Query("explain (analyze, timing off, costs off) " + filledIn(c.text, c.args))
		if err != nil {
			t.Fatal(name, err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "\n")
		for _, m := range readSoMany.FindAllStringSubmatch(all, -1) {
			if n, err := strconv.Atoi(m[1]); err != nil || n > 500 {
				t.Errorf("%s reads %s rows:\n%s", name, m[1], all)
			}
		}
		if !readSoMany.MatchString(all) {
			t.Error(fmt.Sprint(name, " shows no rows: ", all))
		}
	}
}

// readSoMany is what a step of a plan that was run says it has met.
var readSoMany = regexp.MustCompile(`(?:actual rows=|Rows Removed by [A-Za-z ]+: )(\d+)`)
