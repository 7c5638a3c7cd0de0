package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// The event about another field overtakes the one about the status, and a person
// has edited the record in between: whoever looks sees what was there and by whom.
func TestALateEventThatProvesAWriteOverANewerEditIsTold(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			now := time.Now()
			l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "canceled"})
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), Status: "Paused", UpdatedBy: "human:ben", UpdatedAt: now.Add(-time.Minute)})
			l.tell("phone", "cus_1", "canceled", now.Add(-30*time.Second))
			l.until("it is written", func() bool { return l.crm.Status("rec_1") == "Churned" && l.outcome(1) == status.Applied })
			l.tell("status", "cus_1", "canceled", now.Add(-90*time.Second))
			open := func() []store.Exception {
				found, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.Conflict, States: []status.State{status.Open}})
				l.must(err)
				return found
			}
			l.until("it is told", func() bool { return len(open()) == 1 })
			x := open()[0]
			if !strings.Contains(x.Reason.Sentence(), "Trueup wrote Churned over Paused") || x.TargetValue != "Churned" || x.SourceValue != "canceled" {
				t.Errorf("it says %+v", x)
			}
			history, err := l.db.History(t.Context(), "customer-status", "cus_1", 10)
			l.must(err)
			if i := slices.IndexFunc(history, func(d store.Decision) bool { return d.Outcome == status.Applied }); i < 0 || history[i].Observed != "Paused" || history[i].By != "human:ben" {
				t.Errorf("the history does not tell what was there and by whom: %+v", history)
			}
			if got := l.crm.Written(); len(got) != 1 {
				t.Errorf("written was %v", got)
			}
		})
	}
}
