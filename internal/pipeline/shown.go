package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// noteAccepted notes that the tool accepted the write of this attempt.
func (a *attempt) noteAccepted() {
	a.accepted = append(a.accepted, a.intent.ID)
	for i := range a.work.Intents {
		if a.work.Intents[i].ID == a.intent.ID {
			a.work.Intents[i].Accepted = true
			a.intent = a.work.Intents[i]
		}
	}
}

// unshownWrite is our last write to the record, if the tool accepted it in this series of attempts,
// it is the desired value, and it is not shown yet. When a person asks for another try, a new
// series begins and the write is sent again: they have probably fixed the cause.
func (a *attempt) unshownWrite() (i store.Intent, ok bool) {
	for _, i = range slices.Backward(a.work.Intents) {
		if i.RecordID == a.target.ID {
			since := a.work.FirstTry
			present := i.ID == a.intent.ID || !since.IsZero() && !i.SentAt.Before(since)
			return i, present && i.Accepted && !i.Seen && i.Value == a.desired.Value
		}
	}
	return store.Intent{}, false
}

// settledByLook ends the attempt if this read shows what became of an earlier write of the same
// value; that write is not sent again.
func (a *attempt) settledByLook() verdict {
	d := a.decision
	i, accepted := a.unshownWrite()
	switch {
	case accepted && !a.preview && d.Action == decide.None && a.target.Actor != status.ActorHuman:
		return a.proved(i, reason.Reason{Code: reason.ShownNow, Facts: reason.Facts{Target: a.To.Name}})
	case d.Kind == status.Conflict && a.keepsOurs() && a.facts().EditedBy().IsZero():
		// The conflict is about an earlier edit, which our write has replaced: only the spelling differs.
		return verdict{end: a.otherSpelling()}
	case d.Action != decide.Write:
	case a.respelled(d):
		return verdict{end: a.otherSpelling()}
	case accepted:
		return a.writeNotShown(i)
	}
	return onward
}

// writeNotShown ends an attempt whose write the tool accepted but does not show. A copy that lags shows
// it soon, so the record is read again with growing pauses, before and after people are notified.
// The write is not sent again.
func (a *attempt) writeNotShown(i store.Intent) verdict {
	a.stage = status.StageConfirm
	a.did(reason.DidSendAccepted, a.desired.Value, a.To.Name)
	f := reason.Facts{Value: a.desired.Value, Target: a.To.Name, Found: a.target.Value}
	attempts, since := a.work.Attempts+1, a.failingSince()
	retry := a.Retry.after(a.dbEarliest().Sub(since), a.Retry.First, a.Jitter())
	expired := i.Expires.Before(a.lookedAt)
	if !expired && a.patient() {
		return end(ending{action: Wait, reason: reason.Reason{Code: reason.NotShownYet, Facts: f}, failure: failureNotShown,
			retry: retry, attempts: attempts, firstTry: since})
	}
	if respelling(a.target.Value, a.desired.Value) {
		f.Status = a.desired.Status
	}
	e := a.parked(status.WriteFailed, reason.Reason{Code: reason.NotShown, Facts: f})
	e.park.Cause = a.desired.Value + ": not shown"
	if !expired {
		e.failure, e.attempts, e.firstTry, e.retry = failureNotShown, attempts, since, retry
	}
	return verdict{end: e}
}

// respelled reports whether the target holds what we wrote in a spelling of its own. Another write
// would be respelled too.
func (a *attempt) respelled(d decide.Decision) bool {
	return a.keepsOurs() || d.Adopted != 0 && respelling(a.target.Value, a.desired.Value)
}

// keepsOurs reports whether the target still holds the base, and the base is the target's own
// spelling of the desired value.
func (a *attempt) keepsOurs() bool {
	b := a.work.Base
	return b.Known && b.RecordID == a.target.ID && b.Value == a.target.Value && b.Sent == a.desired.Value && respelling(a.target.Value, a.desired.Value)
}

// spelledDifferently reports whether a write that the tool accepted shows in another spelling. A
// spelling that was there before counts if the record was edited since.
func (a *attempt) spelledDifferently(prior, record status.TargetRecord) bool {
	moved := record.Value != prior.Value || record.Revision != prior.Revision || record.EditedAt.After(prior.EditedAt)
	return moved && record.Actor != status.ActorHuman && respelling(record.Value, a.desired.Value)
}

// otherSpelling parks a customer whose target keeps our value in a spelling of its own. That
// spelling becomes the base: it is our value, not someone's edit.
func (a *attempt) otherSpelling() *ending {
	a.stage = status.StageConfirm
	a.did(reason.DidSendRespelled, a.desired.Value, a.To.Name, a.target.Value)
	e := a.parked(status.WriteFailed, reason.Reason{Code: reason.OtherSpelling,
		Facts: reason.Facts{Target: a.To.Name, Value: a.desired.Value, Found: a.target.Value, Status: a.desired.Status}})
	e.park.Cause = fmt.Sprintf("%s: kept as %q", a.desired.Value, a.target.Value)
	e.base = &store.Base{Known: true, RecordID: a.target.ID, Status: a.desired.Status, Value: a.target.Value,
		By: byUs, At: a.target.EditedAt, SeenAt: a.lookedAt, Sent: a.desired.Value}
	for _, i := range slices.Clone(a.work.Intents) {
		if i.RecordID == a.target.ID && i.Value == a.desired.Value && i.Accepted {
			a.closeIntent(i.ID)
		}
	}
	return e
}

// respelling reports whether two different values differ only in case or white space.
func respelling(x, y string) bool {
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	return x != y && bare(x) != "" && strings.EqualFold(bare(x), bare(y))
}

// olderThan reports whether a record was certainly last edited before a time.
func (a *attempt) olderThan(record status.TargetRecord, t time.Time) bool {
	return !record.EditedAt.IsZero() && record.EditedAt.Add(a.Config.Conflict.ClockSkew).Before(t)
}
