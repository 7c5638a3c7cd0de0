package pipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// match finds the target's record. A link that exists is kept: what people or
// rules once found is not guessed again.
func (a *attempt) match(ctx context.Context) verdict {
	if a.work.Link != nil {
		a.link = a.work.Link
		failpoint.Hit("matched")
		return onward
	}
	result, err := identity.Match(ctx, a.rules, a.source.Keys, a.work.Customer, a.Config.MinConfidence, a.find)
	if err != nil {
		return a.failed(err, a.To.Name, reason.Searching)
	}
	a.did(reason.DidSearch, a.To.Name, status.Plural(len(a.rules), "match rule"))
	if result.Kind != "" {
		result.Reason.Facts.Target = a.To.Name
		e := a.parked(result.Kind, result.Reason)
		e.park.Candidates, e.park.Confidence = result.Candidates, result.Confidence
		if result.Kind == status.Unmatched {
			return a.notFoundYet(e)
		}
		return verdict{end: e}
	}
	if v := a.plannedRecord(result.Record.ID); v.end != nil {
		return v
	}
	failpoint.Hit("matched")
	link := store.Link{Sync: a.Config.Name, Customer: a.work.Customer, TargetID: result.Record.ID,
		Rule: result.Rule.String(), Confidence: result.Confidence, By: "rule", At: a.dbEarliest()}
	var taken *store.DuplicateLinkError
	switch err := a.Store.SaveLink(ctx, a.work, link); {
	case errors.As(err, &taken) && a.shares(taken.Customer):
		return a.decidedWith(taken.Customer)
	case errors.As(err, &taken):
		a.mentions(taken.Customer, link.TargetID)
		e := a.parked(status.DuplicateLink, reason.Reason{Code: reason.RecordTaken, Facts: reason.Facts{Rule: link.Rule, Customer: taken.Customer, Source: a.From.Name}})
		e.park.Candidates = []status.Candidate{{TargetID: link.TargetID, Value: result.Record.Value, Rule: link.Rule, Confidence: link.Confidence}}
		return verdict{end: e}
	case err != nil:
		return a.storeFailed(err)
	}
	a.link = &link
	a.did(reason.DidLink, a.To.Name, link.Rule)
	failpoint.Hit("linked")
	return onward
}

// find asks the target for the records with a key. The key id is the record's own, which is read
// and not searched.
//
// A plan's own record is read as well: the comparison that made the plan matches every spelling of
// a key, but a search finds only the spellings it asks for. The record's keys are then compared
// like any other's.
func (a *attempt) find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	if key == "id" {
		return a.byID(ctx, value)
	}
	found, err := a.To.Target.Find(ctx, key, value)
	if err != nil || a.row == nil || slices.ContainsFunc(found, func(r status.TargetRecord) bool { return r.ID == a.row.Planned.TargetID }) {
		return found, err
	}
	planned, err := a.byID(ctx, a.row.Planned.TargetID)
	return append(found, planned...), err
}

// byID is the record with the id, and none where there is none.
func (a *attempt) byID(ctx context.Context, id string) ([]status.TargetRecord, error) {
	record, err := a.To.Target.Read(ctx, id)
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Gone {
			return nil, nil
		}
		return nil, err
	}
	return []status.TargetRecord{record}, nil
}
