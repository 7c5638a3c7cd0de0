package store

import (
	"context"
	"fmt"
	"maps"
	"sync"
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

// Who has many customers is not counted for each question: one of a hundred thousand
// takes half a second. An index of all that is counted would be written with every
// attempt.
const (
	manyCustomers = 20_000
	// countedFor is how old an answer can be. A service counts sooner by itself:
	// see CountStanding.
	countedFor = 2 * time.Minute
)

// standings remembers how the customers of large syncs were counted.
type standings struct {
	mu sync.Mutex
	by map[standingKey]counted
}

type standingKey struct {
	sync  string
	since int64 // Rules.Since
}

type counted struct {
	groups []looked
	at     time.Time
}

// SyncStanding returns how the customers of a sync stand by the rules of now. Of a
// sync with very many it may be as they stood a moment ago.
func (db *DB) SyncStanding(ctx context.Context, sync string, by Rules) (SyncStanding, error) {
	k := standingKey{sync, ms(by.Since)}
	db.standings.mu.Lock()
	have, ok := db.standings.by[k]
	db.standings.mu.Unlock()
	if ok && time.Since(have.at) < countedFor {
		return standingOf(have.groups, by), nil
	}
	return db.CountStanding(ctx, sync, by)
}

// CountStanding is SyncStanding as of now, also of a sync with very many customers.
func (db *DB) CountStanding(ctx context.Context, sync string, by Rules) (SyncStanding, error) {
	began := time.Now()
	var groups []looked
	err := db.view(ctx, func(row scanner) error {
		var l looked
		err := row.Scan(&l.outcome, &l.word, &l.value, &l.all, &l.fresh, &l.equal, &l.unverified)
		groups = append(groups, l)
		return err
	}, `select outcome, desired_source_value, desired_value, count(*), sum(case when settled_at >= $2 then 1 else 0 end),
    sum(case when settled_at >= $2 and desired_value = observed_value then 1 else 0 end),
    sum(case when settled_at >= $2 and desired_value = observed_value and base_unverified = 1 then 1 else 0 end)
from customers where sync = $1 group by outcome, desired_source_value, desired_value`, sync, ms(by.Since))
	if err != nil {
		return SyncStanding{}, fmt.Errorf("count how the customers of %s stand: %w", sync, err)
	}
	s := standingOf(groups, by)
	db.standings.keep(standingKey{sync, ms(by.Since)}, counted{groups, began}, s.Customers)
	return s, nil
}

// keep remembers the count of a large sync. What was counted under earlier rules is
// of no use any more.
func (k *standings) keep(key standingKey, c counted, customers int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.by, func(other standingKey, _ counted) bool { return other.sync == key.sync })
	if customers < manyCustomers {
		return
	}
	if k.by == nil {
		k.by = map[standingKey]counted{}
	}
	k.by[key] = c
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
