package overview

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onBothEngines runs a test on an empty database of each engine, with a clock
// that it may move.
func onBothEngines(t *testing.T, test func(t *testing.T, db *store.DB, clock *storetest.Clock)) {
	for engine, dsn := range map[string]func(testing.TB) string{
		"sqlite":   storetest.File,
		"postgres": storetest.Schema,
	} {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			db, err := store.Open(t.Context(), store.Options{DSN: dsn(t), Migrate: true, Now: clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			test(t, db, clock)
		})
	}
}

var cfg = &config.Config{
	Connections: map[string]config.Connection{"billing": {Name: "billing", Type: "stripe"},
		"crm": {Name: "crm", Type: "http", RateLimit: &config.RateLimit{Requests: 100, Per: 10 * time.Second}}},
	Syncs: map[string]config.Sync{"s": {Name: "s", Mode: config.ModeLive, RemindAfter: time.Hour,
		Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"}}},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatNeedsAPersonIsSaid(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		needs := func() []string {
			t.Helper()
			s, err := Status(ctx, db, cfg)
			must(t, err)
			return s.NeedsPerson
		}
		if got := needs(); len(got) > 0 {
			t.Errorf("with nothing done: %q", got)
		}
		heard := clock.Now()
		_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_1", Customer: "cus_1"}})
		must(t, err)
		_, err = db.BeginSilence(ctx, "s", heard, time.Hour)
		must(t, err)
		id, err := db.OpenException(ctx, store.NewException{Sync: "s", Customer: "cus_1", Kind: status.Unmatched, Stage: status.StageMatch, Reason: reason.Text("x")})
		must(t, err)
		if diff := cmp.Diff([]string{"s: 1 customer (1 open exception)", "s: billing has gone silent"}, needs()); diff != "" {
			t.Error(diff)
		}
		clock.Move(2 * time.Hour)
		if diff := cmp.Diff([]string{"s: 1 customer (1 open exception, 1 overdue)", "s: billing has gone silent"}, needs()); diff != "" {
			t.Error(diff)
		}
		// The source speaks again: nobody needs to have noticed that yet.
		_, err = db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_2", Customer: "cus_1"}})
		must(t, err)
		_, err = db.Act(ctx, store.Act{Exception: id, Verb: store.Resolve, Who: "ana"})
		must(t, err)
		if got := needs(); len(got) > 0 {
			t.Errorf("with all of it done: %q", got)
		}
	})
}

