package pipeline

import (
	"context"
	"time"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/identity"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

// readTarget looks at what the target holds now.
func (a *attempt) readTarget(ctx context.Context) verdict {
	before := a.dbNotBefore()
	record, err := a.readRecord(ctx)
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			return a.targetGone(ctx, f)
		}
		return a.failed(err, a.To.Name, reason.ReadingRecord)
	}
	if a.outdated(record) && a.patient() && !a.planSaw(record) {
		return a.failed(&connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
			Detail: "the answer is older than what the record was proved to hold"}, a.To.Name, reason.ReadingRecord)
	}
	a.saw(record, before)
	a.did(reason.DidReadTarget, a.To.Name)
	failpoint.Hit("target_read")
	return a.checkKeys(ctx)
}

// checkKeys ends the attempt when the record of a link that a rule found shows
// another customer's match key by now: a person has moved the key, or the
// connection leads to another account. What a person linked stays his word, and
// a key that is nobody else's has merely changed.
func (a *attempt) checkKeys(ctx context.Context) verdict {
	if a.link.By != "rule" && a.link.By != "trueup" {
		return onward
	}
	var foreign []identity.Rule
	for _, r := range a.rules {
		own := a.record.Keys[r.Source]
		if r.Source == "id" {
			own = a.work.Customer
		}
		own, has := r.Normalize(own), r.Normalize(a.target.Keys[r.Target])
		switch {
		case r.Target == "id" || own == "" || has == "":
		case own == has:
			return onward
		default:
			foreign = append(foreign, r)
		}
	}
	for _, r := range foreign {
		other, err := a.Store.OtherCustomer(ctx, a.Config.Name, a.work.Customer, r.Source, r.Normalize(a.target.Keys[r.Target]))
		if err != nil {
			return a.storeFailed(err)
		}
		if other != "" {
			return verdict{end: a.parked(status.BrokenLink, reason.Reason{Code: reason.AnothersKey,
				Facts: reason.Facts{Record: a.link.TargetID, Key: r.Target, Customer: other}})}
		}
	}
	return onward
}

// saw takes a look at the record that began at a time. A second look of the attempt
// that finds what the first one found makes the edit no younger.
func (a *attempt) saw(record status.TargetRecord, before time.Time) {
	same := record.ID == a.target.ID && record.Value == a.target.Value && record.EditedAt.Equal(a.target.EditedAt)
	if a.seenAt.IsZero() || !same {
		a.seenAt = a.dbNotAfter()
	}
	a.target, a.lookedAt = record, before
}

// readRecord reads the record. Its time is cut to what the store keeps, so that what
// was stored of it compares equal.
func (a *attempt) readRecord(ctx context.Context) (status.TargetRecord, error) {
	record, err := a.To.Target.Read(ctx, a.link.TargetID)
	record.EditedAt = record.EditedAt.Truncate(time.Millisecond)
	return record, err
}

// outdated reports whether a record is older than the base: it holds another
// value, and yet was last edited before that was proved. Tools that answer from
// a copy do so for a while after a write; taken for an edit, it would hold the
// customer for nothing. A target whose clock is wrong looks the same, so the
// caller believes it in the end.
func (a *attempt) outdated(record status.TargetRecord) bool {
	b := a.work.Base
	return b.Known && b.RecordID == record.ID && b.Value != record.Value && !record.EditedAt.IsZero() &&
		record.EditedAt.Add(a.Config.Conflict.ClockSkew).Before(b.SeenAt)
}

// planSaw reports whether the plan whose row is carried has seen the record hold
// the same, which no copy does for so long; or an earlier try for the row was
// given the same answer. An application makes no tries by itself.
func (a *attempt) planSaw(record status.TargetRecord) bool {
	return a.row != nil && (a.row.Row.Before == record.Value || a.row.Row.State == store.RowFailed)
}

// brokenLink parks a customer whose record is gone. Another record is not
// looked for: the one that vanished may have been merged, and a guess would
// write to a stranger.
func (a *attempt) brokenLink() *ending {
	a.names(a.link.TargetID)
	e := a.parked(status.BrokenLink, reason.Reason{Code: reason.RecordGone, Facts: reason.Facts{Record: a.link.TargetID, Target: a.To.Name}})
	// A write can find it gone as well. Reading it again is what shows that it
	// is back, however the attempt ends then.
	e.park.Stage = status.StageReadTarget
	return e
}
