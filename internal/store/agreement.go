package store

import (
	"context"
	"fmt"

	"trueup/internal/status"
)

// SyncStanding is how the customers of a sync stand, by the latest look at each.
//
// Agreement has one meaning, here and wherever a number is shown: of all
// customers who should be carried, the share whose target holds the desired
// value. One should be carried when the source has a status for it that is not
// listed under ignore. Whoever is held or waits for a person (unmatched,
// ambiguous, unmapped and so on) does not agree, whatever his target happens
// to hold. Who was never seen is not counted.
type SyncStanding struct {
	Customers int // all that were ever seen
	Carried   int // those who should be carried
	Agree     int // of these, whose target holds what it should
	// Unverified are those of Agree whose target took the value and cannot show it.
	Unverified int
	ByOutcome  map[status.Outcome]int
}

// Agreement is Agree of Carried, nil when there are none.
func (s SyncStanding) Agreement() *float64 { return shareOf(s.Agree, s.Carried) }

// SyncStanding returns how the customers of a sync stand.
func (db *DB) SyncStanding(ctx context.Context, sync string) (SyncStanding, error) {
	s := SyncStanding{ByOutcome: map[status.Outcome]int{}}
	err := db.view(ctx, func(row scanner) error {
		var outcome status.Outcome
		var all, carried, agree, unverified int
		err := row.Scan(&outcome, &all, &carried, &agree, &unverified)
		s.Unverified += unverified
		s.Customers, s.Carried, s.Agree = s.Customers+all, s.Carried+carried, s.Agree+agree
		if outcome != "" {
			s.ByOutcome[outcome] = all
		}
		return err
	}, `select outcome, count(*),
    sum(case when desired_value <> '' or desired_source_value <> '' and outcome <> 'ignored' then 1 else 0 end),
    sum(case when desired_value <> '' and desired_value = observed_value and outcome not in ('held', 'parked') then 1 else 0 end),
    sum(case when desired_value <> '' and desired_value = observed_value and outcome not in ('held', 'parked') and base_unverified = 1 then 1 else 0 end)
from customers where sync = $1 group by outcome`, sync)
	if err != nil {
		return SyncStanding{}, fmt.Errorf("count how the customers of %s stand: %w", sync, err)
	}
	return s, nil
}
