package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// decide asks the pure function and ends the attempt unless it says to write.
func (a *attempt) decide(ctx context.Context) verdict {
	f := a.facts()
	a.decision = decide.Decide(f)
	if _, ours := f.Explained(); ours {
		for _, i := range a.work.Intents {
			if i.RecordID == a.target.ID && (i.Value == a.target.Value || respelling(i.Value, a.target.Value)) && !i.Seen {
				a.seen = append(a.seen, i.ID) // it has arrived: the next one to set the value is someone else
			}
		}
	}
	failpoint.Hit("decided")
	d := a.decision
	if v := a.settledByLook(); v.end != nil {
		return v
	}
	if p := a.work.Pin; p != nil && d.Action != decide.None {
		return verdict{end: a.pinned(*p)}
	}
	switch d.Action {
	case decide.None:
		if v := a.wroteOver(ctx); v.end != nil {
			return v
		}
		return end(ending{outcome: status.AlreadyEqual, action: string(d.Action), reason: reason.Reason{Code: d.Reason}, base: a.seenBase()})
	case decide.Write:
		// Only a comparison asked for this customer: people may be asked, but the write waits for the plan.
		if a.work.Unheard && a.row == nil {
			if e := a.heldByTransition(); e != nil && e.park != nil && !a.watching() {
				return verdict{end: e}
			}
			return end(ending{outcome: status.Ignored, action: actionNone,
				reason: reason.Reason{Code: reason.WaitsForPlan, Facts: reason.Facts{Value: a.desired.Value}}})
		}
		if a.watching() && !a.trial() {
			f := reason.Facts{Value: a.desired.Value, Sync: a.Config.Name, Kept: a.work.Owed}
			return end(ending{outcome: status.WouldWrite, action: string(d.Action), reason: reason.Because(reason.OnlyWatched, f, reason.Reason{Code: d.Reason})})
		}
		if v := a.endUnlessPlanned(); v.end != nil {
			return v
		}
		if e := a.refusedByHistory(); e != nil {
			return verdict{end: e}
		}
		if e := a.heldByTransition(); e != nil {
			return verdict{end: e}
		}
		return onward
	}
	if d.Kind == "" { // the owner was asked and has answered
		return end(ending{outcome: status.Held, action: string(d.Action), reason: reason.Reason{Code: d.Reason}})
	}
	why := reason.Reason{Code: d.Reason}
	if d.Kind == status.Conflict {
		why.Facts = a.bothTimes()
	}
	e := a.parked(d.Kind, why)
	e.action = string(d.Action)
	e.park.Confidence = d.Confidence
	if d.Kind == status.Conflict {
		e.outcome = status.Held
	}
	return verdict{end: e}
}

// bothTimes is when the source and the target were changed, as far as it is
// known.
func (a *attempt) bothTimes() reason.Facts {
	f := reason.Facts{Source: a.From.Name, Target: a.To.Name, Value: a.desired.SourceValue, At: a.desired.At,
		Earliest: a.source.ValueAt.IsZero(), Person: a.target.Actor == status.ActorHuman}
	f.From, f.To = a.facts().PersonsEdit()
	return f
}

// facts gathers what the decision is made from.
func (a *attempt) facts() decide.Facts {
	f := decide.Facts{
		Desired:  decide.Desired{Value: a.desired.Value, At: a.desired.At},
		Observed: a.observed(),
		HumanAt:  a.work.HumanAt,
		Policy: decide.Policy{
			FirstContactSourceWins: a.Config.FirstContact == config.SourceWins,
			ClockSkew:              a.Config.Conflict.ClockSkew,
			SkipAutomation:         a.Config.Conflict.AutomationEdits == config.AutomationSkip,
		},
	}
	if r := a.ruling(); r.Kind != "" {
		f.Ruling = asFact(r)
	}
	// A base is about one record: after the link was changed it says nothing.
	if b := a.work.Base; b.Known && b.RecordID == a.target.ID {
		f.Base = decide.Base{Known: true, Value: b.Value, At: b.At, By: b.By, SeenAt: b.SeenAt}
		if b.By == byUs && b.At.IsZero() { // proved by the answer to our write, and not read since
			f.Base.Wrote = b.SeenAt
		}
	}
	f.HumanSeen = a.sameRecord() && !a.work.HumanAt.Before(a.work.Link.At)
	f.Cleared = !f.Base.Known && a.target.Value == "" && (a.clearedNow() || f.HumanSeen ||
		slices.Contains(a.work.Former, a.target.ID)) // also after the link was removed and made again: the edit still counts
	for _, i := range a.work.Intents {
		if i.RecordID == a.target.ID {
			for _, value := range a.traces(i) {
				f.Intents = append(f.Intents, decide.Intent{ID: i.ID, Value: value, SentAt: i.SentAt, Expires: i.Expires,
					Prior: i.Prior, PriorAt: i.PriorAt, Seen: a.foundBefore(i)})
			}
		}
	}
	return f
}

