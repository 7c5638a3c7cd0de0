package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// newPlanned starts a service between two tools that can be listed, and that differ for
// some customers of before.
func newPlanned(t *testing.T, dsn string, customers int, more ...string) *live {
	t.Helper()
	l := newLiveOf(t, dsn, func(billing, crm string) string {
		text := (&live{T: t, dsn: dsn, billing: &resttest.Tool{URL: billing}, crm: &resttest.Tool{URL: crm}}).listing()
		return text + "    first_contact: source_wins\n" + strings.Join(more, "")
	})
	for n := range customers {
		l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", n), Email: mail(n), Status: "canceled"})
		l.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n), Status: "Active", UpdatedBy: "api:other"})
	}
	return l
}

// ask asks the service for a plan, or for one to be applied.
func (l *live) ask(a store.PlanAsk) store.PlanJob {
	l.Helper()
	a.Who = "ana@example.com"
	if a.Hash == "" {
		a.Sync = "customer-status"
	}
	j, err := l.app.AskPlan(l.Context(), a)
	l.must(err)
	return j
}

// ended waits for the end of a job.
func (l *live) ended(id int64) (j store.PlanJob) {
	l.Helper()
	l.until("the job has ended", func() bool {
		var err error
		j, err = l.db.PlanJob(l.Context(), id)
		l.must(err)
		return !j.EndedAt.IsZero()
	})
	return j
}

// made asks for a plan and waits for it.
func (l *live) made() store.PlanJob {
	l.Helper()
	j := l.ended(l.ask(store.PlanAsk{}).ID)
	if j.Outcome != store.JobDone || len(j.Hash) != 64 {
		l.Fatalf("the plan was not made: %+v", j)
	}
	return j
}

func (l *live) refuses(a store.PlanAsk, part string) {
	l.Helper()
	a.Who = "ana@example.com"
	_, err := l.app.AskPlan(l.Context(), a)
	var refused *exceptions.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Why, part) || refused.Hint == "" {
		l.Errorf("it is answered %v, which has no %q", err, part)
	}
}

func allChurned(customers int) (want []string) {
	for n := range customers {
		want = append(want, fmt.Sprintf("rec_%d: Active → Churned", n))
	}
	return slices.Sorted(slices.Values(want))
}

func TestAPlanThatAPersonAskedForIsMadeAndAppliedOnce(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			const customers = 7
			l := newPlanned(t, dsn(t), customers)
			plan := l.made()
			first := l.ask(store.PlanAsk{Hash: plan.Hash, Key: "once"})
			if again := l.ask(store.PlanAsk{Hash: plan.Hash, Key: "once"}); again.ID != first.ID {
				t.Errorf("the repeated request is job %d after %d", again.ID, first.ID)
			}
			done := l.ended(first.ID)
			if done.Outcome != store.JobDone || done.Written != customers || done.Total != customers || done.Refused+done.Failed > 0 {
				t.Errorf("it ended as %+v", done)
			}
			if again := l.ask(store.PlanAsk{Hash: plan.Hash, Key: "once"}); again.ID != first.ID || again.Outcome != store.JobDone {
				t.Errorf("after its end the request is job %+v", again)
			}
			other := l.ended(l.ask(store.PlanAsk{Hash: plan.Hash, Key: "another"}).ID)
			if other.Written != customers || other.Outcome != store.JobDone {
				t.Errorf("asked again it ended as %+v", other)
			}
			if got := slices.Sorted(slices.Values(l.crm.Written())); !slices.Equal(got, allChurned(customers)) {
				t.Errorf("written were %v", got)
			}
			for _, hash := range []string{plan.Hash[:63], strings.Repeat("0", 64)} {
				if _, err := l.app.AskPlan(t.Context(), store.PlanAsk{Hash: hash, Who: "ana"}); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s: %v", hash, err)
				}
			}
			l.made()
			if _, err := l.app.AskPlan(t.Context(), store.PlanAsk{Hash: plan.Hash, Key: "third", Who: "ana@example.com"}); err == nil {
				t.Error("a plan was applied after a newer one")
			}
		})
	}
}

