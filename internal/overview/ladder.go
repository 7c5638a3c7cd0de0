package overview

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// ladder says how far a sync is on its way to live. A plan counts while it can be
// applied: the latest one, under the rules of now.
func ladder(ctx context.Context, db *store.DB, name string, c config.Sync) (contract.Ladder, error) {
	if !c.Watches() {
		return contract.Ladder{Rung: contract.RungLive}, nil
	}
	l := contract.Ladder{Rung: contract.RungWatching, Next: contract.NextPlan}
	plan, err := db.LatestPlan(ctx, name)
	planned := err == nil
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err == nil {
		l.Tried, err = db.Tried(ctx, name)
	}
	if err != nil {
		return l, err
	}
	if rules := rulesHash(c); planned && (rules == "" || plan.Rules == rules) {
		l.Rung, l.Next, l.Plan = contract.RungPlanned, contract.NextTryOne, plan.Hash
		if l.Tried > 0 || plan.Summary.Write+plan.Summary.Other == 0 { // without a row to write no one can be tried
			l.Next = contract.NextGoLive
		}
	}
	if l.Tried > 0 {
		l.Rung = contract.RungTried
	}
	return l, nil
}
