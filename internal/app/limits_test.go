package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const mass = "    limits: {mass_change: {to: [paused, churned], customers: %d, within: 1h}}\n"

// node starts another node on a configuration.
func (l *live) node(text string) *app.App {
	l.Helper()
	path := filepath.Join(l.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(path, []byte(ownWords(text)), 0o600))
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	l.must(err)
	a, err := app.Start(l.Context(), app.Options{Config: cfg, Version: "test", Log: slog.New(slog.DiscardHandler)})
	l.must(err)
	return a
}

// churned are the customers whom the target holds as churned.
func (l *live) churned() (n int) {
	for _, value := range l.crm.Statuses() {
		if value == "Churned" {
			n++
		}
	}
	return n
}

// A source that suddenly answers churned for everyone: sixteen workers a node
// write at most the cap, and the rest waits for a person.
func TestAMassChangeStopsAtTheCapOnEachEngine(t *testing.T) {
	t.Parallel()
	const customers, most = 40, 5
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			limits := fmt.Sprintf(mass, most)
			l := newLive(t, dsn(t), limits)
			if engine == "postgres" { // SQLite is one node's
				other := l.node(configText(l.dsn, l.billing.URL, l.crm.URL) + limits)
				t.Cleanup(func() { l.must(other.Stop(t.Context())) })
			}
			for n := range customers {
				l.customer(n)
				l.change(n, fmt.Sprint("evt_", n), "active")
			}
			l.quiet()
			for n := range customers {
				l.change(n, fmt.Sprint("evt_gone_", n), "canceled")
			}
			l.quiet()
			if n := l.churned(); n != most {
				t.Errorf("%d customers were written, %d may be", n, most)
			}
			x := l.exceptions(status.MassChange)
			if len(x) != 1 || x[0].Customer != "" || !strings.Contains(x[0].Reason.Sentence(), "5 customers moved to paused or churned within 1h") {
				t.Fatalf("the exceptions are %+v", x)
			}
			// Events go on being taken, and other writes made.
			l.customer(customers)
			l.change(customers, "evt_new", "active")
			l.until("another is carried", func() bool { return l.crm.Status(fmt.Sprint("rec_", customers)) == "Active" })
			var s contract.Sync
			h := byAPI{l.token(store.Operator)}
			h.call(l, http.MethodGet, "/syncs/customer-status", nil, "", &s)
			if s.Halted == nil || s.Halted.WaitingCustomers != customers-most {
				t.Errorf("the sync stands at %+v", s.Halted)
			}
			h.deed(l, x[0].ID, deed{verb: store.ResumeSync}, "once")
			l.until("all who waited are carried", func() bool { return l.churned() == customers })
			written := map[string]int{}
			for _, w := range l.crm.Written() {
				written[w]++
			}
			for line, n := range written {
				if n != 1 {
					t.Errorf("%q was written %d times", line, n)
				}
			}
		})
	}
}

// Killed between the steps of a write and started again, it still writes at most
// the cap.
func TestAKillInBetweenWritesNoMoreThanTheCap(t *testing.T) {
	t.Parallel()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("all", func(t *testing.T) {
		for engine, dsn := range engines {
			for _, point := range []string{"intent", "sent", "settling"} {
				t.Run(engine+"/"+point, func(t *testing.T) {
					t.Parallel()
					killedAtTheCap(t, newCrash(t, program, dsn(t)), point)
				})
			}
		}
	})
}

