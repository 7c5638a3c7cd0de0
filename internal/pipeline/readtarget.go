package pipeline

import (
	"context"
	"fmt"
	"time"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/status"
)

// readTarget looks at what the target holds now.
func (a *attempt) readTarget(ctx context.Context) verdict {
	before := a.earliest()
	record, err := a.look(ctx)
	if err != nil {
		if f := connector.FailureOf(err); f.Kind == connector.Gone {
			return a.targetGone(ctx, f)
		}
		return a.failed(err, a.Target.Name, "reading the record in")
	}
	if a.outdated(record) && a.patient() {
		return a.failed(&connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
			Detail: "the answer is older than what the record was proved to hold"}, a.Target.Name, "reading the record in")
	}
	a.target, a.lookedAt, a.seenAt = record, before, a.latest()
	a.did("read the record in %s", a.Target.Name)
	failpoint.Hit("target_read")
	return onward
}

// look reads the record. Its time is cut to what the store keeps, so that what
// was stored of it compares equal.
func (a *attempt) look(ctx context.Context) (status.TargetRecord, error) {
	record, err := a.Target.Target.Read(ctx, a.link.TargetID)
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

// brokenLink parks a customer whose record is gone. Another record is not
// looked for: the one that vanished may have been merged, and a guess would
// write to a stranger.
func (a *attempt) brokenLink() *ending {
	a.names(a.link.TargetID)
	e := a.parked(status.BrokenLink, fmt.Sprintf(
		"the linked record %s is gone from %s; say which record took its place with trueup exceptions link, or let the match rules try anew with trueup exceptions rematch",
		a.link.TargetID, a.Target.Name))
	// A write can find it gone as well. Reading it again is what shows that it
	// is back, however the attempt ends then.
	e.park.Stage = status.StageReadTarget
	return e
}
