package app

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/ratelimit"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestWhatAToolSaidOfItsDayIsNotedForTheCommands(t *testing.T) {
	t.Parallel()
	// One clock for the gates and the database: by a real one, two notes may have the
	// same millisecond, of which only the first counts.
	now := time.Now()
	clock := func() time.Time { return now }
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	gate := func(name string) *ratelimit.Gate {
		return ratelimit.New(ratelimit.Options{Connection: name, Now: clock})
	}
	a := &App{store: db}
	gates := map[string]*ratelimit.Gate{"crm": gate("crm"), "silent": gate("silent")}
	a.wiring.Store(&wiring{conns: &connections{gates: gates}})
	left := func() int {
		t.Helper()
		if err := a.saveBudgets(t.Context()); err != nil {
			t.Fatal(err)
		}
		states, err := db.ConnectionStates(t.Context())
		if err != nil || len(states) > 1 {
			t.Fatal(states, err)
		}
		return states["crm"].BudgetLeft
	}
	gates["crm"].Remaining(900, 1000)
	if got := left(); got != 900 {
		t.Errorf("%d are left", got)
	}
	now = now.Add(10 * time.Second)
	gates["crm"].Remaining(890, 1000)
	if got := left(); got != 890 {
		t.Errorf("%d are left", got)
	}
	// What was said long ago is noted already, by whoever heard it.
	gates["crm"].Remaining(1, 1000)
	now = now.Add(time.Hour)
	if got := left(); got != 890 {
		t.Errorf("%d are left", got)
	}
}
