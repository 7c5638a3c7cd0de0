package pipeline

import (
	"context"
	"fmt"

	"trueup/internal/connector"
	"trueup/internal/failpoint"
	"trueup/internal/status"
)

// readTarget looks at what the target holds now.
func (a *attempt) readTarget(ctx context.Context) verdict {
	before := a.clock()
	record, err := a.Target.Target.Read(ctx, a.link.TargetID)
	if err != nil {
		if connector.FailureOf(err).Kind == connector.Gone {
			return verdict{end: a.brokenLink()}
		}
		return a.failed(err, a.Target.Name, "reading the record in")
	}
	a.target, a.lookedAt, a.seenAt = record, before, a.clock()
	a.did("read the record in %s", a.Target.Name)
	failpoint.Hit("target_read")
	return onward
}

// brokenLink parks a customer whose record is gone. Another record is not
// looked for: the one that vanished may have been merged, and a guess would
// write to a stranger.
func (a *attempt) brokenLink() *ending {
	return a.parked(status.BrokenLink, fmt.Sprintf(
		"the linked record %s is gone from %s; link another with trueup links set, or remove the link with trueup links remove to match anew",
		a.link.TargetID, a.Target.Name))
}
