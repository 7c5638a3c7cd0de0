package pipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// maxMerges bounds how many merges in a row are followed: a record that was
// merged into one that was merged.
const maxMerges = 4

// targetGone is what happens when the linked record does not exist any more. Where the tool tells
// which record it was merged into, and that one exists, the link follows it, and the attempt goes
// on with a record that it has never seen: the base is another record's. Nothing is followed by
// guess.
func (a *attempt) targetGone(ctx context.Context, f *connector.Failure) verdict {
	if f.Survivor == "" {
		return a.recordGone(a.brokenLink())
	}
	merged := []string{a.link.TargetID}
	for survivor := f.Survivor; ; {
		if slices.Contains(merged, survivor) || len(merged) > maxMerges {
			return verdict{end: a.brokenMerge(f.Survivor)}
		}
		_, err := a.To.Target.Read(ctx, survivor)
		if err == nil {
			return a.follow(ctx, survivor)
		}
		gone := connector.FailureOf(err)
		switch {
		case gone.Kind != connector.Gone:
			return a.failed(err, a.To.Name, reason.ReadingSurvivor)
		case gone.Survivor == "":
			return verdict{end: a.brokenMerge(survivor)}
		}
		merged, survivor = append(merged, survivor), gone.Survivor
	}
}

// follow moves the link to the survivor, unless it is another customer's.
func (a *attempt) follow(ctx context.Context, survivor string) verdict {
	from := a.link.TargetID
	a.mentions(from, survivor)
	link, err := a.Store.FollowLink(ctx, a.work, from, survivor)
	var taken *store.DuplicateLinkError
	switch {
	case errors.As(err, &taken):
		a.mentions(taken.Customer)
		e := a.parked(status.DuplicateLink, reason.Reason{Code: reason.SurvivorTaken,
			Facts: reason.Facts{Record: from, Survivor: survivor, Target: a.To.Name, Customer: taken.Customer, Source: a.From.Name}})
		e.park.Stage = status.StageReadTarget
		e.park.Candidates = []status.Candidate{{TargetID: survivor, Rule: store.SurvivorRule, Confidence: a.link.Confidence}}
		return verdict{end: e}
	case err != nil:
		return a.storeFailed(err)
	}
	// What was decided, written or found out was about the other record.
	a.link, a.work.Ruling, a.work.Observed, a.unproved = &link, store.Ruling{}, store.Observed{}, nil
	failpoint.Hit("linked")
	a.did(reason.DidFollowMerge, a.To.Name, from, survivor)
	return verdict{reread: true}
}

// brokenMerge parks a customer whose record was merged into one that does not
// exist either.
func (a *attempt) brokenMerge(survivor string) *ending {
	e := a.brokenLink()
	a.mentions(survivor)
	e.reason = reason.Reason{Code: reason.SurvivorGone, Facts: reason.Facts{Record: a.link.TargetID, Target: a.To.Name, Survivor: survivor}}
	e.park.Reason = e.reason
	return e
}

// sourceGone parks a customer that the source no longer has. If it was merged into another, the
// other customer is processed instead.
func (a *attempt) sourceGone(f *connector.Failure) verdict {
	if f.Survivor == "" || f.Survivor == a.work.Customer {
		return a.notFoundYet(a.parked(status.BrokenLink, reason.Reason{Code: reason.CustomerGone, Facts: reason.Facts{Source: a.From.Name}}))
	}
	a.mentions(f.Survivor)
	e := a.parked(status.BrokenLink, reason.Reason{Code: reason.CustomerMerged, Facts: reason.Facts{Customer: f.Survivor, Source: a.From.Name}})
	// Only once: two customers that name each other would wake each other endlessly.
	if !slices.Contains(a.work.Open, status.BrokenLink) {
		e.wake = f.Survivor
	}
	return verdict{end: e}
}
