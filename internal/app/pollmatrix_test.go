package app_test

import (
	"context"
	"database/sql"
	"flag"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/store"
)

var polled = flag.Int("tools.records", 0, "how many records a poll of each tool goes through, such as 100000; four pages if there are fewer")

// listing is a tool whose records have all changed, and the connection that polls it.
type listing struct {
	conn     config.Connection
	records  int
	position string // of a poll before the changes
	// cut has the next answer fail, and mend those behind it not.
	cut, mend func()
}

// changedLately is when the changes of a listing begin.
const changedLately = 3 * time.Hour

// listingOf is an example's tool, by the connection that its file has.
func listingOf(t *testing.T, example, connection string, build func(*shop), page int, base, word string) listing {
	s := newShop(t, max(*polled, 4*page)-1)
	build(s)
	began := time.Now().Add(-changedLately)
	for i, r := range s.rows {
		r.status, r.at = word, began.Add(changedLately*time.Duration(i)/time.Duration(len(s.rows)))
	}
	replace := append([]string{base, s.url}, unlimited(example)...)
	if base == "" {
		replace = append([]string{"    type: stripe\n", "    type: stripe\n    base_url: " + s.url + "\n"}, replace[2:]...)
	}
	cut := func() {
		away := refusal{code: http.StatusBadGateway, body: object{}}
		s.next("GET", away)
		s.next("POST", away) // a list is asked for by one of them
	}
	l := listing{conn: exampleAt(t, example, replace...).Connections[connection], records: len(s.rows), cut: cut, mend: func() {}, position: began.Add(-time.Minute).UTC().Format(time.RFC3339Nano)}
	if base == "" {
		l.position = strconv.FormatInt(began.Add(-time.Minute).Unix(), 10)
	}
	return l
}

// listingOfTable is the table of mysql.yaml. Where it is cut, the sessions end and there is no new one.
func listingOfTable(t *testing.T, name string) listing {
	d := atTables[name](t)
	n := max(*polled, 2000)
	d.rows(t, n, "varchar(20)")
	began := time.Now().Add(-changedLately)
	d.run(t, "update customers set status = 'active', updated_at = "+d.pick("now() - interval '3 hours' + id * interval '1 millisecond'", "now(6) - interval 3 hour + interval id*1000 microsecond"))
	replace := append(unlimited("mysql"), "    time_zone: UTC", "    # time_zone: UTC")
	role, user := d.as(t, exampleAt(t, "mysql", append(replace, d.lines("BILLING_DSN", "billing")...)...).Connections["billing"], true, false)
	cfg := exampleAt(t, "mysql", append(replace, user.lines("BILLING_DSN", "billing")...)...)
	return listing{conn: cfg.Connections["billing"], records: n, position: began.Add(-time.Minute).UTC().Format(time.RFC3339Nano),
		cut: func() { d.barred(t, role) }, mend: func() { d.allowed(t, role) }}
}

// interrupted is a connection's list of changes that is cut at three of its pages.
type interrupted struct {
	connector.Changes
	listing
	pages *int
}

func (i interrupted) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	if *i.pages++; *i.pages == 2 || *i.pages == 4 || *i.pages == 6 {
		i.cut()
		defer i.mend()
	}
	return i.Changes.Since(ctx, cursor)
}

// A poll of each tool's list that is cut by failures, after each of which the program
// begins again, stores each record that changed, and each once.
func TestAPollOfEachToolIsContinuedWhereItWas(t *testing.T) {
	listings := map[string]func(*testing.T) listing{}
	for name, at := range atTools {
		listings[name+" that follows"] = func(t *testing.T) listing {
			return listingOf(t, name, "crm", at.build, at.page, at.base, at.of("Active"))
		}
	}
	for name, at := range atSources {
		listings[name+" that decides"] = func(t *testing.T) listing {
			return listingOf(t, at.example, "billing", at.build, at.page, at.base, at.of("active"))
		}
	}
	for name := range atTables {
		listings[name] = func(t *testing.T) listing { return listingOfTable(t, name) }
	}
	for name, of := range listings {
		for engine, dsn := range engines {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				of(t).isPolled(t, dsn(t))
			})
		}
	}
}

// isPolled polls the listing into a new database.
func (l listing) isPolled(t *testing.T, dsn string) {
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	turn := store.ChangesOf(l.conn.Name)
	_, fence, ok, err := db.TakeTurn(t.Context(), turn, 0, time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := db.SaveTurn(t.Context(), turn, fence, l.position, true); err != nil {
		t.Fatal(err)
	}
	log, pages := slog.New(slog.DiscardHandler), 0
	began := func() *poll.Poller {
		conn, err := registry.Open(l.conn, connector.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Closed)
		in := inbox.New(inbox.Options{Store: db, Log: log, Received: func(...string) {},
			Connections: map[string]inbox.Endpoint{l.conn.Name: {Routes: []inbox.Route{{Sync: "customer-status", Side: store.SourceSide}}}}})
		return &poll.Poller{Connection: l.conn.Name, Changes: interrupted{conn.Changes, l, &pages},
			Store: db, Inbox: in, Log: log, Syncs: []config.Sync{{Name: "customer-status"}}}
	}
	interruptions, at := 0, time.Now()
	for asked := false; !asked; {
		if asked, err = began().Ask(t.Context(), 0); err != nil {
			if interruptions++; interruptions > 3 { // a machine that is busy adds some, in which a call takes too long
				t.Logf("interrupted again: %v", err)
			}
			if interruptions > 30 {
				t.Fatal("it does not end")
			}
		}
	}
	if found, stored := storedEvents(t, dsn); found != l.records || stored != l.records || interruptions < 3 {
		t.Errorf("%d of %d records were found, in %d events, with %d interruptions", found, l.records, stored, interruptions)
	}
	t.Logf("%d records in %d answers, %s", l.records, pages, time.Since(at).Round(time.Millisecond))
}

// storedEvents counts the customers who have events, and the events. The store would
// give each event whole.
func storedEvents(t *testing.T, dsn string) (customers, events int) {
	driver := "sqlite"
	if strings.HasPrefix(dsn, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "select count(distinct customer), count(*) from events where sync = 'customer-status'").Scan(&customers, &events); err != nil {
		t.Fatal(err)
	}
	return customers, events
}
