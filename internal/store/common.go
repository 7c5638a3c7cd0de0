package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Common is what the customers have in common whose change halted a sync.
type Common struct {
	// Written is how many were written within the limit's time before the halt, and
	// First when the first of them was.
	Written int
	First   time.Time
	// Changes are what was written and what waits, the most frequent first.
	Changes []CommonChange
}

// CommonChange counts the customers whose target goes from one value to another.
type CommonChange struct {
	Before, After    string
	Written, Waiting int
}

const (
	// mostCompared is how many of the written customers are looked at for what they
	// have in common.
	mostCompared = 1000
	mostInCommon = 10
)

// Common returns what the customers have in common whose change halted a sync, zero
// when it is not halted. within is the time in which the limit counts.
func (db *DB) Common(ctx context.Context, sync string, within time.Duration) (Common, error) {
	var c Common
	halted, err := db.HaltedSince(ctx)
	since, is := halted[sync]
	if err != nil || !is {
		return c, err
	}
	changes := map[[2]string]CommonChange{}
	of := func(before, after string, written, waiting int) {
		one := changes[[2]string{before, after}]
		changes[[2]string{before, after}] = CommonChange{before, after, one.Written + written, one.Waiting + waiting}
	}
	var first int64
	err = db.view(ctx, func(s scanner) error { return s.Scan(&c.Written, &first) },
		"select count(*), coalesce(min(moved_at), 0) from customers where sync = $1 and moved_at > $2 and moved_at > 0", sync, ms(since.Add(-within)))
	c.First = at(first)
	if err == nil {
		err = db.view(ctx, func(s scanner) error {
			text, wrote := "", LastWrite{}
			if err := s.Scan(&text); err != nil {
				return err
			}
			err := fromJSON(text, &wrote)
			if !wrote.IsZero() { // else its write is not proven yet
				of(wrote.Before, wrote.Value, 1, 0)
			}
			return err
		}, "select last_write from customers where sync = $1 and moved_at > $2 and moved_at > 0 order by moved_at desc limit $3", sync, ms(since.Add(-within)), mostCompared)
	}
	if err == nil {
		err = db.view(ctx, func(s scanner) error {
			var before, after string
			n := 0
			err := s.Scan(&before, &after, &n)
			of(before, after, 0, n)
			return err
		}, "select observed_value, desired_value, count(*) from customers where sync = $1 and halted = 'waits' group by observed_value, desired_value", sync)
	}
	if err != nil {
		return Common{}, fmt.Errorf("look what the halted customers of %s have in common: %w", sync, err)
	}
	for _, one := range changes {
		c.Changes = append(c.Changes, one)
	}
	slices.SortFunc(c.Changes, func(a, b CommonChange) int {
		if n := b.Written + b.Waiting - a.Written - a.Waiting; n != 0 {
			return n
		}
		return strings.Compare(a.Before+"\x00"+a.After, b.Before+"\x00"+b.After)
	})
	c.Changes = c.Changes[:min(len(c.Changes), mostInCommon)]
	return c, nil
}

// HeldAsked counts the customers of a sync who are left alone and about whom a person
// is asked.
func (db *DB) HeldAsked(ctx context.Context, sync string) (int, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) }, `select count(*) from exceptions x where x.sync = $1 and x.state in ('open', 'acknowledged')
and x.kind in ('`+string(status.Conflict)+`', '`+string(status.FirstContact)+`', '`+string(status.ConfirmChange)+`')
and (select c.outcome from customers c where c.sync = x.sync and c.customer = x.customer) = 'held'`, sync)
	if err != nil {
		return 0, fmt.Errorf("count whom of %s people are asked about: %w", sync, err)
	}
	return n, nil
}