// observed is what the target was found to hold.
func (a *attempt) observed() decide.Observed {
	o := decide.Observed{Value: a.target.Value, EditedAt: a.target.EditedAt, FieldTime: a.target.FieldTime,
		Actor: a.target.Actor, By: a.target.By, SeenAt: a.firstSeen()}
	switch before, looked := a.lookBefore(); {
	case looked && before.Value == o.Value:
		o.Again, o.Before = true, before.At
	case looked:
		o.Since = before.SeenAt
	}
	return o
}

func asFact(r store.Ruling) decide.Ruling {
	return decide.Ruling{UseSource: r.Kind == store.RuledForSource, KeepTarget: r.Kind == store.RuledForTarget, Undone: r.Kind == store.RuledByUndo, Desired: r.Desired, Observed: r.Observed,
		RecordAt: r.RecordAt, At: r.At}
}

// ruling is the owner's decision, zero when there is none or its time is over.
func (a *attempt) ruling() store.Ruling {
	r := a.work.Ruling
	if !r.Until.IsZero() && !a.dbLatest().Before(r.Until) {
		return store.Ruling{}
	}
	return r
}

// rulingDone is when the ruling was made that this attempt has used up, zero for none: its value is
// written, or the source has changed since. It must not apply to later edits.
func (a *attempt) rulingDone(e *ending) time.Time {
	r := a.work.Ruling
	switch {
	case r.Kind == "":
	case e.outcome == status.Applied, e.outcome == status.AlreadyEqual,
		a.desired.Value != "" && a.desired.Value != r.Desired,
		a.ruling().Kind == "",
		// The ruling was about an earlier change. A person must be able to give the same answer
		// again.
		e.park != nil && e.park.Kind == status.ConfirmChange,
		// The record has changed since the owner saw it. The ruling must not apply later, when the
		// record happens to look the same again.
		r.Kind == store.RuledForSource && !a.seenAt.IsZero() && !asFact(r).Stands(a.observed()):
		return r.At
	}
	return time.Time{}
}

// traces are the values that show a write of ours: its value, the target's spelling of it, and, if
// the target writes in several calls, the values in between. A spelling that was there before counts
// if the record was edited since and the value is still wanted: then nothing is written over it, and
// observedNow notes that it may be a person's edit as well.
func (a *attempt) traces(i store.Intent) []string {
	values := []string{i.Value}
	if steps, ok := a.To.Target.(connector.Stepwise); ok {
		values = append(values, steps.Between(i.Prior, i.Value)...)
	}
	again := i.Value == a.desired.Value && !i.PriorAt.IsZero() && a.target.EditedAt.After(i.PriorAt)
	if respelling(a.target.Value, i.Value) && (a.target.Value != i.Prior || again) {
		values = append(values, a.target.Value)
	}
	return values
}

// foundBefore reports whether an earlier read found this write's value. A settled attempt marks
// that (Seen). Otherwise a later intent shows it: its Prior is that value, even if its attempt was
// never settled. That counts only if the record was edited since.
func (a *attempt) foundBefore(i store.Intent) bool {
	return i.Seen || slices.ContainsFunc(a.work.Intents, func(later store.Intent) bool {
		return later.ID > i.ID && later.RecordID == i.RecordID && later.Prior != i.Prior && (later.Prior == i.Value || respelling(later.Prior, i.Value)) &&
			!later.PriorAt.IsZero() && a.target.EditedAt.After(later.PriorAt)
	})
}

// seenBase is the base of a record that was read (invariant 3): its value with the editor that the
// target names, who need not be us. A value that was the base already keeps its editor and time,
// unless the field has a time of its own.
func (a *attempt) seenBase() *store.Base {
	b := store.Base{Known: true, RecordID: a.target.ID, Status: a.mapping.Target(a.target.Value), Value: a.target.Value,
		By: a.target.By, At: a.target.EditedAt, SeenAt: a.lookedAt}
	if was := a.work.Base; was.Known && was.RecordID == b.RecordID && was.Value == b.Value && !a.target.FieldTime {
		b.By = was.By
		if !was.At.IsZero() {
			b.At = was.At
		}
	}
	return &b
}

// clearedNow reports whether the previous read of the customer's record found the field filled, and
// this one finds it empty. Later attempts learn it from HumanAt.
func (a *attempt) clearedNow() bool {
	before, looked := a.lookBefore()
	return looked && a.target.Value == "" && before.Value != ""
}

// lookBefore is what the previous read found, if it was of this record.
func (a *attempt) lookBefore() (o store.Observed, looked bool) {
	if !a.before.SeenAt.IsZero() {
		return a.before, true
	}
	o = a.work.Observed
	return o, a.sameRecord() && !o.SeenAt.IsZero() && !o.SeenAt.Before(a.work.Link.At)
}

// sameRecord reports whether the record is the one that was the customer's at the claim: what we
// know of that record does not apply to the survivor of a merge.
func (a *attempt) sameRecord() bool {
	return a.work.Link != nil && a.link != nil && a.work.Link.TargetID == a.link.TargetID
}

// firstSeen is since when the record has been seen as it is: a read that finds the same value and
// the same edit time does not make the edit younger.
func (a *attempt) firstSeen() time.Time {
	if before, looked := a.lookBefore(); looked && before.Value == a.target.Value && before.At.Equal(a.target.EditedAt) {
		return before.SeenAt
	}
	return a.seenAt
}
