package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"trueup/internal/status"
)

// overdue chooses the open exceptions of a sync, $1, that opened before $2. One
// that was assigned to somebody has that time from then on.
const overdue = ` sync = $1 and state in ('open', 'acknowledged') and opened_at <= $2
    and not exists (select 1 from actions where actions.exception_id = exceptions.id and actions.verb = 'assign' and actions.done_at > $2)`

// RemindOverdue has people reminded of the exceptions of a sync that have been
// open for so long, of each once since it opened. It returns how many there
// were.
func (db *DB) RemindOverdue(ctx context.Context, sync string, after time.Duration) (reminded int, err error) {
	err = db.update(ctx, func(t *tx) error {
		reminded = 0
		groups := map[topic]bool{}
		err := t.query(func(s scanner) error {
			p := topic{sync: sync}
			err := s.Scan(&p.kind, &p.cause)
			groups[p] = true
			reminded++
			return err
		}, "update exceptions set reminded_at = $3 where reminded_at = 0 and"+overdue+" returning kind, cause", sync, ms(t.now.Add(-after)), ms(t.now))
		if err != nil {
			return err
		}
		// In one order everywhere: two nodes would else wait for each other.
		inOrder := func(a, b topic) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.cause, b.cause)) }
		for _, p := range slices.SortedFunc(maps.Keys(groups), inOrder) {
			if err := t.tellOf(ReminderNotice, p.sync, p.kind, p.cause, 0); err != nil {
				return err
			}
		}
		return nil
	})
	return reminded, noticeError("remind of what is overdue", err)
}

// Overdue counts the exceptions of a sync that have been open for so long.
func (db *DB) Overdue(ctx context.Context, sync string, after time.Duration) (map[status.Kind]int, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[status.Kind]int{}
	err = db.view(ctx, func(s scanner) error {
		var kind status.Kind
		var n int
		err := s.Scan(&kind, &n)
		counts[kind] = n
		return err
	}, "select kind, count(*) from exceptions where"+overdue+" group by kind", sync, ms(now.Add(-after)))
	return counts, noticeError("count what is overdue", err)
}
