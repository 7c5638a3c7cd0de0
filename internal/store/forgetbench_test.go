package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// BenchmarkForget forgets one of 100,000 customers, who have 200,000 events of 500
// bytes, 200,000 decisions, 41,000 exceptions and 100,000 links.
func BenchmarkForget(b *testing.B) {
	for engine, dsn := range map[string]func() string{
		"sqlite": func() string { return storetest.File(b) }, "postgres": func() string { return pgtest.DSN(b) + "&application_name=" + theBench },
	} {
		b.Run(engine, func(b *testing.B) {
			at := dsn()
			db := open(b, store.Options{DSN: at, Migrate: true})
			raw := rawOf(b, engine, at)
			fillExceptions(b, raw, engine, 100_000)
			payload := `{"id":"evt_1","object":"event","data":"` + strings.Repeat("of a customer ", 32) + `"}`
			const numbers = "with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < 200000) "
			bytes := map[string]string{"sqlite": "cast('" + payload + "' || i as blob)", "postgres": "convert_to('" + payload + "' || i, 'UTF8')"}[engine]
			for _, text := range []string{`
insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, reason_code, reason_facts, settled_at)
` + numbers + `select 'billing', 's', 'source', 'evt_' || i, 'cus_' || (i % 100000 + 1), 'active', 1, i, i, ` + bytes + `, 'applied', '', 'writes_newer', '{"value":"active","other":"paused"}', i from n`, `
insert into decisions (sync, customer, made_at, action, reason, reason_code, reason_facts, table_row, stage, outcome, kind, target_id, desired, observed, base, desired_at, observed_at, observed_by, confidence, events)
` + numbers + `select 's', 'cus_' || (i % 100000 + 1), i, 'write', '', 'writes_newer', '{"value":"active","other":"paused"}', 3, 'decide', 'applied', '', 'rec_' || (i % 100000 + 1), 'Active', 'Paused', 'Paused', i, i, 'ana@example.com', 1, 1 from n`, `
insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at)
` + numbers + `select 's', 'cus_' || i, 'rec_' || i, 'email', 1, 'trueup', i from n where i <= 100000`, "analyze"} {
				if _, err := raw.Exec(text); err != nil {
					b.Fatal(err)
				}
			}
			next := 50_000
			measured(b, raw, engine, "one", func() error {
				next += 7
				customer := fmt.Sprint("cus_", next)
				done, err := db.Forget(b.Context(), "s", customer, customer)
				if err == nil && (done.Rows["events"] != 2 || done.Rows["decisions"] != 2) {
					err = fmt.Errorf("forgetting %s has changed %v", customer, done.Rows)
				}
				return err
			})
		})
	}
}