func TestASyncThatNeedsAPersonItselfIsNotCountedAsACustomer(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		ctx := t.Context()
		said := func(want string) {
			t.Helper()
			s, err := Status(ctx, db, cfg)
			must(t, err)
			if diff := cmp.Diff([]string{want}, s.NeedsPerson); diff != "" {
				t.Error(diff)
			}
		}
		_, err := db.OpenException(ctx, store.NewException{Sync: "s", Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: reason.Text("x")})
		must(t, err)
		said("s: the sync itself (1 open exception)")
		for _, kind := range []status.Kind{status.Conflict, status.WriteFailed} {
			_, err = db.OpenException(ctx, store.NewException{Sync: "s", Customer: "cus_1", Kind: kind, Stage: status.StageWrite, Reason: reason.Text("x")})
			must(t, err)
		}
		said("s: 1 customer and the sync itself (3 open exceptions)")
		asked, err := db.Asked(ctx)
		must(t, err)
		if diff := cmp.Diff(map[string]store.Asked{"s": {Customers: 1, Whole: 1}}, asked); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhoIsNotCheckedYetSinceAComparisonIsSaid(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		_, err := db.OpenException(ctx, store.NewException{Sync: "s", Customer: "cus_9", Kind: status.Unmatched, Stage: status.StageMatch, Reason: reason.Text("x")})
		must(t, err)
		w, err := db.BeginSweep(ctx, store.Sweep{Sync: "s", Purpose: store.ForPlan, SourceListed: true, TargetListed: true}, time.Minute)
		must(t, err)
		w.Phase = store.PhaseDone
		_, err = db.SaveSweep(ctx, w, store.SweepPart{Ask: map[string]int64{"cus_1": 0, "cus_2": 0}}, time.Minute)
		must(t, err)
		s, err := Status(ctx, db, cfg)
		must(t, err)
		if diff := cmp.Diff([]string{"s: 3 customers (1 open exception, 2 found by the comparison of 2026-03-01 09:00Z, not checked yet)"}, s.NeedsPerson); diff != "" {
			t.Error(diff)
		}
		works, err := db.Claim(ctx, "s", 10, time.Minute)
		must(t, err)
		for i := range works {
			must(t, db.Settle(ctx, &works[i], store.Settlement{Outcome: status.Ignored}))
		}
		s, err = Status(ctx, db, cfg)
		must(t, err)
		if diff := cmp.Diff([]string{"s: 1 customer (1 open exception)"}, s.NeedsPerson); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAConnectionSaysWhatIsLeftAndUntilWhenItRests(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		states := func() []contract.ConnectionState {
			t.Helper()
			s, err := Status(ctx, db, cfg)
			must(t, err)
			return s.Connections
		}
		idle := []contract.ConnectionState{{Connection: "billing", Type: "stripe"},
			{Connection: "crm", Type: "http", Rate: &contract.Rate{Requests: 100, PerSeconds: 10, Free: 100}}}
		if diff := cmp.Diff(idle, states()); diff != "" {
			t.Errorf("never used: %s", diff)
		}
		until := clock.Now().Add(time.Minute)
		must(t, db.Rest(ctx, "billing", until))
		_, _, _, err := db.Reserve(ctx, "crm", 30, 100, 10*time.Second)
		must(t, err)
		must(t, db.SaveBudget(ctx, "crm", 900, 1000, 0))
		told := clock.Now()
		want := []contract.ConnectionState{{Connection: "billing", Type: "stripe", RestsUntil: &until},
			{Connection: "crm", Type: "http", Rate: &contract.Rate{Requests: 100, PerSeconds: 10, Free: 70}, Budget: &contract.Budget{Left: 900, Limit: 1000, At: &told}}}
		if diff := cmp.Diff(want, states()); diff != "" {
			t.Error(diff)
		}
		clock.Move(2 * time.Minute)
		idle[1].Budget = want[1].Budget
		if diff := cmp.Diff(idle, states()); diff != "" {
			t.Errorf("later: %s", diff)
		}
	})
}

func TestAProcessThatSaysNothingAnyMoreDoesNotWork(t *testing.T) {
	onBothEngines(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		_, err := db.EnterNode(t.Context(), "host:8080", "v1")
		must(t, err)
		for after, works := range map[time.Duration]bool{0: true, 3 * SeenEvery: true, 3*SeenEvery + time.Second: false} {
			began := clock.Now()
			clock.Move(after)
			s, err := Status(t.Context(), db, cfg)
			must(t, err)
			if len(s.Nodes) != 1 || s.Nodes[0].Working != works {
				t.Errorf("after %s: %+v", after, s.Nodes)
			}
			clock.Move(began.Sub(clock.Now()))
		}
	})
}

func TestAWordThatTheTargetDoesNotListIsNamedOnce(t *testing.T) {
	c := config.Sync{Statuses: map[status.Status]config.StatusMap{"active": {To: "Active"}, "paused": {To: "Paused"}, "churned": {To: "Gone"}, "lost": {To: "Gone"}}}
	for name, tt := range map[string]struct {
		options []string
		want    []string
	}{
		"nobody knows the options":       {nil, []string{}},
		"the field has none":             {[]string{}, []string{"Active", "Gone", "Paused"}},
		"letter case counts":             {[]string{"active", "Paused", "Gone"}, []string{"Active"}},
		"each is an option, and another": {[]string{"Active", "Paused", "Gone", "VIP"}, []string{}},
	} {
		if diff := cmp.Diff(tt.want, NoOption(c, tt.options)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
