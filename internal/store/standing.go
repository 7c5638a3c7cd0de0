package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Standing is what has been due for a while; without Customers there is nothing.
type Standing struct {
	Customers int
	Since     time.Time // when the first of them was due
}

// Standing looks whether customers of a sync have been due for so long while no
// attempt came to an end.
func (db *DB) Standing(ctx context.Context, sync string, long time.Duration) (Standing, error) {
	s, before, err := db.dueFor(ctx, sync, long)
	if err == nil && s.Customers > 0 {
		moved := 0
		err = db.view(ctx, func(row scanner) error { return row.Scan(&moved) },
			"select case when exists (select 1 from customers where sync = $1 and settled_at > $2) then 1 else 0 end", sync, before)
		if moved == 1 {
			return Standing{}, err
		}
	}
	if err != nil {
		return Standing{}, fmt.Errorf("look whether the queue of %s moves: %w", sync, err)
	}
	return s, nil
}

// DueFor returns the customers of a sync that have been due for so long, whether
// the queue moves or not.
func (db *DB) DueFor(ctx context.Context, sync string, long time.Duration) (Standing, error) {
	s, _, err := db.dueFor(ctx, sync, long)
	if err != nil {
		return Standing{}, fmt.Errorf("look how long customers of %s have been due: %w", sync, err)
	}
	return s, nil
}

func (db *DB) dueFor(ctx context.Context, sync string, long time.Duration) (s Standing, before int64, err error) {
	now, err := db.Now(ctx)
	if err != nil {
		return Standing{}, 0, err
	}
	var since int64
	before = ms(now.Add(-long))
	err = db.view(ctx, func(row scanner) error { return row.Scan(&s.Customers, &since) },
		"select count(*), coalesce(min(due_at), 0) from customers where sync = $1 and due_at <= $2", sync, before)
	s.Since = at(since)
	return s, before, err
}

// OpenOfSync reports whether an exception of a kind is open that is about a whole
// sync.
func (db *DB) OpenOfSync(ctx context.Context, sync string, kind status.Kind) (open bool, err error) {
	err = db.view(ctx, func(scanner) error { open = true; return nil },
		"select id from exceptions where sync = $1 and customer = '' and kind = $2 and state in ('open', 'acknowledged')", sync, string(kind))
	if err != nil {
		return false, fmt.Errorf("look for an exception of %s: %w", sync, err)
	}
	return open, nil
}
