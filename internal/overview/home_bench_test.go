package overview

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// BenchmarkHome says how fast what the first page shows is found, for 100,000
// customers, 200,000 events of the past week and 10,000 open exceptions.
func BenchmarkHome(b *testing.B) {
	file := filepath.Join(b.TempDir(), "trueup.db")
	db, err := store.Open(b.Context(), store.Options{DSN: file, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fillHome(b, file, 100_000, time.Now().UnixMilli())
	cfg := &config.Config{Syncs: map[string]config.Sync{"s": {Name: "s", Mode: config.ModeLive, RemindAfter: 24 * time.Hour}}}
	for b.Loop() {
		s, err := Status(b.Context(), db, cfg)
		if err != nil || s.Syncs[0].Agreement.Customers != 100_000 || s.Syncs[0].OpenExceptions["conflict"] != 2500 {
			b.Fatalf("%+v, %v", s, err)
		}
	}
}

func fillHome(b testing.TB, file string, customers int, now int64) {
	raw, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file}).String())
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	for _, text := range []string{`
insert into customers (sync, customer, generation, desired_source_value, desired_status, desired_value, desired_at, desired_seen_at, desired_event,
    observed_status, observed_value, observed_at, observed_by, observed_seen_at, base_known, base_record_id, base_status, base_value, base_by,
    base_at, base_seen_at, email, outcome, reason, settled_at, moved_at, writes)
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
select 's', printf('cus_%014d', i), 1, 'active', 'active', 'Active', i, i, printf('evt_%014d', i),
    'active', case when i % 100 = 0 then 'Paused' else 'Active' end, i, 'integration:trueup', i, 1, printf('rec_%014d', i), 'active', 'Active', 'integration:trueup',
    i, i, 'customer' || i || '@example.com', case i % 10 when 0 then 'held' when 1 then 'applied' else 'already_equal' end, 'the target holds it already', $2 - i,
    case i % 10 when 1 then $2 - i * 100 else 0 end, case i % 10 when 1 then '{"latest":[{"intent":' || i || '}]}' else '' end from n`, `
insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 2 * $1)
select 'billing', 's', 'source', 'evt_' || i, printf('cus_%014d', i % $1), 'active', 1, $2, $2 - i * 3000, x'7b7d', 'applied', '', $2 from n`, `
insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at)
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
select 's', printf('cus_%014d', i), printf('rec_%014d', i), case i % 3 when 0 then 'email' else 'external_id' end, 1, 'trueup', $2 from n`, `
insert into exceptions (sync, customer, kind, stage, cause, reason, source_value, target_value, last_action, confidence, candidates, owner, state, count, first_seen, last_seen, opened_at, waits_since)
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1 / 10)
select 's', printf('cus_%014d', i * 10), case i % 4 when 0 then 'conflict' when 1 then 'unmatched' when 2 then 'unmapped_status' else 'ambiguous_match' end,
    'match', 'cause ' || (i % 4), 'why', 'active', 'Paused', '', 1, '[]', 'ops@example.com', 'open', 1, $2 - i * 60000, $2 - i, $2 - i * 60000, $2 - i * 60000 from n`} {
		if _, err := raw.Exec(text, customers, now); err != nil {
			b.Fatal(err)
		}
	}
}
