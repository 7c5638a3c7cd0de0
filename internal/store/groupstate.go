package store

import (
	"context"
	"fmt"
	"time"

	"trueup/internal/status"
)

// GroupState is how a group of exceptions stands.
type GroupState struct {
	// Open is how many are open or acknowledged, Acknowledged how many of those
	// are the latter.
	Open, Acknowledged, Ignored, Resolved int
	// Oldest and Newest are when the first and the last of the open ones opened.
	Oldest, Newest time.Time
	// Some are a few of them: open before closed, the latest opened first.
	Some []Exception
}

// GroupState returns how the exceptions of one cause stand, with up to some of
// them.
func (db *DB) GroupState(ctx context.Context, sync string, kind status.Kind, cause string, some int) (GroupState, error) {
	var g GroupState
	const group = " from exceptions where sync = $1 and kind = $2 and cause = $3"
	err := db.view(ctx, func(s scanner) error {
		var oldest, newest int64
		err := s.Scan(&g.Open, &g.Acknowledged, &g.Ignored, &g.Resolved, &oldest, &newest)
		g.Oldest, g.Newest = at(oldest), at(newest)
		return err
	}, `select count(case when state in ('open', 'acknowledged') then 1 end), count(case when state = 'acknowledged' then 1 end),
    count(case when state = 'ignored' then 1 end), count(case when state = 'resolved' then 1 end),
    coalesce(min(case when state in ('open', 'acknowledged') then opened_at end), 0),
    coalesce(max(case when state in ('open', 'acknowledged') then opened_at end), 0)`+group, sync, string(kind), cause)
	var ids []int64
	if err == nil {
		err = db.view(ctx, func(s scanner) error {
			var id int64
			err := s.Scan(&id)
			ids = append(ids, id)
			return err
		}, "select id"+group+" order by case when state in ('open', 'acknowledged') then 0 else 1 end, opened_at desc, id limit $4", sync, string(kind), cause, some)
	}
	if err != nil {
		return GroupState{}, fmt.Errorf("look how %s of %s stands: %w", kind, sync, err)
	}
	for _, id := range ids {
		x, err := db.Exception(ctx, id)
		if err != nil {
			return GroupState{}, err
		}
		g.Some = append(g.Some, x)
	}
	return g, nil
}
