package store

import (
	"context"
	"fmt"
)

// wrote notes elsewhere what a write, or its undoing, has brought about. What a
// person had written was not left undone by a sync that only watches. A row of a
// plan whose write was undone can be applied again.
func (t *tx) wrote(w *Work, l LastWrite) error {
	if l.Trial && l.Undone.IsZero() {
		_, err := t.exec("delete from watched where sync = $1 and customer = $2 and verdict = ''", w.Sync, w.Customer)
		return err
	}
	if l.Plan > 0 && !l.Undone.IsZero() {
		_, err := t.exec("update plan_rows set state = '', note = '', ended_at = 0 where sweep = $1 and customer = $2 and state = 'applied'", l.Plan, w.Customer)
		return err
	}
	return nil
}

// LastWrite returns the last proved write to a customer, zero when there is none
// to its present record.
func (db *DB) LastWrite(ctx context.Context, sync, customer string) (LastWrite, error) {
	var l LastWrite
	err := db.view(ctx, func(s scanner) error {
		text := ""
		if err := s.Scan(&text); err != nil {
			return err
		}
		return fromJSON(text, &l)
	}, "select last_write from customers where sync = $1 and customer = $2", sync, customer)
	if err != nil {
		return LastWrite{}, fmt.Errorf("read the last write to customer %s of %s: %w", customer, sync, err)
	}
	return l, nil
}

// Tried counts the customers of a sync whom a person had written while it only
// watched, and did not undo.
func (db *DB) Tried(ctx context.Context, sync string) (int, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) }, "select count(*) from customers where sync = $1 and tried_at > 0", sync)
	if err != nil {
		return 0, fmt.Errorf("count the customers of %s who were tried: %w", sync, err)
	}
	return n, nil
}
