package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// SyncStanding is the status of a sync's customers, as each was last read.
//
// Agreement has one meaning, here and wherever a number is shown: of all
// customers who should be carried, the share whose target holds the desired
// value. One should be carried when the source has a status for it that is not
// listed under ignore. A customer who is held or waits for a person (unmatched,
// ambiguous, unmapped and so on) does not agree, whatever the target happens to
// hold. A customer who was never read is not counted.
type SyncStanding struct {
	Customers int // all that were ever seen
	Carried   int // those who should be carried
	Agree     int // of these, whose target holds what it should
	// Unverified are those of Agree whose target took the value and cannot show it.
	Unverified int
	// Remapped are those of Carried whose value means another one by now: what
	// was decided at the last look is not what would be.
	Remapped int
	// Stale should be carried and are not counted: the look was at another field,
	// or by other match rules.
	Stale     int
	ByOutcome map[status.Outcome]int
	// CountedAt is when they were counted, zero for now. Counting says that they are
	// being counted for the first time, and that there is no number yet.
	CountedAt time.Time
	Counting  bool
}

// Agreement is Agree of Carried, nil when there are none.
func (s SyncStanding) Agreement() *float64 { return shareOf(s.Agree, s.Carried) }

// Rules are those of now, by which looks of before are judged. The zero Rules
// take each as it was judged then.
type Rules struct {
	// Means says which value the source's word asks for now, "" when it has no
	// meaning, and whether it is carried at all; nil leaves it as it was.
	Means func(word string) (value string, carried bool)
	// Since is when a look became one at the field and by the match rules of now.
	// Never says that it has not yet.
	Since time.Time
	Never bool
}

// SyncStanding returns how the customers of a sync stand by the rules of now. A
// process that works has it at hand for a large sync, as of CountedAt.
func (db *DB) SyncStanding(ctx context.Context, sync string, by Rules) (SyncStanding, error) {
	c, err := db.standings.atHand(ctx, db, figureKey{sync, ms(by.Since)}, "customers", db.countStanding)
	if err != nil {
		return SyncStanding{}, err
	}
	s := standingOf(c.figure, by)
	s.CountedAt, s.Counting = c.at, c.counting
	return s, nil
}

// CountStanding is SyncStanding as of now, also of a large sync.
func (db *DB) CountStanding(ctx context.Context, sync string, by Rules) (SyncStanding, error) {
	key := figureKey{sync, ms(by.Since)}
	groups, err := db.standings.count(ctx, db, key, "customers", db.countStanding)
	return standingOf(groups, by), err
}

func (db *DB) countStanding(ctx context.Context, key figureKey) ([]looked, error) {
	var groups []looked
	err := db.view(ctx, func(row scanner) error {
		var l looked
		err := row.Scan(&l.outcome, &l.word, &l.value, &l.all, &l.fresh, &l.equal, &l.unverified)
		groups = append(groups, l)
		return err
	}, `select outcome, desired_source_value, desired_value, count(*), sum(case when settled_at >= $2 then 1 else 0 end),
    sum(case when settled_at >= $2 and desired_value = observed_value then 1 else 0 end),
    sum(case when settled_at >= $2 and desired_value = observed_value and base_unverified = 1 then 1 else 0 end)
from customers where sync = $1 group by outcome, desired_source_value, desired_value`, key.sync, key.since)
	if err != nil {
		return nil, fmt.Errorf("count how the customers of %s stand: %w", key.sync, err)
	}
	return groups, nil
}

func standingOf(groups []looked, by Rules) SyncStanding {
	s := SyncStanding{ByOutcome: map[status.Outcome]int{}}
	for _, l := range groups {
		if by.Never {
			l.fresh, l.equal, l.unverified = 0, 0, 0
		}
		s.Customers += l.all
		if l.outcome != "" {
			s.ByOutcome[l.outcome] += l.all
		}
		s.count(l, by)
	}
	return s
}

// looked are the customers whose last look came to the same.
type looked struct {
	outcome     status.Outcome
	word, value string // of the source, and what it asked for
	all         int
	fresh       int // read under the current rules
	equal       int // of these, the target held the value
	unverified  int // of these, by its own word only
}

func (s *SyncStanding) count(l looked, by Rules) {
	ignored := l.outcome == status.Ignored && l.value == ""
	known := l.value != "" || l.word != ""
	value, carried := l.value, known && !ignored
	if by.Means != nil && known {
		value, carried = by.Means(l.word)
	}
	if !carried {
		return
	}
	s.Stale += l.all - l.fresh
	s.Carried += l.fresh
	switch {
	case value != l.value && (l.value != "" || ignored):
		s.Remapped += l.fresh
	case l.value != "" && l.outcome != status.Held && l.outcome != status.Parked:
		s.Agree += l.equal
		s.Unverified += l.unverified
	}
}
