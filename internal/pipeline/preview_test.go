package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// judged asks the judge about a customer as everything stands now.
func (w *world) judged(customer string) Outlook {
	w.Helper()
	ctx := context.Background()
	known, err := w.db.Snapshots(ctx, syncName, []string{customer})
	if err != nil {
		w.Fatal(err)
	}
	s := Subject{Work: &known[customer].Work, Source: w.f.From.Source, Target: w.crm, SourceAt: w.clock.now(),
		TargetAt: func(string) time.Time { return w.clock.now() },
		Owner: func(_ context.Context, targetID string) (string, error) {
			links, err := w.db.Links(ctx, syncName)
			for _, l := range links {
				if l.TargetID == targetID {
					return l.Customer, err
				}
			}
			return "", err
		}}
	return NewPreview(w.f.Sync, w.db).Of(ctx, s)
}

// compared carries what is due, one customer at a time, and before each asks
// the judge: it must say what then happens.
func (w *world) compared(t *rapid.T) (carried int) {
	ctx := context.Background()
	for {
		due, err := w.db.NextDue(ctx, syncName)
		if err != nil {
			w.Fatal(err)
		}
		if rest, err := w.f.rest(ctx); err != nil || rest > 0 || due.IsZero() || due.After(w.clock.now()) {
			return carried
		}
		fail := w.crm.fail
		w.crm.fail = nil
		said, writes := w.judged("cus_1"), len(w.crm.writes)
		w.crm.fail = fail
		if len(w.crm.writes) != writes {
			t.Fatal("the judge wrote")
		}
		works, at, err := w.f.claim(ctx, 1)
		if err != nil || len(works) != 1 {
			w.Fatalf("claimed %d, %v", len(works), err)
		}
		w.f.carry(ctx, &works[0], at)
		if fail != nil {
			continue // a call that fails is no fact the judge has
		}
		history, err := w.db.History(ctx, syncName, "cus_1", 1)
		if err != nil || len(history) != 1 {
			w.Fatalf("the history has %d, %v", len(history), err)
		}
		d := history[0]
		carried++
		type line struct {
			action, desired, observed, target string
			row                               int
			kind                              status.Kind
			outcome                           status.Outcome
		}
		live := line{d.Action, d.Desired, d.Observed, d.TargetID, d.Row, d.Kind, d.Outcome}
		if d.Reason.Code == reason.WroteOver {
			live.kind = "" // a question about a write of before: the preview looks ahead
		}
		judge := line{said.Action, said.Desired.Value, said.Target.Value, said.TargetID(), said.Row, said.Kind, said.Outcome}
		if judge.action == "write" {
			judge.outcome = status.Applied
		}
		if live != judge {
			t.Fatalf("the judge said %+v (%s), and the path did %+v (%s)", judge, said.Reason, live, d.Reason)
		}
	}
}

func TestTheJudgeSaysWhatThePathDoes(t *testing.T) {
	carried := 0
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{doubtful: map[string]time.Time{}, world: newWorld(t, func(w *world) {
			w.quiet = true
			w.cannotAsk = rapid.Bool().Draw(rt, "the source cannot be asked")
			w.crm.conditional = rapid.Bool().Draw(rt, "conditional writes")
			w.crm.fieldTime = rapid.Bool().Draw(rt, "the field has its own time")
			w.crm.actor = rapid.Bool().Draw(rt, "the editor is known")
			w.crm.times = rapid.Bool().Draw(rt, "edits have times")
		})}
		m.customer("cus_1", "active", rapid.SampledFrom([]string{"", "Active", "Churned"}).Draw(rt, "the target holds"))
		m.tell("active")
		rt.Repeat(map[string]func(*rapid.T){
			"the source changes": func(t *rapid.T) {
				m.tell(rapid.SampledFrom(append([]string{"gold", "incomplete"}, sourceValues...)).Draw(t, "value"))
				if rapid.Bool().Draw(t, "its event arrives at once") {
					m.deliver(m.waiting...)
					m.waiting = nil
				}
			},
			"an event arrives": func(*rapid.T) {
				if len(m.waiting) > 0 {
					m.deliver(m.waiting[0])
					m.waiting = m.waiting[1:]
				}
			},
			"somebody edits": func(t *rapid.T) {
				m.pass(time.Minute)
				m.crm.edit("rec_cus_1", rapid.SampledFrom([]string{"", "Active", "Paused", "Churned"}).Draw(t, "to"),
					rapid.SampledFrom([]status.Actor{status.ActorHuman, status.ActorAutomation, status.ActorUnknown}).Draw(t, "who"))
				m.pass(time.Minute)
			},
			"a twin appears": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "how often") == 0 {
					m.crm.records["rec_twin"] = &record{value: "Active", editedAt: m.clock.now(), keys: keysOf("cus_1")}
				}
			},
			"the owner rules": func(t *rapid.T) {
				open, err := m.db.Exceptions(context.Background(), store.ExceptionFilter{States: []status.State{status.Open}})
				if err != nil {
					m.Fatal(err)
				}
				for _, x := range open {
					verb := rapid.SampledFrom([]store.Verb{store.UseSource, store.KeepTarget, store.Retry}).Draw(t, "verb")
					_, err := m.db.Act(context.Background(), store.Act{Exception: x.ID, Verb: verb, Who: "ana", Saw: x.TargetValue})
					if err != nil && !errors.Is(err, store.ErrChanged) && !errors.Is(err, store.ErrNotFound) {
						m.Fatal(err)
					}
				}
			},
			"time passes":  func(t *rapid.T) { m.pass(time.Duration(rapid.IntRange(1, 4000).Draw(t, "seconds")) * time.Second) },
			"a call fails": func(t *rapid.T) { m.trouble(t) },
			"": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "the path works") {
					carried += m.compared(t)
					m.crm.fail = nil
				}
			},
		})
		m.crm.fail = nil
		carried += m.compared(rt)
	})
	if carried < 100 {
		t.Errorf("only %d attempts were compared", carried)
	}
}

func TestTheJudgeKnowsWhoseARecordIs(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "Paused")
	w.customer("cus_2", "active", "Paused")
	w.crm.records["rec_cus_2"].keys = keysOf("nobody")
	w.crm.records["rec_cus_1"].keys = keysOf("cus_2")
	w.carry("cus_2", "paused")
	w.billing.records["cus_1"].keys = keysOf("cus_2")
	j := w.judged("cus_1")
	if j.Kind != status.DuplicateLink || j.Link != nil || !slices.ContainsFunc(j.Candidates, func(c status.Candidate) bool { return c.TargetID == "rec_cus_1" }) {
		t.Errorf("it says %+v", j)
	}
	if links, err := w.db.Links(t.Context(), syncName); err != nil || len(links) != 1 {
		t.Errorf("the links are %v, %v", links, err)
	}
}
