package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Curve returns the comparisons of a sync that ended since a time, in their order: of
// each span the one with the lowest agreement, so that no dip is lost, and of several the
// first, so that a curve begins where they did. Those that compared nobody are left out.
func (db *DB) Curve(ctx context.Context, sync string, since time.Time, span time.Duration) ([]Sweep, error) {
	const carried = "(agree + differ + held + unmatched_source + ambiguous + unmapped + other)"
	var found []Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = append(found, w)
		return err
	}, "select "+sweepColumns+" from sweeps where id in (select id from (select id, row_number() over (partition by (ended_at - $2) / $3 order by agree * 1.0 / "+carried+
		", id) as place from sweeps where sync = $1 and phase = 'done' and ended_at >= $2 and "+carried+" > 0) as each_span where place = 1) order by ended_at, id",
		sync, ms(since), span.Milliseconds())
	if err != nil {
		return nil, fmt.Errorf("read how the agreement of %s was: %w", sync, err)
	}
	return found, nil
}

// NextSweep returns when the next sweep of a sync is due that is swept so often: now,
// or earlier, when there was none yet. began is when the one that is under way began,
// zero without one.
func (db *DB) NextSweep(ctx context.Context, sync string, every time.Duration) (next, began time.Time, err error) {
	switch w, err := db.SweepUnderWay(ctx, sync, ForSweep); {
	case err == nil:
		return w.BeganAt, w.BeganAt, nil
	case !errors.Is(err, ErrNotFound):
		return time.Time{}, time.Time{}, err
	}
	last, err := db.LastSweep(ctx, sync, ForSweep)
	if errors.Is(err, ErrNotFound) {
		next, err = db.Now(ctx)
		return next, time.Time{}, err
	}
	return last.BeganAt.Add(every), time.Time{}, err
}
