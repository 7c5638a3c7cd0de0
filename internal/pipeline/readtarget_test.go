package pipeline

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// An answer counts as outdated only when its edit is older than the proof by
// more than the clocks may differ.
func TestAnAnswerOlderThanTheProofIsOutdated(t *testing.T) {
	const skew, tick = 2 * time.Second, time.Millisecond
	proved := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	base := store.Base{Known: true, RecordID: "r1", Value: "Paused", SeenAt: proved}
	another := func(edit time.Time) status.TargetRecord {
		return status.TargetRecord{ID: "r1", Value: "Active", EditedAt: edit}
	}
	with := func(r status.TargetRecord, change func(*status.TargetRecord)) status.TargetRecord {
		change(&r)
		return r
	}
	before := another(proved.Add(-time.Hour))
	for name, tt := range map[string]struct {
		base   store.Base
		record status.TargetRecord
		want   bool
	}{
		"an edit before the proof by exactly the skew may be newer":  {base, another(proved.Add(-skew)), false},
		"an edit before the proof by more than the skew is older":    {base, another(proved.Add(-skew - tick)), true},
		"an edit after the proof is newer":                           {base, another(proved.Add(time.Hour)), false},
		"an old record that holds the proved value is not outdated":  {base, with(before, func(r *status.TargetRecord) { r.Value = "Paused" }), false},
		"another record says nothing about the proof":                {base, with(before, func(r *status.TargetRecord) { r.ID = "r2" }), false},
		"a record that does not say when it was edited may be newer": {base, with(before, func(r *status.TargetRecord) { r.EditedAt = time.Time{} }), false},
		"without a proof nothing is outdated":                        {store.Base{RecordID: "r1", Value: "Paused", SeenAt: proved}, before, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &attempt{work: &store.Work{Base: tt.base},
				flow: &flow{Sync: Sync{Config: config.Sync{Conflict: config.ConflictRule{ClockSkew: skew}}}}}
			if got := a.outdated(tt.record); got != tt.want {
				t.Errorf("outdated is %t, want %t", got, tt.want)
			}
		})
	}
}

// The read after a write may be of a copy from before the write before it. What it
// shows is nobody's edit, and the write is seen when the copy has caught up.
func TestAReadAfterAWriteFromAnOldCopyIsNobodysEdit(t *testing.T) {
	for name, answered := range map[string]bool{"the write is answered": true, "the write has no answer": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "Active")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			before := w.crm.view("rec_cus_1")
			w.carry("cus_1", "paused")
			w.pass(time.Minute)
			w.crm.fail = func(call, id, _ string) error {
				switch {
				case call == "write" && !answered:
					w.crm.records[id].value, w.crm.records[id].editedAt, w.crm.records[id].actor = "Churned", w.clock.now(), status.ActorUs
					w.crm.records[id].revision++
					fallthrough
				case call == "write":
					w.crm.stale = map[string]status.TargetRecord{id: before}
					if !answered {
						return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "no answer"}
					}
				}
				return nil
			}
			w.deliver(w.change("cus_1", "canceled"))
			w.work()
			w.crm.fail, w.crm.stale = nil, nil
			if c := w.stored("cus_1"); c.HumanAt.After(before.EditedAt) {
				t.Errorf("somebody is said to have edited it at %s", c.HumanAt)
			}
			w.deliver(w.change("cus_1", "paused"))
			w.finish()
			w.holds("cus_1", "Paused")
			if open := w.open(); len(open) > 0 {
				t.Errorf("open are %v", open)
			}
		})
	}
}
