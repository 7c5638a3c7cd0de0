package poll_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines gives each engine's way to an empty database.
var engines = map[string]func(t testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "trueup.db") },
	"postgres": storetest.Schema,
}

// many is a tool with n customers that lists them page by page. All of them have
// changed lately, and their list is sorted by id.
type many struct {
	n, size int
	changed time.Time
	mu      sync.Mutex
	asked   map[string]int // pages, by cursor
	// fails says how the tool answers instead, 0 for as it should.
	fails func(from int) int
}

func (m *many) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("after"))
	m.mu.Lock()
	m.asked[r.URL.Query().Get("after")]++
	code := 0
	if m.fails != nil {
		code = m.fails(from)
	}
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if code != 0 {
		w.WriteHeader(code)
		return
	}
	type one struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		At     int64  `json:"at"`
	}
	var page struct {
		Rows []one  `json:"rows"`
		Next string `json:"next"`
	}
	for i := from; i < min(from+m.size, m.n); i++ {
		page.Rows = append(page.Rows, one{fmt.Sprintf("cus_%06d", i), "active", m.changed.Unix()})
	}
	if from+m.size < m.n {
		page.Next = strconv.Itoa(from + m.size)
	}
	_ = json.NewEncoder(w).Encode(page)
}

// service is one start of the service: what it knew is gone with it.
func service(t testing.TB, db *store.DB, m *many) *poll.Poller {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	s := &httpconn.Settings{
		Read:   &httpconn.Read{Get: "/customers/{id}"},
		Record: httpconn.Record{ID: "record.id", Status: "record.status", UpdatedAt: "record.at"},
		List:   &httpconn.List{Get: "/customers?after={cursor}", Records: "body.rows", Next: "body.next"},
	}
	c, err := httpconn.Open("billing", config.Connection{Name: "billing", Type: httpconn.Type, BaseURL: server.URL, Timeout: 20 * time.Second}, s,
		connector.Deps{HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	in := inbox.New(inbox.Options{Store: db, Log: log, Received: func(...string) {},
		Connections: map[string]inbox.Endpoint{"billing": {Routes: []inbox.Route{{Sync: "customer-status", Side: store.SourceSide}}}}})
	return &poll.Poller{Connection: "billing", Every: time.Minute, Changes: c.Changes, Store: db, Inbox: in, Log: log, Syncs: []config.Sync{{Name: "customer-status"}}}
}

func database(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// begun stores a position from before all changes, as an earlier poll leaves it.
func begun(t testing.TB, db *store.DB, at time.Time) {
	t.Helper()
	turn := store.ChangesOf("billing")
	_, fence, ok, err := db.TakeTurn(t.Context(), turn, 0, time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := db.SaveTurn(t.Context(), turn, fence, at.UTC().Format(time.RFC3339Nano), true); err != nil {
		t.Fatal(err)
	}
}

// records is how long a list is that is read to its end; the test command reads one of
// 100,000 without the race detector.
var records = flag.Int("records", 10_000, "how many records a long list has")

func TestALongListThatIsInterruptedThriceIsReadToItsEnd(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			n, size := *records, *records/100
			db := database(t, dsn(t))
			m := &many{n: n, size: size, changed: time.Now().Add(-time.Minute), asked: map[string]int{}}
			begun(t, db, m.changed.Add(-time.Hour))
			// A limit, an outage and a node that is stopped, each at a page of its own.
			failed := map[int]bool{}
			var stop context.CancelFunc = func() {}
			m.fails = func(from int) int {
				for at, code := range map[int]int{17 * size: http.StatusTooManyRequests, 43 * size: http.StatusServiceUnavailable} {
					if from == at && !failed[at] {
						failed[at] = true
						return code
					}
				}
				if at := 71 * size; from == at && !failed[at] {
					failed[at] = true
					stop()
				}
				return 0
			}
			for start, pages := range []int{17, 43, 71, 100} {
				ctx, cancel := context.WithCancel(t.Context())
				stop = cancel
				asked, err := service(t, db, m).Ask(ctx, 0)
				cancel()
				last := start == 3
				if asked != last || (err == nil) != last {
					t.Fatalf("start %d: asked to the end is %t, %v", start+1, asked, err)
				}
				all, err := db.Polls(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p := all["billing"]
				read := store.Listing{Began: p.Reading.Began, Pages: pages, Records: pages * size, Changes: pages * size}
				if p.UnderWay == last || p.Reading != read || read.Began.IsZero() {
					t.Errorf("start %d: people are told %+v", start+1, p)
				}
				if at := map[bool]time.Time{true: m.changed, false: m.changed.Add(-time.Hour)}[last]; p.From.After(at) || at.Sub(p.From) > time.Minute {
					t.Errorf("start %d: it asks for changes from %s, want %s", start+1, p.From, at)
				}
				by := []connector.FailureKind{connector.RateLimited, connector.Transient, "", ""}[start] // who is told to stop has not failed
				if p.Stopped.By != string(by) || p.Stopped.Until.After(p.Stopped.At) != (by != "") {
					t.Errorf("start %d: it stopped %+v, want by %q", start+1, p.Stopped, by)
				}
				if done := p.Last; last && (done.Ended.IsZero() || done.Pages != pages || done.Records != n) || !last && done.Pages != 0 {
					t.Errorf("start %d: the last whole list is %+v", start+1, done)
				}
			}
			seen := 0
			for after := int64(0); ; {
				events, err := db.Events(t.Context(), store.EventFilter{Sync: "customer-status", Limit: 5000, Before: after})
				if err != nil {
					t.Fatal(err)
				}
				if len(events) == 0 {
					break
				}
				seen += len(events)
				after = events[len(events)-1].Seq
			}
			if seen != n {
				t.Errorf("%d of %d records were seen", seen, n)
			}
			for cursor, times := range m.asked {
				if times > 2 || times == 2 && !slices.Contains([]string{strconv.Itoa(17 * size), strconv.Itoa(43 * size), strconv.Itoa(71 * size)}, cursor) {
					t.Errorf("page %q was asked for %d times", cursor, times)
				}
			}
			if len(m.asked) != n/size {
				t.Errorf("%d pages were asked for", len(m.asked))
			}
		})
	}
}

// The tool forgets its cursors while the service is down.
func TestAListWhoseCursorHasExpiredIsBegunAgain(t *testing.T) {
	db := database(t, engines["sqlite"](t))
	m := &many{n: 50, size: 10, changed: time.Now().Add(-time.Minute), asked: map[string]int{}}
	begun(t, db, m.changed.Add(-time.Hour))
	m.fails = func(from int) int {
		if from == 30 {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	if _, err := service(t, db, m).Ask(t.Context(), 0); err == nil {
		t.Fatal("the outage is not told")
	}
	old := true
	m.fails = func(from int) int {
		if from == 30 && old {
			old = false
			return http.StatusGone
		}
		return 0
	}
	if asked, err := service(t, db, m).Ask(t.Context(), 0); !asked || err != nil {
		t.Fatal(asked, err)
	}
	if all, err := db.Polls(t.Context()); err != nil || all["billing"].Last.Pages != 5 || all["billing"].Last.Records != 50 {
		t.Errorf("the three pages before count as well: %+v, %v", all["billing"].Last, err)
	}
	events, err := db.Events(t.Context(), store.EventFilter{Sync: "customer-status", Limit: 100})
	if err != nil || len(events) != 50 || m.asked[""] != 2 {
		t.Errorf("%d events, the first page %d times, %v", len(events), m.asked[""], err)
	}
	// A tool that refuses every second page is not asked for ever.
	m.fails = func(from int) int {
		if from == 10 {
			return http.StatusBadRequest
		}
		return 0
	}
	m.asked = map[string]int{}
	for range 2 {
		if _, err := service(t, db, m).Ask(t.Context(), 0); connector.FailureOf(err).Kind != connector.Refused {
			t.Errorf("it ends with %v", err)
		}
	}
	if m.asked[""] != 2 || m.asked["10"] != 3 {
		t.Errorf("asked %v", m.asked)
	}
	if open, err := db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.ConnectionFailed}); err != nil || len(open) != 0 {
		t.Errorf("open are %v, %v", open, err)
	}
}
