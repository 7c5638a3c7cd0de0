package store

import (
	"context"
	"fmt"
	"time"
)

// WatchedWrite is one write that watching did not make.
type WatchedWrite struct {
	ID            int64
	Sync          string
	Customer      string
	Name          string // the customer's, for people
	TargetID      string
	Before, After string
	At            time.Time
	Verdict       Verdict
	Found         string    // what the target held at the end
	Ended         time.Time // zero while it is NotYet
}

// WatchedFilter chooses writes of a sync that were not made. Verdict is nil for all.
type WatchedFilter struct {
	Sync    string
	Since   time.Time
	Verdict *Verdict
	Before  int64 // only those with lower numbers; 0 is all
}

// WatchedWrites returns at most limit writes that were not made, the latest first.
func (db *DB) WatchedWrites(ctx context.Context, f WatchedFilter, limit int) ([]WatchedWrite, error) {
	w := where{}
	w.that("w.sync = " + w.arg(f.Sync))
	w.that("w.would_at >= " + w.arg(ms(f.Since)))
	if f.Before > 0 {
		w.that("w.id < " + w.arg(f.Before))
	}
	if f.Verdict != nil {
		w.that("w.verdict = " + w.arg(string(*f.Verdict)))
	}
	var found []WatchedWrite
	err := db.view(ctx, func(s scanner) error {
		var one WatchedWrite
		var would, ended int64
		err := s.Scan(&one.ID, &one.Sync, &one.Customer, &one.Name, &one.TargetID, &one.Before, &one.After, &would, &one.Verdict, &one.Found, &ended)
		one.At, one.Ended = at(would), at(ended)
		found = append(found, one)
		return err
	}, `select w.id, w.sync, w.customer, coalesce(c.name, ''), w.target_id, w.before, w.after, w.would_at, w.verdict, w.found, w.ended_at
from watched w left join customers c on c.sync = w.sync and c.customer = w.customer`+w.String()+" order by w.id desc limit "+w.arg(limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list what %s would have written: %w", f.Sync, err)
	}
	return found, nil
}
