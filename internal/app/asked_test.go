package app_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/notify/slack/fakeslack"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// needing is how many customers need a person whom needers adds, by kind.
var needing = map[status.Kind]int{status.Unmatched: 12, status.FirstContact: 10, status.UnmappedStatus: 4, status.AmbiguousMatch: 3}

// needers adds customers of before the sync went live: 29 need a person, and 5 would be
// written. It returns their numbers by kind; those that would be written are under "".
func (l *live) needers() map[status.Kind][]int {
	l.Helper()
	all := map[status.Kind][]int{}
	next := 0
	add := func(kind status.Kind, n int, source string, targets ...string) {
		for range n {
			next++
			l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", next), Email: mail(next), Status: source})
			for i, held := range targets {
				l.crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d%s", next, []string{"", "_b"}[i]), Email: mail(next), Status: held, UpdatedBy: "human:ben"})
			}
			all[kind] = append(all[kind], next)
		}
	}
	add(status.Unmatched, needing[status.Unmatched], "active")
	add(status.FirstContact, needing[status.FirstContact], "active", "Churned")
	add(status.UnmappedStatus, needing[status.UnmappedStatus], "trialing", "")
	add(status.AmbiguousMatch, needing[status.AmbiguousMatch], "active", "", "")
	add("", 5, "paused", "")
	l.crm.Set(resttest.Record{ID: "rec_nobodys", Email: "nobody@example.com", Status: "Active", UpdatedBy: "human:ben"})
	return all
}

// planned makes a plan as the command does, with the running service beside it, and
// returns its rows by customer.
func (l *live) planned() (store.Sweep, map[string]store.PlanRow) {
	l.Helper()
	path := filepath.Join(l.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(path, []byte(l.listing()), 0o600))
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	l.must(err)
	plan, err := app.MakePlan(l.Context(), cfg, l.db, "customer-status", nil)
	l.must(err)
	rows := map[string]store.PlanRow{}
	for r, err := range l.db.EachPlanRow(l.Context(), plan.ID) {
		l.must(err)
		rows[r.Customer] = r
	}
	l.looksAreOver()
	return plan, rows
}

// looksAreOver waits until nobody is due.
func (l *live) looksAreOver() {
	l.Helper()
	l.until("nobody waits for a look", func() bool {
		next, err := l.db.NextDue(l.Context(), "customer-status")
		counts, countErr := l.db.Counts(l.Context())
		return err == nil && countErr == nil && next.IsZero() && counts["customer-status"].WaitingCustomers == 0
	})
}

// open counts the open exceptions by kind.
func (l *live) open() map[status.Kind]int {
	l.Helper()
	found, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{States: []status.State{status.Open, status.Acknowledged}})
	l.must(err)
	counts := map[status.Kind]int{}
	for _, x := range found {
		counts[x.Kind]++
	}
	return counts
}

// about is the exception of a customer.
func (l *live) about(n int) store.Exception {
	l.Helper()
	found, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{Customer: fmt.Sprint("cus_", n)})
	l.must(err)
	if len(found) != 1 {
		l.Fatalf("customer %d has the exceptions %+v", n, found)
	}
	return found[0]
}

// person does something about the exception of a customer.
func (l *live) person(n int, r exceptions.Request) {
	l.Helper()
	r.Who = "ana"
	acts := exceptions.Actions{Store: l.db, Watching: func(string) bool { return false }}
	_, err := acts.Do(l.Context(), l.about(n).ID, r)
	l.must(err)
	l.looksAreOver()
}

func TestEachCustomerOfAPlanWhoNeedsAPersonHasAnException(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			by := l.needers()
			_, rows := l.planned()
			if got := l.open(); !maps.Equal(got, needing) {
				t.Fatalf("open are %v, not %v", got, needing)
			}
			for n := 1; n <= 29; n++ {
				x, r := l.about(n), rows[fmt.Sprint("cus_", n)]
				if x.Kind != r.Kind || x.Reason.Sentence() != r.Reason.Sentence() || x.TargetValue != r.Before || x.SourceValue == "" || x.Count != 1 {
					t.Errorf("the row %+v has the exception %+v", r, x)
				}
			}
			if x := l.about(by[status.AmbiguousMatch][0]); len(x.Candidates) != 2 || x.Stage != status.StageMatch {
				t.Errorf("which of two records is asked by %+v", x)
			}
			if counts := l.about(by[status.Unmatched][0]); counts.LastAction == "received the change" {
				t.Errorf("nothing was received: %+v", counts)
			}

			// What people have settled stays settled while nothing changes, and nobody is told twice.
			l.person(by[status.Unmatched][0], exceptions.Request{Verb: store.Resolve})
			l.person(by[status.Unmatched][1], exceptions.Request{Verb: store.Ignore})
			l.planned()
			want := maps.Clone(needing)
			want[status.Unmatched] -= 2
			if got := l.open(); !maps.Equal(got, want) {
				t.Errorf("after another plan %v are open, not %v", got, want)
			}
			if x := l.about(by[status.Unmatched][2]); x.Count != 1 {
				t.Errorf("another plan counts %+v again", x)
			}
			if got := l.crm.Written(); len(got) > 0 {
				t.Errorf("a plan has written %v", got)
			}

			// The record that was missing is there: the question closes, and the value is the next plan's to write.
			late := by[status.Unmatched][3]
			l.crm.Set(resttest.Record{ID: "rec_late", Email: mail(late), UpdatedBy: "human:ben"})
			l.planned()
			if x := l.about(late); x.State != status.Resolved {
				t.Errorf("a record was made for %+v", x)
			}
			if _, rows := l.planned(); rows[fmt.Sprint("cus_", late)].Action != "write" || len(l.crm.Written()) > 0 {
				t.Errorf("the plan has %+v, and %v is written", rows[fmt.Sprint("cus_", late)], l.crm.Written())
			}
		})
	}
}

