package store

import (
	"context"
	"fmt"
	"time"
)

// WatchedLook is what one reading found of one of several customers.
type WatchedLook struct {
	Customer string
	Watched
}

// Verdict is what became of a write that was not made.
type Verdict string

// The verdicts.
const (
	NotYet        Verdict = ""          // the target holds what it held
	DidTheSame    Verdict = "same"      // someone else set the value
	DidOtherwise  Verdict = "otherwise" // someone else set another one
	SourceChanged Verdict = "overtaken" // the source changed before anybody did anything
)

// watch notes what would have been written, and what happened to what would have
// been written before. In a sync that only watches, a change of the target is
// someone else's.
func (t *tx) watch(sync, customer string, w Watched) error {
	var id, since int64
	var before, after string
	err := t.query(func(s scanner) error { return s.Scan(&id, &before, &after, &since) },
		"select id, before, after, would_at from watched where sync = $1 and customer = $2 and verdict = ''", sync, customer)
	if err != nil {
		return err
	}
	verdict := NotYet
	switch {
	case id == 0:
	case w.Looked && w.Observed == after:
		verdict = DidTheSame
	case after != w.Desired: // the person who changed the target then saw another source
		verdict = SourceChanged
	case w.Looked && w.Observed != before:
		verdict = DidOtherwise
	}
	if id > 0 && (verdict == NotYet || !w.AsOf.IsZero() && ms(w.AsOf) <= since) {
		return nil
	}
	if id > 0 {
		// The target's own time is better than that of the look, which may come
		// hours later.
		ended := ms(t.now)
		if edited := ms(w.ObservedAt); verdict != SourceChanged && edited >= since && edited < ended {
			ended = edited
		}
		if _, err := t.exec("update watched set verdict = $2, found = $3, ended_at = $4, took = $4 - would_at where id = $1",
			id, string(verdict), w.Observed, ended); err != nil {
			return err
		}
	}
	if !w.Would {
		return nil
	}
	_, err = t.exec("insert into watched (sync, customer, target_id, before, after, would_at) values ($1, $2, $3, $4, $5, $6)",
		sync, customer, w.TargetID, w.Observed, w.Desired, ms(t.now))
	return err
}

// Watching counts what a sync would have written while it watched.
type Watching struct {
	Customers int
	Changes   []WatchedChange // by before and after
	// Median is how long it took until people did the same.
	Median time.Duration
}

// WatchedChange counts the writes of one value over another that were not made.
type WatchedChange struct {
	Before, After string
	ByVerdict     map[Verdict]int
}

// Count is how many there were in all.
func (c WatchedChange) Count() int {
	n := 0
	for _, of := range c.ByVerdict {
		n += of
	}
	return n
}

// ByVerdict adds up all changes.
func (w Watching) ByVerdict() map[Verdict]int {
	all := map[Verdict]int{}
	for _, c := range w.Changes {
		for verdict, n := range c.ByVerdict {
			all[verdict] += n
		}
	}
	return all
}

const medianOfWatched = "select took from watched where sync = $1 and verdict = 'same' and would_at >= $2 order by took limit 1 offset $3"

// Watching returns what a sync would have written since a time.
func (db *DB) Watching(ctx context.Context, sync string, since time.Time) (Watching, error) {
	var w Watching
	err := db.view(ctx, func(s scanner) error {
		var before, after string
		var verdict Verdict
		var n int
		err := s.Scan(&before, &after, &verdict, &n)
		if last := len(w.Changes) - 1; last < 0 || w.Changes[last].Before != before || w.Changes[last].After != after {
			w.Changes = append(w.Changes, WatchedChange{Before: before, After: after, ByVerdict: map[Verdict]int{}})
		}
		w.Changes[len(w.Changes)-1].ByVerdict[verdict] = n
		return err
	}, `select before, after, verdict, count(*) from watched where sync = $1 and would_at >= $2
group by before, after, verdict order by before, after, verdict`, sync, ms(since))
	if err == nil {
		err = db.view(ctx, func(s scanner) error { return s.Scan(&w.Customers) },
			"select count(*) from (select distinct customer from watched where sync = $1 and would_at >= $2) as each_once", sync, ms(since))
	}
	if same := w.ByVerdict()[DidTheSame]; err == nil && same > 0 {
		var took int64
		err = db.view(ctx, func(s scanner) error { return s.Scan(&took) },
			medianOfWatched, sync, ms(since), (same-1)/2)
		w.Median = time.Duration(took) * time.Millisecond
	}
	if err != nil {
		return Watching{}, fmt.Errorf("count what %s would have written: %w", sync, err)
	}
	return w, nil
}
