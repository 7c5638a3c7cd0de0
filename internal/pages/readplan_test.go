package pages

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

var (
	// ofLarge is a step that goes through a table which grows with the customers or with
	// time, or through all that one sync has in it.
	ofLarge = regexp.MustCompile(`^(SCAN|SEARCH) (customers|c|links|events|e|decisions|link_history|activity|actions|watched|plan_rows)\b(.*)`)
	// ofOne is what narrows it down to more than the sync.
	ofOne = regexp.MustCompile(`\((sync|exception_id|sweep|topic|batch|who)=\? AND |\((customer|id|rowid|exception_id|batch|seq|replay_of|topic)[=<>]`)
	// ofFew are indexes of what waits, is stopped or stands out.
	ofFew = regexp.MustCompile(`INDEX (customers_(due|halted|owed|unheard|tried|delayed|moved)|events_waiting|plan_rows_(ended|not_written|of_change))\b`)
)

// No page reads all customers, links or events, or all of one sync: each statement has a
// condition that an index serves, or stops after a page of rows. What has to be counted
// in full is counted beside the answer, and is not in a page.
func TestNoPageReadsATableInFull(t *testing.T) {
	dsn := storetest.File(t)
	var asked recorder
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Work: true, SQLite: asked.open})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fillPages(t, "sqlite", dsn, 16)
	pages := benchWorld(t, db)
	get := func(path string) string {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Body.String()
	}
	if first := get("/"); !strings.Contains(first, "The customers are being counted") || strings.Contains(first, "Nobody to compare") {
		t.Error("before the customers were counted, Home does not say so")
	}
	if first := get("/syncs/" + flow); !strings.Contains(first, "The links are being counted") {
		t.Error("before the links were counted, the page of the sync does not say so")
	}
	if _, err := overview.Recount(t.Context(), db, pages.Syncs()); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`of 6,250 customers, counted <time`).MatchString(get("/")) {
		t.Error("Home does not say as of when the customers were counted")
	}
	// Those that are asked beside a page, those that go from sync to sync, and one of the schema.
	const beside = "from sqlite_master m|select min(sync) from customers where sync >= $1|group by outcome, desired_source_value, desired_value|select rule, count(*) from links|select count(*) from customers where sync = $1"
	for _, path := range append(everyPage(t), everyDownload...) {
		get(path)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw := storetest.Raw(t, "sqlite", dsn)
	seen := 0
	for text := range asked.texts {
		small := strings.ToLower(strings.TrimSpace(text))
		if !strings.HasPrefix(small, "select") && !strings.HasPrefix(small, "with") {
			continue
		}
		if strings.Contains(small, "limit") || containsOne(text, strings.Split(beside, "|")) {
			continue
		}
		seen++
		rows, err := raw.QueryContext(t.Context(), "explain query plan "+text, make([]any, len(parameters.FindAllString(text, -1)))...)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			if ofLarge.MatchString(step) && !ofOne.MatchString(step) && !ofFew.MatchString(step) {
				t.Errorf("a page reads all of a table (%s):\n%s", step, text)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if seen < 60 {
		t.Errorf("only %d statements were seen", seen)
	}
}

// everyDownload are the files behind the buttons of pages, and what those choose by.
var everyDownload = []string{"/exceptions.csv", "/activity.csv?since=all", "/activity.csv?who=ana", "/plans/" + theHash + "/rows.csv", "/plans/" + theHash + "/rows.csv?q=nobody"}

var parameters = regexp.MustCompile(`\$\d+`)

func containsOne(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// recorder is a SQLite driver that remembers what is asked.
type recorder struct {
	mu    sync.Mutex
	texts map[string]bool
}

func (r *recorder) open(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(recording{r, plain.Driver(), dsn}), plain.Close()
}

func (r *recorder) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.texts == nil {
		r.texts = map[string]bool{}
	}
	r.texts[text] = true
}

type recording struct {
	*recorder
	driver driver.Driver
	dsn    string
}

func (r recording) Driver() driver.Driver { return r.driver }

func (r recording) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.driver.Open(r.dsn)
	if err != nil {
		return nil, err
	}
	return recorded{conn.(sqliteConn), r.recorder}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
}

type recorded struct {
	sqliteConn
	*recorder
}

func (r recorded) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	r.note(text)
	return r.sqliteConn.PrepareContext(ctx, text)
}

func (r recorded) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	r.note(text)
	return r.sqliteConn.QueryContext(ctx, text, args)
}