func killedAtTheCap(t *testing.T, c *crash, point string) {
	const customers, most = 8, 3
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.config, []byte(ownWords(string(text)+fmt.Sprintf(mass, most))), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: c.dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var events []store.NewEvent
	for n := range customers {
		id := fmt.Sprint("cus_", n)
		c.billing.Set(resttest.Record{ID: id, Email: mail(n), Status: "canceled"})
		c.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n)})
		events = append(events, store.NewEvent{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: "evt_" + id, Customer: id,
			Value: "canceled", HasValue: true, OccurredAt: time.Now(), Payload: []byte("{}")})
	}
	if _, err := db.Receive(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	first := c.start(point)
	<-first.done
	if ws, ok := first.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGKILL {
		t.Fatalf("it ended by itself: %s", first.cmd.ProcessState)
	}
	c.start("")
	l := &live{T: t}
	l.until("nothing waits but for a person", func() bool {
		counts, err := db.Counts(t.Context())
		return err == nil && counts["customer-status"].WaitingEvents == 0
	})
	if n := len(c.crm.Written()); n > most {
		t.Errorf("%d writes reached the target, %d may", n, most)
	}
	found, err := db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.MassChange})
	if err != nil || len(found) != 1 || found[0].Count != 1 {
		t.Errorf("the exceptions are %+v, %v", found, err)
	}
}

// afterWrite has something happen once a record was written.
func afterWrite(tool *resttest.Tool, record string, happens func(value string)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		tool.Write(w, r)
		happens(tool.Status(record))
		return true
	}
}

// Two instances that lead into each other: billing to crm, an automation that
// turns what arrives in crm round into a third tool, and that one back to
// billing. Nobody sees the circle, and both come to rest within their limits.
func TestTwoInstancesInACircleComeToRest(t *testing.T) {
	t.Parallel()
	const most = 4
	limits := fmt.Sprintf("    first_contact: source_wins\n    limits: {writes_per_customer: {count: %d, within: 1h}}\n", most)
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t), limits)
			third := resttest.New(t)
			second := dsn(t)
			back := configText(second, third.URL, l.billing.URL) + limits
			for ours, theirs := range map[string]string{"from: [active], to: Active": "from: [Active], to: active", "from: [paused], to: Paused": "from: [Paused], to: paused"} {
				back = strings.Replace(back, ours, theirs, 1)
			}
			other := l.node(back)
			t.Cleanup(func() { l.must(other.Stop(t.Context())) })
			otherDB, err := store.Open(t.Context(), store.Options{DSN: second})
			l.must(err)
			t.Cleanup(func() { l.must(otherDB.Close()) })

			for id, tool := range map[string]*resttest.Tool{"cus_1": l.billing, "rec_1": l.crm} {
				tool.Set(resttest.Record{ID: id, Email: mail(1), UpdatedAt: time.Now().Add(-time.Hour)})
			}
			var events atomic.Int64
			tell := func(to, customer, value string) {
				event := fmt.Sprintf(`{"id":"evt_%d","customer":%q,"status":%q,"at":%q}`, events.Add(1), customer, value, time.Now().UTC().Format(time.RFC3339Nano))
				if code, err := post(t.Context(), to, event); err != nil || code != http.StatusOK {
					t.Errorf("the webhook is answered %d, %v", code, err)
				}
			}
			a, b := l.app.URL(), other.URL()
			l.billing.Instead(afterWrite(l.billing, "cus_1", func(value string) { tell(a, "cus_1", value) }))
			l.crm.Instead(afterWrite(l.crm, "rec_1", func(value string) {
				round := map[string]string{"Active": "Paused", "Paused": "Active"}[value]
				third.Set(resttest.Record{ID: "z_1", Email: mail(1), Status: round})
				tell(b, "z_1", round)
			}))
			l.change(1, "evt_first", "paused")
			parked := func(db *store.DB) bool {
				x, err := db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.LoopSuspected, States: []status.State{status.Open}})
				return err == nil && len(x) == 1
			}
			l.until("one of the two is stopped", func() bool { return parked(l.db) || parked(otherDB) })
			l.until("nothing is left to do", func() bool {
				a, errA := l.db.Counts(t.Context())
				b, errB := otherDB.Counts(t.Context())
				return errA == nil && errB == nil && a["customer-status"].WaitingEvents == 0 && b["customer-status"].WaitingEvents == 0
			})
			for name, tool := range map[string]*resttest.Tool{"crm": l.crm, "billing": l.billing} {
				if n := len(tool.Written()); n > most || n < most-1 {
					t.Errorf("%d writes to %s, %d may be: %v", n, name, most, tool.Written())
				}
			}
		})
	}
}