// held lets some writes pass and holds the others until they are let go.
type held struct {
	mu      sync.Mutex
	passes  int
	arrived int
	open    chan struct{}
	once    sync.Once
}

func holding(t *testing.T, passes int) *held {
	h := &held{passes: passes, open: make(chan struct{})}
	t.Cleanup(h.letGo) // or the tool waits for its calls
	return h
}

func (h *held) letGo() { h.once.Do(func() { close(h.open) }) }

func (h *held) answer(_ http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPut {
		return false
	}
	h.mu.Lock()
	h.arrived++
	wait := h.arrived > h.passes
	h.mu.Unlock()
	if wait {
		<-h.open
	}
	return false
}

func (h *held) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.arrived - h.passes
}

func TestAPlanThatIsStoppedKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	const customers = 40
	l := newPlanned(t, storetest.File(t), customers)
	plan := l.made()
	h := holding(t, 3)
	l.crm.Instead(h.answer)
	j := l.ask(store.PlanAsk{Hash: plan.Hash})
	l.until("writes wait", func() bool { return h.waiting() > 0 })
	l.until("it is told how far it is", func() bool {
		now, err := l.db.PlanJob(t.Context(), j.ID)
		return err == nil && now.Written == 3 && now.Total == customers && now.Working
	})
	stopped, changed, err := l.db.StopJob(t.Context(), j.ID, "ben@example.com")
	if err != nil || !changed || !stopped.EndedAt.IsZero() {
		t.Fatalf("it is %+v, %v", stopped, err)
	}
	l.until("it has seen that it is to stop", func() bool {
		now, err := l.db.PlanJob(t.Context(), j.ID)
		return err == nil && now.LeaseUntil.After(stopped.LeaseUntil)
	})
	h.letGo() // the rows in progress end: whoever waits for the tool is not cut off
	done := l.ended(j.ID)
	if done.Outcome != store.JobStopped || done.StoppedBy != "ben@example.com" || done.Written != len(l.crm.Written()) || done.Written < 4 || done.Written >= customers {
		t.Errorf("it ended as %+v with %d written", done, len(l.crm.Written()))
	}
	rest := l.ended(l.ask(store.PlanAsk{Hash: plan.Hash}).ID)
	if rest.Outcome != store.JobDone || rest.Written != customers {
		t.Errorf("the rest ended as %+v", rest)
	}
	if got := slices.Sorted(slices.Values(l.crm.Written())); !slices.Equal(got, allChurned(customers)) {
		t.Errorf("written were %v", got)
	}
}

// Another process finds what was asked for and goes on.
func TestAPlanThatAStopInterruptsIsFinishedByTheNextProcess(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			const customers = 40
			l := newPlanned(t, dsn(t), customers)
			plan := l.made()
			h := holding(t, 3)
			l.crm.Instead(h.answer)
			j := l.ask(store.PlanAsk{Hash: plan.Hash})
			l.until("writes wait", func() bool { return h.waiting() > 0 })
			url, stopping := l.app.URL(), make(chan struct{})
			go func() { defer close(stopping); l.stop(2 * time.Minute) }()
			l.until("it is being stopped", func() bool {
				resp, err := http.Get(url + "/healthz")
				return err != nil || resp.Body.Close() != nil
			})
			h.letGo()
			<-stopping
			left, err := l.db.PlanJob(t.Context(), j.ID)
			l.must(err)
			if !left.EndedAt.IsZero() || left.Working {
				t.Fatalf("it was left as %+v with %d written", left, len(l.crm.Written()))
			}
			l.app = l.node(l.listing() + "    first_contact: source_wins\n")
			if done := l.ended(j.ID); done.Outcome != store.JobDone || done.Written != customers {
				t.Errorf("it ended as %+v", done)
			}
			if got := slices.Sorted(slices.Values(l.crm.Written())); !slices.Equal(got, allChurned(customers)) {
				t.Errorf("written were %v", got)
			}
		})
	}
}

