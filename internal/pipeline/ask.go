package pipeline

import (
	"context"
	"fmt"
)

// Ask takes one customer along the path now, for a person who is about to decide about it. It
// returns false if that is not possible now.
func (p *Pipeline) Ask(ctx context.Context, from Claimer, sync, customer string) (asked bool, err error) {
	f, ok := p.flows[sync]
	if !ok {
		return false, fmt.Errorf("no sync %s", sync)
	}
	if why, err := f.barred(ctx); err != nil || why != "" {
		return false, err
	}
	if rest, err := f.rest(ctx); err != nil || rest > 0 {
		return false, err
	}
	sent := f.Now()
	w, ok, err := from.ClaimOne(ctx, sync, customer, 0, f.Lease)
	if err != nil || !ok {
		return false, err
	}
	f.inProgress.Add(1)
	f.carry(ctx, &w, claimWindow{sent: sent, answered: f.Now()})
	return true, nil
}
