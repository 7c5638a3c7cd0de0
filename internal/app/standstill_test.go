package app

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestPeopleAreToldOfAQueueThatStands(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Work: true, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := config.Sync{Name: "customer-status", Owners: map[string]string{"default": "ops@example.com"}}
	s.Source.Connection, s.Target.Connection = "billing", "crm"
	w := &queueWatch{sync: s, db: db, told: true}
	open := func() string {
		t.Helper()
		must(w.check(t.Context()))
		found, err := db.Exceptions(t.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
		must(err)
		if len(found) == 0 {
			return ""
		}
		return found[0].LastAction + ": " + found[0].Reason.Sentence()
	}
	event := func(id, customer string) {
		t.Helper()
		_, err := db.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: s.Name, Side: store.SourceSide, ID: id, Customer: customer}})
		must(err)
	}
	settle := func() {
		t.Helper()
		works, err := db.Claim(t.Context(), s.Name, 1, time.Minute)
		must(err)
		must(db.Settle(t.Context(), &works[0], store.Settlement{Outcome: status.Applied}))
	}
	for n, customer := range []string{"cus_1", "cus_2", "cus_3"} {
		event("evt_"+string(rune('1'+n)), customer)
	}
	if got := open(); got != "" {
		t.Errorf("nobody waits for long, and open is %s", got)
	}
	clock.Move(standstill)
	settle()
	if got := open(); got != "" {
		t.Errorf("a long queue that moves: open is %s", got)
	}
	clock.Move(standstill + time.Second)
	must(db.Rest(t.Context(), "crm", clock.Now().Add(time.Hour)))
	if got := open(); !strings.Contains(got, "2 customers wait") || !strings.Contains(got, "crm rests until") {
		t.Errorf("open is %q", got)
	}
	settle()
	if got := open(); got != "" {
		t.Errorf("it moves again, and open is %s", got)
	}
	// A poll that fails says why by itself, and is not covered up.
	_, err = db.OpenException(t.Context(), store.NewException{Sync: s.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: reason.Text("down"), LastAction: "asked for changes"})
	must(err)
	clock.Move(standstill + time.Second)
	if got := open(); got != "asked for changes: down" {
		t.Errorf("open is %s", got)
	}
	// What a sweep has left that is not made any more is closed by whoever starts.
	_, err = db.OpenException(t.Context(), store.NewException{Sync: s.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: reason.Text("down"), LastAction: comparing})
	must(err)
	must(closeLeft(t.Context(), &config.Config{Syncs: map[string]config.Sync{s.Name: s}}, db))
	settle()
	if got := open(); got != "asked for changes: down" { // which goes on
		t.Errorf("open is %s", got)
	}
}