func TestWhatAPersonDecidesAboutACustomerOfAPlanIsDone(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			by := l.needers()
			l.planned()
			kept, over, joined := by[status.FirstContact][0], by[status.FirstContact][1], by[status.AmbiguousMatch][0]
			l.person(kept, exceptions.Request{Verb: store.KeepTarget})
			l.person(over, exceptions.Request{Verb: store.UseSource})
			l.person(joined, exceptions.Request{Verb: store.LinkTo, TargetID: fmt.Sprintf("rec_%d_b", joined)})
			_, rows := l.planned()
			if r := rows[fmt.Sprint("cus_", kept)]; r.Action != "hold" || r.Kind != "" || l.about(kept).State != status.Resolved {
				t.Errorf("what a person keeps is %+v in the next plan, with %+v", r, l.about(kept))
			}
			if got := l.crm.Status(fmt.Sprint("rec_", over)); got != "Active" {
				t.Errorf("a person chose the source's value, and the record holds %s", got)
			}
			if got := l.crm.Status(fmt.Sprintf("rec_%d_b", joined)); got != "Active" {
				t.Errorf("a person linked the record, and it holds %s", got)
			}
			if got := l.crm.Written(); len(got) != 2 {
				t.Errorf("written is %v", got)
			}
		})
	}
}

// An event speaks of a customer that only a comparison had asked for: it is carried
// as any other from then on.
func TestAnEventCarriesACustomerThatAPlanHasAskedFor(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	by := l.needers()
	l.planned()
	n := by[status.Unmatched][0]
	l.crm.Set(resttest.Record{ID: "rec_late", Email: mail(n), UpdatedBy: "human:ben"})
	l.change(n, "evt_1", "paused")
	l.quiet()
	if got := l.crm.Status("rec_late"); got != "Paused" || l.about(n).State != status.Resolved {
		t.Errorf("the record holds %q, and the exception is %s", got, l.about(n).State)
	}
}

func TestASweepAsksPeopleAsAPlanDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, more, mode string
		want             map[status.Kind]int
	}{
		{"when it is live", "", "", needing},
		{"when it only watches", "", "    mode: watch\n", needing},
		{"but not when it only counts", ", repair: false", "", map[status.Kind]int{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, storetest.File(t))
			l.needers()
			s := l.sweeps(tt.more, tt.mode)
			l.looksAreOver()
			if got := l.open(); !maps.Equal(got, tt.want) || s.Waiting != 34 || s.Repaired != 0 {
				t.Errorf("open are %v, not %v, after %+v", got, tt.want, s)
			}
			if got := l.crm.Written(); len(got) > 0 {
				t.Errorf("a sweep has written %v", got)
			}
		})
	}
}

// A thousand customers without a record are not a thousand messages.
func TestAPlanOverAThousandUnmatchedCustomersDoesNotFloodSlack(t *testing.T) {
	t.Parallel()
	const customers = 1000
	w := fakeslack.New(t)
	l := newLive(t, storetest.File(t), slackText(w))
	for n := range customers {
		l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", n), Email: mail(n), Status: "active"})
	}
	l.planned()
	if got := l.open(); got[status.Unmatched] != customers {
		t.Fatalf("open are %v", got)
	}
	// The notices are made after the exceptions.
	l.until("everything is told", func() bool {
		untold, err := l.db.UntoldNotices(t.Context())
		return err == nil && len(untold) == 0 && len(w.Messages()) > 0
	})
	if n := len(w.Messages()); n > 30 {
		t.Errorf("Slack got %d messages", n)
	}
}
