package pipeline

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// readTarget reads what the target holds now.
func (a *attempt) readTarget(ctx context.Context) verdict {
	began := a.dbEarliest()
	record, err := a.readTargetRecord(ctx)
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
	a.saw(record, began)
	a.did(reason.DidReadTarget, a.To.Name)
	failpoint.Hit("target_read")
	return a.checkKeys(ctx)
}

// checkKeys ends the attempt if the record of a link that a rule found now shows another customer's
// match key: a person has moved the key, or the connection reaches another account. A link made by
// a person stays, and a key that belongs to no other customer has merely changed.
func (a *attempt) checkKeys(ctx context.Context) verdict {
	if a.link.By != "rule" && a.link.By != "trueup" {
		return onward
	}
	var foreign []identity.Rule
	for _, r := range a.rules {
		own := a.source.Keys[r.Source]
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

// saw notes a read of the record and when it began. A second read that finds the same keeps the
// edit's age; one that finds another value has seen an edit happen.
func (a *attempt) saw(record status.TargetRecord, began time.Time) {
	same := record.ID == a.target.ID && record.Value == a.target.Value && record.EditedAt.Equal(a.target.EditedAt)
	if !a.seenAt.IsZero() && record.ID == a.target.ID && record.Value != a.target.Value {
		a.before = store.Observed{Value: a.target.Value, At: a.target.EditedAt, SeenAt: a.lookedAt}
	}
	if a.seenAt.IsZero() || !same {
		a.seenAt = a.dbLatest()
	}
	a.target, a.lookedAt = record, began
}

// readTargetRecord reads the record. Its time is cut to what the store keeps, so that what
// was stored of it compares equal.
func (a *attempt) readTargetRecord(ctx context.Context) (status.TargetRecord, error) {
	record, err := a.To.Target.Read(ctx, a.link.TargetID)
	record.EditedAt = record.EditedAt.Truncate(time.Millisecond)
	return record, err
}

// outdated reports whether a record is older than the base: it holds another value, and yet was
// last edited before that was proved. Tools that answer from a copy do so for a while after a
// write. Taken for an edit, it would hold the customer for no reason. A target with a wrong clock
// looks the same, so after a while the caller accepts the answer.
func (a *attempt) outdated(record status.TargetRecord) bool {
	b := a.work.Base
	return b.Known && b.RecordID == record.ID && b.Value != record.Value && !record.EditedAt.IsZero() &&
		record.EditedAt.Add(a.Config.Conflict.ClockSkew).Before(b.SeenAt)
}

// planSaw reports whether the row's plan has seen the record hold the same, which no copy does for
// so long; or an earlier try for the row has failed. Applying a plan does not retry a failed row on
// its own, so at a second try by a person the answer is believed.
func (a *attempt) planSaw(record status.TargetRecord) bool {
	return a.row != nil && (a.row.Planned.Before == record.Value || a.row.Planned.State == store.RowFailed)
}

// brokenLink parks a customer whose record is gone. Another record is not searched for: the one
// that vanished may have been merged, and a guess would write to a stranger.
func (a *attempt) brokenLink() *ending {
	a.mentions(a.link.TargetID)
	e := a.parked(status.BrokenLink, reason.Reason{Code: reason.RecordGone, Facts: reason.Facts{Record: a.link.TargetID, Target: a.To.Name}})
	// A write may find the record gone, too. The exception belongs to the read: a later read closes
	// it.
	e.park.Stage = status.StageReadTarget
	return e
}
