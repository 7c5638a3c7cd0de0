package pages

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// inFull is a step that reads all of a table which grows with the customers or with time.
var inFull = regexp.MustCompile(`Seq Scan on (?:customers|links|events|decisions|link_history|activity|actions|exceptions|intents|seen|watched|plan_rows)\b`)

// What a page asks of PostgreSQL is found by an index there too, as the server plans it
// for any values.
func TestNoPageReadsATableInFullOnPostgreSQL(t *testing.T) {
	dsn := pgtest.DSN(t)
	asked := &wire{texts: map[string]bool{}}
	raw := fillPages(t, "postgres", migrated(t, dsn), 4)
	fillHistories(t, raw, 20_000)
	db, err := store.Open(t.Context(), store.Options{DSN: asked.before(t, dsn), Work: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	pages := benchWorld(t, db)
	if _, err := overview.Recount(t.Context(), db, pages.Syncs()); err != nil {
		t.Fatal(err)
	}
	asked.forget() // who counts beside a page reads what it counts
	for _, path := range append(everyPage(t), everyDownload...) {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code >= 500 {
			t.Errorf("%s is answered %d", path, answer.Code)
		}
	}
	// Whose last writes are looked for among the latest few thousand decisions: of so few
	// customers as here, all are read sooner.
	const few = "select writes from customers where sync = $1 and customer in"
	seen := 0
	for _, text := range asked.all() {
		small := strings.ToLower(strings.TrimSpace(text))
		if !strings.HasPrefix(small, "select") && !strings.HasPrefix(small, "with") || strings.HasPrefix(small, few) {
			continue
		}
		seen++
		for _, step := range planned(t, raw, text) {
			if inFull.MatchString(step) {
				t.Errorf("a page reads all of a table (%s):\n%s", strings.TrimSpace(step), text)
			}
		}
	}
	if seen < 80 {
		t.Errorf("only %d statements were seen", seen)
	}
}

// fillHistories writes what has happened to customers, so that the planner knows that
// the tables are large.
func fillHistories(t *testing.T, raw *sql.DB, rows int) {
	t.Helper()
	for _, text := range []string{`
insert into decisions (sync, customer, made_at, action, reason, table_row, stage, outcome, kind, target_id, desired, observed, base, desired_at, observed_at, observed_by, confidence, events)
select 'SYNC', 'cus_' || (i / 2), i, 'write', '', 4, 'confirm', 'applied', '', 'rec_' || (i / 2), 'Active', '', '', i, i, '', 1, 1 from n`, `
insert into link_history (sync, customer, old_target, new_target, changed_at, why, who) select 'SYNC', 'cus_' || i, '', 'rec_' || i, i, '', 'rule' from n`, `
insert into seen (sync, customer, value, seen_at) select 'SYNC', 'cus_' || i, 'active', i from n`, `
insert into activity (done_at, who, behalf, way, topic, sync, customer, code, reason_facts, why, batch, leads)
select i, 'person ' || (i % 20), '', 'page', case i % 2000 when 0 then 'mode' else 'customers' end, 'SYNC', 'cus_' || i, case i % 2000 when 0 then 'act_went_live' else 'act_pinned' end, '', '', case i % 10 when 0 then 'batch ' || (i / 100) else '' end, 1 from n`, `
insert into intents (sync, customer, record_id, value, prior, sent_at, expires) select 'SYNC', 'cus_' || i, 'rec_' || i, 'Active', '', i, i from n`, `
insert into watched (sync, customer, target_id, before, after, would_at, verdict) select 'SYNC', 'cus_' || i, 'rec_' || i, 'Active', 'Paused', i, case i % 3 when 0 then 'same' else '' end from n`, `
insert into actions (exception_id, done_at, who, verb, note) select i, i, 'ana', 'assign', '' from n`,
		"vacuum analyze",
	} {
		if text != "vacuum analyze" {
			text = fmt.Sprintf("with recursive n(i) as (select 1 union all select i + 1 from n where i < %d)", rows) + strings.ReplaceAll(text, "SYNC", flow)
		}
		if _, err := raw.Exec(text); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
}

// migrated makes the tables of a database that is to be filled, and returns its URL.
func migrated(t *testing.T, dsn string) string {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// planned are the steps by which the server would answer a statement, whatever its
// values are.
func planned(t *testing.T, raw *sql.DB, text string) (steps []string) {
	t.Helper()
	conn, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, set := range []string{"set plan_cache_mode = force_generic_plan", "prepare asked as " + text} {
		if _, err := conn.ExecContext(t.Context(), set); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
	defer conn.ExecContext(context.WithoutCancel(t.Context()), "deallocate asked")
	values := ""
	if n := highest(text); n > 0 {
		values = "(null" + strings.Repeat(", null", n-1) + ")"
	}
	rows, err := conn.QueryContext(t.Context(), "explain execute asked"+values)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		step := ""
		if err := rows.Scan(&step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// highest is the highest number of an argument in a statement.
func highest(text string) (n int) {
	for _, found := range parameters.FindAllString(text, -1) {
		at, err := strconv.Atoi(found[1:])
		if err == nil {
			n = max(n, at)
		}
	}
	return n
}

// wire stands before a server, and remembers the statements that pass.
type wire struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.texts)
}

func (w *wire) all() (texts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for text := range w.texts {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// before returns the URL of a server's schema behind the wire.
func (w *wire) before(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			go func() { io.Copy(client, to); client.Close() }()
			go func() { w.pass(client, to); to.Close() }()
		}
	}()
	u.Host = listener.Addr().String()
	return u.String()
}

// pass sends each message of a client on. One that prepares a statement has its name
// and its text.
func (w *wire) pass(client io.Reader, server io.Writer) {
	in := bufio.NewReader(client)
	for head := make([]byte, 4); ; head = make([]byte, 5) { // the first has no letter
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if len(head) == 5 && head[0] == 'P' {
			w.mu.Lock()
			w.texts[string(bytes.SplitN(body, []byte{0}, 3)[1])] = true
			w.mu.Unlock()
		}
		if _, err := server.Write(append(head, body...)); err != nil {
			return
		}
	}
}
