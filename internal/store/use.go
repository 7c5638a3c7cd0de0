package store

import (
	"context"
	"fmt"
	"time"
)

// LimitUse is how far the limits of a sync are used up now.
type LimitUse struct {
	// Moved are the customers that count towards mass_change, of the Most that may,
	// of all Customers. Customers is 0 without a limit in percent.
	Moved, Most, Customers int
	// Counting says that all customers are being counted for the first time: Most is
	// not known yet. CountedAt is as of when they were, zero for now.
	Counting  bool
	CountedAt time.Time
	// Busiest is the most writes to one customer within the time of
	// writes_per_customer.
	Busiest int
}

// mostDecisions is how many of the latest decisions are searched for the busiest
// customer.
const mostDecisions = 5000

// LimitUse returns how far limits are used up. A nil mass_change and a zero
// writes_per_customer are not looked at.
func (db *DB) LimitUse(ctx context.Context, sync string, m *MassChange, p PerCustomer) (u LimitUse, err error) {
	now, err := db.Now(ctx)
	if err == nil && m != nil {
		err = db.massChangeUse(ctx, sync, m, now, &u)
	}
	if err == nil && p.Count > 0 {
		u.Busiest, err = db.busiest(ctx, sync, p.Within, now)
	}
	if err != nil {
		return LimitUse{}, fmt.Errorf("look how far the limits of %s are used up: %w", sync, err)
	}
	return u, nil
}

func (db *DB) massChangeUse(ctx context.Context, sync string, m *MassChange, now time.Time, u *LimitUse) error {
	err := db.view(ctx, func(s scanner) error { return s.Scan(&u.Moved) },
		"select count(*) from customers where sync = $1 and moved_at > 0 and moved_at > $2", sync, ms(now.Add(-m.Within)))
	if err == nil && m.Percent > 0 {
		var size figure[int]
		size, err = db.sizes.atHand(ctx, db, figureKey{sync: sync}, "customers", db.size)
		u.Customers, u.Counting, u.CountedAt = size.figure, size.counting, size.at
	}
	if !u.Counting {
		u.Most = m.MostOf(u.Customers)
	}
	return err
}

func (db *DB) size(ctx context.Context, key figureKey) (int, error) {
	return sizeOf(func(into *int, query string) error {
		return db.view(ctx, func(s scanner) error { return s.Scan(into) }, query, key.sync)
	})
}

// busiest goes by the latest decisions: whoever was written has one.
func (db *DB) busiest(ctx context.Context, sync string, within time.Duration, now time.Time) (most int, err error) {
	err = db.view(ctx, func(s scanner) error {
		text, writes := "", Writes{}
		if err := s.Scan(&text); err != nil {
			return err
		}
		err := fromJSON(text, &writes)
		n := 0
		for _, w := range writes.Latest {
			if w.At.After(now.Add(-within)) {
				n++
			}
		}
		most = max(most, n)
		return err
	}, `select writes from customers where sync = $1 and customer in (select customer from (select sync, customer, made_at from decisions order by id desc limit $3) latest
    where sync = $1 and made_at > $2) and writes <> ''`, sync, ms(now.Add(-within)), mostDecisions)
	return most, err
}

// LinkCount counts the links of a sync that one rule made.
type LinkCount struct {
	Rule  string
	Links int
}

// LinkCounts are the links of a sync by the rule that made them, the most first.
// CountedAt and Counting are as in SyncStanding.
type LinkCounts struct {
	Rules     []LinkCount
	CountedAt time.Time
	Counting  bool
}

// LinksByRule returns how many links each rule of a sync made.
func (db *DB) LinksByRule(ctx context.Context, sync string) (LinkCounts, error) {
	c, err := db.linkCounts.atHand(ctx, db, figureKey{sync: sync}, "links", db.countLinks)
	return LinkCounts{c.figure, c.at, c.counting}, err
}

func (db *DB) countLinks(ctx context.Context, key figureKey) ([]LinkCount, error) {
	var all []LinkCount
	err := db.view(ctx, func(s scanner) error {
		var c LinkCount
		err := s.Scan(&c.Rule, &c.Links)
		all = append(all, c)
		return err
	}, "select rule, count(*) from links where sync = $1 group by rule order by count(*) desc, rule", key.sync)
	if err != nil {
		return nil, fmt.Errorf("count the links of %s by rule: %w", key.sync, err)
	}
	return all, nil
}
