package compare

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestARepairLooksAgainOnlyWhereNobodyKnows(t *testing.T) {
	write := pipeline.Outlook{Action: "write"}
	conflict := pipeline.Outlook{Action: "hold", Kind: status.Conflict}
	agrees := pipeline.Outlook{Action: "none", Outcome: status.AlreadyEqual}
	waits := pipeline.Outlook{Action: "hold", Reason: reason.Reason{Code: reason.ChangeWaits, Facts: reason.Facts{Until: time.Unix(7200, 0)}}, Source: status.SourceRecord{Value: "canceled"}}
	now := store.Work{Now: time.Unix(1, 0), Desired: store.Desired{SourceValue: "canceled"}}
	for name, tt := range map[string]struct {
		known store.Snapshot
		found pipeline.Outlook
		want  bool
	}{
		"a change whose time nobody counts":           {store.Snapshot{Work: now}, waits, true},
		"a change that waits for its time already":    {store.Snapshot{Work: now, DueAt: time.Unix(7200, 0)}, waits, false},
		"a change while another one waits":            {store.Snapshot{Work: store.Work{Now: now.Now, Desired: store.Desired{SourceValue: "paused"}}, DueAt: time.Unix(7200, 0)}, waits, true},
		"the target differs":                          {store.Snapshot{}, write, true},
		"it is looked at anyway":                      {store.Snapshot{Work: store.Work{Now: time.Unix(1, 0)}, DueAt: time.Unix(1, 0)}, write, false},
		"it is looked at in an hour":                  {store.Snapshot{Work: store.Work{Now: time.Unix(1, 0)}, DueAt: time.Unix(3601, 0)}, write, true},
		"mass_change has halted its write":            {store.Snapshot{Waits: true}, write, false},
		"a conflict that nobody was told of":          {store.Snapshot{}, conflict, true},
		"a conflict that somebody was told of":        {store.Snapshot{Shown: []status.Kind{status.Conflict}}, conflict, false},
		"both agree":                                  {store.Snapshot{}, agrees, false},
		"both agree, and an exception says otherwise": {store.Snapshot{Work: store.Work{Open: []status.Kind{status.Conflict}}}, agrees, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&run{}).worthALook(&tt.known, tt.found); got != tt.want {
				t.Errorf("worth a look: %v", got)
			}
		})
	}
}

func TestARecordThatNeverAnswersKeepsNobodyElseFromBeingCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, engines["sqlite"](t))
		w.goLive()
		w.sync.To.TargetList = nil
		for n := range 4 {
			id := fmt.Sprint("cus_", n)
			w.customer(id, "active", "Active")
			w.change(id, "active", true)
		}
		w.work()
		w.crm.fail = func(call, arg string) error {
			if call == "read" && arg == "rec_cus_1" {
				return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Status: 500, Detail: "internal error"}
			}
			return nil
		}
		s, err := Run(t.Context(), w.options(store.ForSweep))
		if err != nil || s.Phase != store.PhaseDone || s.Summary.Agree != 3 || s.Summary.Other != 1 {
			t.Errorf("it came to %+v, %v", s, err)
		}
	})
}

// The path and a comparison find a record by a phone number that both tools write
// in their own way, and neither finds one by what is no number.
func TestACustomerIsFoundByAPhoneNumberThatIsWrittenDifferently(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.sync.Config.Match = []config.MatchRule{{Source: "phone", Target: "phone", Confidence: 1, Normalise: identity.Phone}}
		w.goLive()
		for id, phones := range map[string][2]string{"a": {"415.555.1036", "+14155551036"}, "b": {"n/a", "n/a"}} {
			w.billing.records[id] = record{value: "active", at: w.clock(), keys: map[string]string{"phone": phones[0]}}
			w.crm.records["rec_"+id] = record{value: "Active", at: w.clock(), keys: map[string]string{"phone": phones[1]}}
		}
		w.pass(time.Minute)
		if s := w.compare(store.ForPlan); s.Summary.Agree != 1 || s.Summary.UnmatchedSource != 1 {
			t.Errorf("the plan found %+v", s.Summary)
		}
		w.change("a", "paused", true)
		w.work()
		if got := w.crm.records["rec_a"].value; got != "Paused" {
			t.Errorf("the record found by phone holds %s", got)
		}
	})
}
