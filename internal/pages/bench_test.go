package pages

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// BenchmarkPages asks for each page of the route table, over 100,000 customers, 10,000
// open exceptions, 100,000 resolved ones and a plan of 20,000 rows, on both engines: on
// PostgreSQL also before it was ever vacuumed. A page that is not in the table below
// fails.
func BenchmarkPages(b *testing.B) {
	for _, where := range []string{"sqlite", "postgres", "unvacuumed"} {
		b.Run(where, func(b *testing.B) {
			engine := strings.Replace(where, "unvacuumed", "postgres", 1)
			dsn := benchDSN(b, engine)
			db, err := store.Open(b.Context(), store.Options{DSN: dsn, Migrate: true, Work: true})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { db.Close() })
			raw := fillPages(b, where, dsn, 1)
			used := func() time.Duration { return processorTime(b) + serverTime(b, raw, engine) }
			w := benchWorld(b, db)
			w.ServeHTTP(&discarded{header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/syncs/"+flow, nil)) // the customers are counted beside it
			for _, path := range everyPage(b) {
				b.Run(strings.NewReplacer("/", "|", theHash, "HASH").Replace(path), func(b *testing.B) {
					before := used()
					for b.Loop() {
						request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
						if err != nil {
							b.Fatal(err)
						}
						answer := &discarded{header: http.Header{}}
						w.ServeHTTP(answer, request)
						if answer.code >= 500 || answer.code == http.StatusNotFound && !strings.Contains(path, "code=x") {
							b.Fatalf("%s is answered %d", path, answer.code)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
					// What else the machine does is not in it; the part of PostgreSQL's server is.
					b.ReportMetric(float64((used()-before).Microseconds())/1000/float64(b.N), "cpu-ms/page")
				})
			}
		})
	}
}

// everyPage is an address of each page of the route table, or several where a page can
// ask for different things.
func everyPage(t testing.TB) (paths []string) {
	asked := map[string][]string{
		"/{$}": {"/"}, "/exceptions": {"/exceptions", "/exceptions?state=resolved", "/exceptions?state=resolved&before=60000", "/exceptions?state=ignored", "/exceptions?age=overdue", "/exceptions?kind=unmatched&own=1&sync=" + flow},
		"/exceptions/{id}": {"/exceptions/4", "/exceptions/1", "/exceptions/2"}, "/customers": {"/customers", "/customers?q=cus_000000500", "/customers?q=customer+5000", "/customers?q=nobody", "/customers?outcome=held"},
		"/customers/{sync}/{customer}": {"/customers/" + flow + "/cus_00000000000010"}, "/customers/{sync}/{customer}/forget": {"/customers/" + flow + "/cus_00000000000010/forget"}, "/customers/{sync}/{customer}/now": {"/customers/" + flow + "/cus_00000000000010/now"}, "/activity": {"/activity"},
		"/syncs/{sync}": {"/syncs/" + flow}, "/syncs/{sync}/live": {"/syncs/" + flow + "/live"}, "/syncs/{sync}/watch": {"/syncs/" + flow + "/watch"}, "/syncs/{sync}/plans": {"/syncs/" + flow + "/plans"},
		"/plans": {"/plans"}, "/plans/{hash}": {"/plans/" + theHash}, "/plans/{hash}/apply": {"/plans/" + theHash + "/apply"}, "/access": {"/access"}, "/help": {"/help"}, "/help/{$}": {"/help/"}, "/help/{kind}": {"/help/conflict"},
		"/signin": {"/signin?again=1"}, "/signin/first": {"/signin/first?code=x"}, "/signin/enter": {"/signin/enter?code=x"},
	}
	without := map[string]bool{"/live": true, "/exceptions.csv": true, "/activity.csv": true, "/plans/{hash}/rows.csv": true, "/signin/oidc": true, "/signin/oidc/back": true} // no pages
	for _, r := range routes() {
		if r.Method != http.MethodGet || without[r.Path] {
			continue
		}
		if asked[r.Path] == nil {
			t.Errorf("nobody measures %s", r.Path)
		}
		paths = append(paths, asked[r.Path]...)
	}
	return paths
}

// processorTime is how long this process has computed.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// serverTime is how long PostgreSQL has computed for the connections of the pages, as
// far as it runs on this machine.
func serverTime(b *testing.B, raw *sql.DB, engine string) (total time.Duration) {
	if engine != "postgres" {
		return 0
	}
	rows, err := raw.QueryContext(b.Context(), "select pid from pg_stat_activity where application_name = $1", theBench)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		pid, ns := 0, int64(0)
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)); err == nil {
			fmt.Sscan(string(text), &ns)
		}
		total += time.Duration(ns)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return total
}

const theBench = "pages-bench" // the connections whose time counts

// discarded is an answer that nobody reads.
type discarded struct {
	header http.Header
	code   int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(code int)        { d.code = code }

// benchWorld is pages without a server.
func benchWorld(b testing.TB, db *store.DB) *Pages {
	w := &world{store: db, person: &Person{ID: 1, Name: "Dana Reyes", Email: "dana@example.com", Role: store.Admin}}
	w.config = &config.Config{Connections: map[string]config.Connection{"billing": {Name: "billing", Type: "http"}, "crm": {Name: "crm", Type: "http"}},
		Syncs: map[string]config.Sync{flow: {Name: flow, Mode: config.ModeLive, RemindAfter: 24 * time.Hour, Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"},
			Limits:   &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 50, Percent: 5, Within: time.Hour}, WritesPerCustomer: &config.WritesPerCustomer{Count: 6, Within: 10 * time.Minute}},
			Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}, "churned": {From: []string{"canceled"}, To: "Churned"}}}}}
	w.folder = b.TempDir()
	if err := os.WriteFile(w.folder+"/trueup.yaml", []byte("syncs:\n  "+flow+":\n    mode: live\n    statuses: {}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	pages := New(Options{Store: db, Service: untold{w}, Visitor: w.visitor, Door: &people.Door{Store: db}, Version: "test", Zone: time.UTC})
	b.Cleanup(pages.Close)
	return pages
}

// untold is a service whose tools are not asked: how fast they are says nothing of a page.
type untold struct{ *world }

func (untold) Compare(_ context.Context, x store.Exception) (contract.Comparison, error) {
	return contract.Comparison{Sync: x.Sync, Customer: contract.ComparedRecord{ID: x.Customer}}, nil
}

func benchDSN(b *testing.B, engine string) string {
	if engine == "sqlite" {
		return storetest.File(b)
	}
	return pgtest.DSN(b) + "&application_name=" + theBench
}

// fillPages fills the database, or a part of it: one in so many of each row.
func fillPages(b testing.TB, where, dsn string, oneIn int) *sql.DB {
	b.Helper()
	engine := strings.Replace(where, "unvacuumed", "postgres", 1)
	driver := map[string]string{"sqlite": "sqlite", "postgres": "pgx"}[engine]
	source := dsn
	if engine == "sqlite" {
		source = "file:" + dsn
	}
	raw, err := sql.Open(driver, source)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Close() })
	now := time.Now().UnixMilli()
	pad := func(n string) string {
		if engine == "sqlite" {
			return "printf('%014d', " + n + ")"
		}
		return "lpad((" + n + ")::text, 14, '0')"
	}
	numbers := func(n int) string {
		return fmt.Sprintf("with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < %d) ", n/oneIn)
	}
	replace := strings.NewReplacer("SYNC", "'"+flow+"'", "NOW", fmt.Sprint(now), "CUS(", "'cus_' || "+"PAD(")
	for _, text := range []string{
		"insert into modes (sync, mode, since) values (SYNC, 'live', 1)",
		`insert into customers (sync, customer, generation, desired_source_value, desired_status, desired_value, desired_at, desired_seen_at, desired_event,
    observed_status, observed_value, observed_at, observed_by, observed_seen_at, base_known, base_record_id, base_status, base_value, base_by, base_at, base_seen_at, name, sought, email, outcome, reason, settled_at, moved_at) ` + numbers(100_000) + `
select SYNC, ` + "'cus_' || " + pad("i") + `, 1, 'active', 'active', 'Active', NOW - i, NOW - i, 'evt_' || i, 'active', case when i % 100 = 0 then 'Paused' else 'Active' end, NOW - i, 'integration', NOW - i,
    1, 'rec_' || i, 'active', 'Active', 'integration', NOW - i, NOW - i, 'Customer ' || i, 'customer ' || i, 'customer' || i || '@example.com', case i % 10 when 0 then 'held' when 1 then 'applied' else 'already_equal' end,
    'the target holds it already', NOW - i, case i % 10 when 1 then NOW - i * 100 else 0 end from n`,
		`insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at) ` + numbers(200_000) + `
select 'billing', SYNC, 'source', 'evt_' || i, 'cus_' || ` + pad("i % 100000") + `, 'active', 1, NOW, NOW - i * 3000, '{}', 'applied', '', NOW from n`,
		`insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at) ` + numbers(100_000) + `
select SYNC, 'cus_' || ` + pad("i") + `, 'rec_' || i, case i % 3 when 0 then 'email' else 'external_id' end, 1, 'trueup', NOW from n`,
		`insert into exceptions (sync, customer, kind, stage, cause, reason, source_value, target_value, last_action, confidence, candidates, owner, state, count, first_seen, last_seen, opened_at, waits_since) ` + numbers(10_000) + `
select SYNC, 'cus_' || ` + pad("i * 10") + `, case i % 4 when 0 then 'conflict' when 1 then 'unmatched' when 2 then 'unmapped_status' else 'ambiguous_match' end,
    'match', case i % 4 when 2 then 'value ' || (i % 20) else 'cus_' || ` + pad("i * 10") + ` end, 'why', case i % 4 when 2 then 'value ' || (i % 20) else 'active' end, 'Paused', '', 1, '[]', 'ops@example.com', 'open', 1, NOW - i * 60000, NOW - i, NOW - i * 60000, NOW - i * 60000 from n`,
		`insert into exceptions (sync, customer, kind, stage, cause, reason, source_value, target_value, last_action, confidence, candidates, owner, state, count, first_seen, last_seen, opened_at, waits_since) ` + numbers(100_000) + `
select SYNC, 'cus_' || ` + pad("i") + `, 'write_failed', 'write', 'cus_' || ` + pad("i") + `, 'why', 'active', 'Paused', '', 1, '[]', 'ops@example.com', 'resolved', 1, NOW - i * 60000, NOW - i, NOW - i * 60000, NOW - i * 60000 from n`,
		`insert into sweeps (id, sync, purpose, phase, rules, source_listed, target_listed, began_at, ended_at, hash) values (900, SYNC, 'plan', 'done', '', 1, 1, NOW - 9000, NOW - 5000, '` + theHash + `')`,
		`insert into plan_rows (sweep, customer, target_id, action, kind, reason, before, after) ` + numbers(20_000) + `
select 900, 'cus_' || ` + pad("i") + `, 'rec_' || i, 'write', '', 'billing is newer', case i % 3 when 0 then 'Paused' else 'Active' end, 'Churned' from n`,
		"analyze",
	} {
		if text == "analyze" && where == "unvacuumed" {
			continue
		}
		if engine == "postgres" {
			text = strings.Replace(text, "'{}', 'applied'", "'\\x7b7d'::bytea, 'applied'", 1)
			text = strings.Replace(text, "hash) values", "hash) overriding system value values", 1)
			text = strings.Replace(text, "analyze", "vacuum analyze", 1) // as the server does by itself
		} else {
			text = strings.Replace(text, "'{}', 'applied'", "x'7b7d', 'applied'", 1)
		}
		if _, err := raw.Exec(replace.Replace(text)); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
	}
	return raw
}
