package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// BenchmarkExceptionList says how much processor time each statement takes that the
// pages of exceptions ask, for 100,000 customers, 10,000 open exceptions, 1,000 that are
// ignored and 30,000 that are settled. With PostgreSQL the time is the server's.
func BenchmarkExceptionList(b *testing.B) {
	file := filepath.Join(b.TempDir(), "trueup.db")
	b.Run("sqlite", func(b *testing.B) { listExceptions(b, "sqlite", file) })
	b.Run("postgres", func(b *testing.B) { listExceptions(b, "postgres", pgtest.DSN(b)+"&application_name="+theBench) })
}

const theBench = "list-bench" // the connections whose time counts

func listExceptions(b *testing.B, engine, dsn string) {
	db := open(b, store.Options{DSN: dsn, Migrate: true})
	raw := rawOf(b, engine, dsn)
	fillExceptions(b, raw, engine, 100_000)
	late := map[string]time.Duration{"s": 24 * time.Hour, "t": 24 * time.Hour}
	open := func(f store.ExceptionFilter) store.ExceptionFilter {
		f.States = store.NeedPerson
		return f
	}
	for _, c := range []struct {
		name string
		f    store.ExceptionFilter
	}{
		{"all", open(store.ExceptionFilter{})},
		{"unmatched", open(store.ExceptionFilter{Kind: status.Unmatched})},
		{"overdue", open(store.ExceptionFilter{Overdue: late})},
		{"owner", open(store.ExceptionFilter{Owner: "ana@example.com"})},
		{"sync", open(store.ExceptionFilter{Sync: "s"})},
		{"day", open(store.ExceptionFilter{OpenFor: 24 * time.Hour})},
		{"ignored", store.ExceptionFilter{States: []status.State{status.StateIgnored}}},
		{"resolved", store.ExceptionFilter{States: []status.State{status.Resolved}}},
	} {
		causes, err := db.Causes(b.Context(), c.f, store.Cause{}, 12)
		if err != nil || len(causes) == 0 {
			b.Fatalf("%s: %d causes, %v", c.name, len(causes), err)
		}
		measured(b, raw, engine, c.name+"/counts", func() error {
			f := c.f
			f.States = []status.State{status.Open, status.Acknowledged, status.StateIgnored}
			_, err := db.ExceptionCounts(b.Context(), f)
			return err
		})
		measured(b, raw, engine, c.name+"/causes", func() error { _, err := db.Causes(b.Context(), c.f, store.Cause{}, 13); return err })
		measured(b, raw, engine, c.name+"/rows", func() error {
			for _, cause := range causes {
				of := cause.Of(c.f)
				of.Limit = 4
				if _, err := db.Exceptions(b.Context(), of); err != nil {
					return err
				}
			}
			return nil
		})
	}
	measured(b, raw, engine, "home/overdue", func() error { _, err := db.Overdue(b.Context(), "s", 24*time.Hour); return err })
	measured(b, raw, engine, "home/since", func() error { _, _, err := db.OverdueSince(b.Context(), "s", 24*time.Hour); return err })
	measured(b, raw, engine, "home/counts", func() error { _, err := db.Counts(b.Context()); return err })
	measured(b, raw, engine, "search/name", func() error {
		_, err := db.CustomersAfter(b.Context(), store.CustomerFilter{Search: "cus_500"}, store.After{}, 50)
		return err
	})
}

// measured runs a benchmark that reports processor time.
func measured(b *testing.B, raw *sql.DB, engine, name string, read func() error) {
	b.Run(name, func(b *testing.B) {
		before := used(b, raw, engine)
		n := 0
		for b.Loop() {
			if err := read(); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(float64((used(b, raw, engine)-before).Microseconds())/1000/float64(n), "cpu-ms/op")
	})
}

// used is the processor time so far: of this process and, for PostgreSQL, of the
// servers of its connections.
func used(b *testing.B, raw *sql.DB, engine string) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	total := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	if engine != "postgres" {
		return total
	}
	rows, err := raw.Query("select pid from pg_stat_activity where application_name = $1", theBench)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)) // gone, or another machine's
		var ns int64
		fmt.Sscan(string(text), &ns)
		total += time.Duration(ns)
	}
	return total
}

// fillExceptions writes customers, of each tenth an open exception, and others that
// are settled or ignored.
func fillExceptions(b testing.TB, raw *sql.DB, engine string, customers int) {
	const numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < $1) "
	now := time.Now().UnixMilli()
	for _, text := range []string{`
insert into customers (sync, customer, generation, name, sought, email, outcome, reason)
` + numbers + `select 's', 'cus_' || i, 1, 'Customer ' || i, 'customer ' || i, 'customer' || i || '@example.com', 'held', 'why' from n`, `
insert into exceptions (sync, customer, kind, stage, cause, reason, source_value, target_value, last_action, confidence, candidates, owner, assigned, state, count, first_seen, last_seen, opened_at)
` + numbers + `select 's', 'cus_' || (i * 10), case i % 4 when 0 then 'conflict' when 1 then 'unmatched' when 2 then 'unmapped_status' else 'ambiguous_match' end,
    'match', case i % 4 when 2 then 'value ' || (i % 20) else 'cus_' || (i * 10) end, 'why', 'active', 'Paused', '', 1, '[]', case i % 5 when 0 then 'ana@example.com' else 'ops@example.com' end,
    case i % 5 when 0 then 1 else 0 end, case when i % 7 = 0 then 'acknowledged' else 'open' end, 1, $2 - i * 60000, $2 - i, $2 - i * 60000 from n`, `
insert into exceptions (sync, customer, kind, stage, cause, reason, source_value, target_value, last_action, confidence, candidates, owner, state, count, first_seen, last_seen, opened_at)
` + numbers + `select 's', 'cus_' || (i * 3), case i % 3 when 0 then 'write_failed' when 1 then 'never_sticks' else 'broken_link' end,
    'write', 'cus_' || (i * 3), 'why', 'active', 'Paused', '', 1, '[]', 'ops@example.com', case when i % 30 = 0 then 'ignored' else 'resolved' end, 1, $2 - i * 60000, $2 - i, $2 - i * 60000 from n`, `
insert into actions (exception_id, done_at, who, verb, note) select id, opened_at + 3600000, 'ben@example.com', 'assign', 'to ana@example.com' from exceptions where assigned = 1`,
		"update exceptions set waits_since = opened_at + assigned * 3600000", "analyze"} {
		n := customers
		if strings.Contains(text, "i * 10") {
			n = customers / 10
		} else if strings.Contains(text, "i * 3)") {
			n = customers * 3 / 10
		}
		var args []any
		switch {
		case strings.Contains(text, "$2"):
			args = []any{n, now}
		case strings.Contains(text, "$1"):
			args = []any{n}
		}
		if engine == "postgres" {
			text = strings.NewReplacer("$1", "$1::bigint", "$2", "$2::bigint").Replace(text)
		}
		if _, err := raw.Exec(text, args...); err != nil {
			b.Fatal(err)
		}
	}
}
