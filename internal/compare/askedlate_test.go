package compare

import (
	"context"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

type merging struct{ crm }

func (m merging) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	r, err := m.crm.Read(ctx, id)
	if err != nil && id == "rec_a" {
		return r, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Survivor: "rec_s", Detail: "merged"}
	}
	return r, err
}

func TestAMergeIsFollowed(t *testing.T) {
	w := newWorld(t, storetest.File(t))
	w.goLive()
	w.settled("a")
	w.sync.To.Target = merging{crm{w.crm}}
	w.crm.records["rec_s"] = w.crm.records["rec_a"]
	delete(w.crm.records, "rec_a")
	w.pass(time.Minute)
	s := w.compare(store.ForPlan)
	if s.Summary.Agree != 1 || s.Drift.DeletedRecord != 0 {
		t.Errorf("it is %+v, rows %+v", s.Summary, w.rows(s))
	}
}

func TestASourceThatCannotListIsMatchedByWhatItSays(t *testing.T) {
	w := newWorld(t, storetest.File(t))
	w.goLive()
	w.customer("a", "active", "-")
	w.change("a", "active", true)
	w.pass(time.Minute)
	w.work() // unmatched, and looked for again in three minutes
	w.customer("a", "active", "Active")
	w.pass(time.Minute)
	w.sync.From.SourceList = nil
	s := w.compare(store.ForSweep)
	if s.Summary.UnmatchedSource != 0 || s.Summary.Agree != 1 || s.Repaired != 1 {
		t.Errorf("it is %+v, repaired %d", s.Summary, s.Repaired)
	}
}
