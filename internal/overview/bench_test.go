package overview

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// BenchmarkStatus says how everything stands for a million customers with two
// million events, of whom a hundred thousand would have been written.
func BenchmarkStatus(b *testing.B) {
	file := filepath.Join(b.TempDir(), "trueup.db")
	db, err := store.Open(b.Context(), store.Options{DSN: file, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	fill(b, file)
	cfg := &config.Config{Syncs: map[string]config.Sync{"s": {Name: "s", Mode: config.ModeWatch}}}
	for b.Loop() {
		s, err := Status(b.Context(), db, cfg)
		if err != nil || s.Syncs[0].Agreement.Customers != million || s.Syncs[0].Watching.Would != million/10 {
			b.Fatalf("%+v, %v", s, err)
		}
	}
}

const million = 1_000_000

func fill(b *testing.B, file string) {
	raw, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file}).String())
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	for _, text := range []string{`
insert into customers (sync, customer, generation, desired_source_value, desired_status, desired_value, desired_at, desired_seen_at, desired_event,
    observed_status, observed_value, observed_at, observed_by, observed_seen_at, base_known, base_record_id, base_status, base_value, base_by,
    base_at, base_seen_at, email, outcome, reason, settled_at)
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
select 's', printf('cus_%014d', i), 1, 'active', 'active', 'Active', i, i, printf('evt_%014d', i),
    'active', case when i % 100 = 0 then 'Paused' else 'Active' end, i, 'integration:trueup', i, 1, printf('rec_%014d', i), 'active', 'Active', 'integration:trueup',
    i, i, 'customer' || i || '@example.com', case i % 3 when 0 then 'already_equal' else 'applied' end, 'the target holds it already', i from n`, `
insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 2 * $1)
select 'billing', 's', 'source', 'evt_' || i, printf('cus_%014d', i % $1), 'active', 1, i, i, x'7b7d', case when i > 2 * $1 - 1000 then '' else 'applied' end, '', i from n`, `
insert into watched (sync, customer, target_id, before, after, would_at, verdict, found, ended_at, took)
with recursive n(i) as (select 1 union all select i + 1 from n where i < $1 / 10)
select 's', printf('cus_%014d', i), 'rec', case i % 2 when 0 then 'Active' else 'Paused' end, 'Churned', i, case i % 4 when 0 then '' when 1 then 'otherwise' else 'same' end, '', i, i % 1000 from n`} {
		if _, err := raw.Exec(text, million); err != nil {
			b.Fatal(err)
		}
	}
}
