package store_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

// A search among 100,000 customers on PostgreSQL goes by an index in each of its four
// ways. The plan is that of what is searched: the plan for any text cannot know that a
// pattern begins with letters.
func TestACustomerIsSearchedByAnIndexOnPostgreSQL(t *testing.T) {
	dsn := engines["postgres"](t)
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	raw := rawOf(t, "postgres", dsn)
	fillExceptions(t, raw, "postgres", 100_000)
	for _, text := range []string{`insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at)
select 's', 'cus_' || i, 'rec_' || i, 'email', 1, 'trueup', 0 from generate_series(1, 100000) i`, "analyze links"} {
		if _, err := raw.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, search := range []string{"cus_5", "customer 500", "nobody", "customer77@example.com", "100%_"} {
		t.Run(search, func(t *testing.T) {
			text, args := db.SearchStatement(store.CustomerFilter{Sync: "s", Search: search}, 50)
			all := strings.Join(planOf(t, raw, "postgres", filledIn(text, args)), "\n")
			if readsAll.MatchString(all) {
				t.Errorf("it reads all of a table:\n%s", all)
			}
			for way, index := range map[string]string{
				"the beginning of an id": `customers_pkey.*\n.*Index Cond: .*customer >= `, "the beginning of a name": `customers_by_name.*\n.*Index Cond: .*sought >= `,
				"an email": `customers_by_email`, "a record": `Index Cond: .*target_id = `,
			} {
				if !regexp.MustCompile(index).MatchString(all) {
					t.Errorf("%s has no index:\n%s", way, all)
				}
			}
		})
	}
}

var argument = regexp.MustCompile(`\$\d+`)

// filledIn is a statement with its arguments in it.
func filledIn(text string, args []any) string {
	return argument.ReplaceAllStringFunc(text, func(found string) string {
		n, _ := strconv.Atoi(found[1:])
		if word, ok := args[n-1].(string); ok {
			return "'" + strings.ReplaceAll(word, "'", "''") + "'"
		}
		return fmt.Sprint(args[n-1])
	})
}