func TestASyncThatWatchesWritesOnlyWhoIsNamedAndPutsItBack(t *testing.T) {
	t.Parallel()
	l := newPlanned(t, storetest.File(t), 12, "    mode: watch\n")
	plan := l.made()
	l.refuses(store.PlanAsk{Hash: plan.Hash}, "mode: watch")
	var many []string
	for n := range 11 {
		many = append(many, fmt.Sprint("cus_", n))
	}
	l.refuses(store.PlanAsk{Hash: plan.Hash, Only: many}, "at most 10")
	l.refuses(store.PlanAsk{Hash: plan.Hash, Only: []string{"cus_1", "cus_99"}}, "writes nothing for cus_99")
	if len(l.crm.Written()) > 0 {
		t.Fatalf("written were %v", l.crm.Written())
	}
	done := l.ended(l.ask(store.PlanAsk{Hash: plan.Hash, Only: []string{"cus_3"}}).ID)
	if done.Outcome != store.JobDone || done.Written != 1 || done.Total != 1 || l.crm.Status("rec_3") != "Churned" {
		t.Errorf("it ended as %+v", done)
	}
	back, err := l.app.Undo(t.Context(), "customer-status", "cus_3", "ana@example.com")
	if err != nil || back.To != "Active" || l.crm.Status("rec_3") != "Active" {
		t.Errorf("it is put back as %+v, %v", back, err)
	}
	var refused *exceptions.RefusedError
	if _, err := l.app.Undo(t.Context(), "customer-status", "cus_3", "ana@example.com"); !errors.As(err, &refused) {
		t.Errorf("twice: %v", err)
	}
	if _, err := l.app.Undo(t.Context(), "customer-status", "cus_99", "ana@example.com"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if want := []string{"rec_3: Active → Churned", "rec_3: Churned → Active"}; !slices.Equal(l.crm.Written(), want) {
		t.Errorf("written were %v", l.crm.Written())
	}
}

func TestAPlanThatCannotBeFinishedSaysWhy(t *testing.T) {
	t.Parallel()
	l := newPlanned(t, storetest.File(t), 12)
	plan := l.made()
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			http.Error(w, `{"error":"no"}`, http.StatusUnauthorized)
			return true
		}
		return false
	})
	done := l.ended(l.ask(store.PlanAsk{Hash: plan.Hash}).ID)
	if done.Outcome != store.JobFailed || done.Failure == "" || strings.Contains(done.Failure, "internal") || done.Written > 0 {
		t.Errorf("it ended as %+v", done)
	}
	l.crm.Instead(nil)
	l.must(l.reloadFrom(t.Context(), l.listing()+"    first_contact: source_wins\n", "paused:  {from: [paused], to: Paused}", "paused:  {from: [paused], to: On hold}"))
	l.refuses(store.PlanAsk{Hash: plan.Hash}, "configuration of the sync has changed")
	next := l.made()
	_, _, err := l.db.PauseSync(t.Context(), "customer-status", "ben@example.com", "importing contacts")
	l.must(err)
	done = l.ended(l.ask(store.PlanAsk{Hash: next.Hash}).ID)
	if done.Outcome != store.JobFailed || !strings.Contains(done.Failure, "paused") || len(l.crm.Written()) > 0 {
		t.Errorf("it ended as %+v", done)
	}
}

// A comparison of the schedule goes first, and the plan of a command is taken.
func TestAPlanWaitsForAnotherComparison(t *testing.T) {
	t.Parallel()
	l := newPlanned(t, storetest.File(t), 3)
	other, err := l.db.BeginSweep(t.Context(), store.Sweep{Sync: "customer-status", Purpose: store.ForSweep, SourceListed: true, TargetListed: true}, time.Minute)
	l.must(err)
	j := l.ask(store.PlanAsk{})
	l.until("it is being made", func() bool {
		now, err := l.db.PlanJob(t.Context(), j.ID)
		return err == nil && now.Working
	})
	l.must(l.db.FailSweep(t.Context(), other, "it is broken"))
	if done := l.ended(j.ID); done.Outcome != store.JobDone {
		t.Errorf("it ended as %+v", done)
	}
}
