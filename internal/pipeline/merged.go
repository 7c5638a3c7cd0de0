package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/status"
	"trueup/internal/store"
)

// mostMerges bounds how many merges in a row are followed: a record that was
// merged into one that was merged.
const mostMerges = 4

// targetGone is what happens when the linked record does not exist any more.
// Where the tool tells which record it was merged into, and that one exists, the
// link follows it, and the attempt goes on with a record that it has never seen:
// the base is another record's. Nothing is followed by guess.
func (a *attempt) targetGone(ctx context.Context, f *connector.Failure) verdict {
	if f.Survivor == "" {
		return a.isGone(a.brokenLink())
	}
	merged := []string{a.link.TargetID}
	for survivor := f.Survivor; ; {
		if slices.Contains(merged, survivor) || len(merged) > mostMerges {
			return verdict{end: a.brokenMerge(f.Survivor)}
		}
		_, err := a.Target.Target.Read(ctx, survivor)
		if err == nil {
			return a.follow(ctx, survivor)
		}
		gone := connector.FailureOf(err)
		switch {
		case gone.Kind != connector.Gone:
			return a.failed(err, a.Target.Name, "reading the survivor of a merge in")
		case gone.Survivor == "":
			return verdict{end: a.brokenMerge(survivor)}
		}
		merged, survivor = append(merged, survivor), gone.Survivor
	}
}

// follow moves the link to the survivor, unless it is another customer's.
func (a *attempt) follow(ctx context.Context, survivor string) verdict {
	from := a.link.TargetID
	a.names(from, survivor)
	link, err := a.Store.FollowLink(ctx, a.work, from, survivor)
	var taken *store.DuplicateLinkError
	switch {
	case errors.As(err, &taken):
		a.names(taken.Customer)
		e := a.parked(status.DuplicateLink, fmt.Sprintf(
			"the linked record %s was merged into %s in %s, which belongs to customer %s already; set the right links with trueup links set, or merge the two customers in %s",
			from, survivor, a.Target.Name, taken.Customer, a.Source.Name))
		e.park.Stage = status.StageReadTarget
		e.park.Candidates = []status.Candidate{{TargetID: survivor, Rule: store.SurvivorRule, Confidence: a.link.Confidence}}
		return verdict{end: e}
	case err != nil:
		return a.storeFailed(err)
	}
	// What was decided, written or found out was about the other record.
	a.link, a.work.Ruling, a.work.Observed, a.unproved = &link, store.Ruling{}, store.Observed{}, nil
	failpoint.Hit("linked")
	a.did("followed a merge in %s from record %s to record %s", a.Target.Name, from, survivor)
	return verdict{lookAgain: true}
}

// brokenMerge parks a customer whose record was merged into one that does not
// exist either.
func (a *attempt) brokenMerge(survivor string) *ending {
	e := a.brokenLink()
	a.names(survivor)
	e.reason = fmt.Sprintf("the linked record %s is gone from %s; it was merged into %s, which does not exist any more either; link another with trueup links set, or remove the link with trueup links remove to match anew",
		a.link.TargetID, a.Target.Name, survivor)
	e.park.Reason = e.reason
	return e
}

// sourceGone parks a customer whom the source does not have any more. One who
// was merged into another is carried as that one from now on.
func (a *attempt) sourceGone(f *connector.Failure) verdict {
	if f.Survivor == "" || f.Survivor == a.work.Customer {
		return a.notYet(a.parked(status.BrokenLink, fmt.Sprintf(
			"%s has no customer with this id; restore the customer, or close this with trueup exceptions resolve", a.Source.Name)))
	}
	a.names(f.Survivor)
	e := a.parked(status.BrokenLink, fmt.Sprintf(
		"the customer was merged into %s in %s, who is carried instead; give the record to %s with trueup links remove and trueup links set, or resolve this",
		f.Survivor, a.Source.Name, f.Survivor))
	// Once: two that each name the other would wake each other for ever.
	if !slices.Contains(a.work.Open, status.BrokenLink) {
		e.wake = f.Survivor
	}
	return verdict{end: e}
}
