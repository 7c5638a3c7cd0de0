package store

import (
	"context"
	"fmt"

	"trueup/internal/status"
)

// SyncStanding is how the customers of a sync stand, by the latest look at each.
type SyncStanding struct {
	Customers int // all that were ever seen
	Carried   int // those whose value in the source is to be carried
	Agree     int // of these, whose target holds it
	ByOutcome map[status.Outcome]int
}

// Agreement is the share of carried customers whose target holds what the
// source says, 1 when there are none.
func (s SyncStanding) Agreement() float64 {
	if s.Carried == 0 {
		return 1
	}
	return float64(s.Agree) / float64(s.Carried)
}

// SyncStanding returns how the customers of a sync stand.
func (db *DB) SyncStanding(ctx context.Context, sync string) (SyncStanding, error) {
	s := SyncStanding{ByOutcome: map[status.Outcome]int{}}
	err := db.view(ctx, func(row scanner) error {
		var outcome status.Outcome
		var all, carried, agree int
		err := row.Scan(&outcome, &all, &carried, &agree)
		s.Customers, s.Carried, s.Agree = s.Customers+all, s.Carried+carried, s.Agree+agree
		if outcome != "" {
			s.ByOutcome[outcome] = all
		}
		return err
	}, `select outcome, count(*), sum(case when desired_value <> '' then 1 else 0 end),
    sum(case when desired_value <> '' and desired_value = observed_value then 1 else 0 end)
from customers where sync = $1 group by outcome`, sync)
	if err != nil {
		return SyncStanding{}, fmt.Errorf("count how the customers of %s stand: %w", sync, err)
	}
	return s, nil
}
