package store

import (
	"context"
	"encoding/json"
	"fmt"

	"trueup/internal/status"
)

// A relapse opens the same row again. What an owner has acknowledged or
// ignored stays so: it is counted, and not shouted again.
const openException = `
insert into exceptions (sync, customer, kind, stage, reason, source_value, target_value, last_action, confidence, owner, state, count,
    first_seen, last_seen, candidates)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', 1, $11, $11, $12)
on conflict (sync, customer, kind) do update set stage = excluded.stage, reason = excluded.reason, source_value = excluded.source_value,
    target_value = excluded.target_value, last_action = excluded.last_action, confidence = excluded.confidence, owner = excluded.owner,
    state = case when exceptions.state = 'resolved' then 'open' else exceptions.state end,
    count = exceptions.count + 1, last_seen = excluded.last_seen, candidates = excluded.candidates
returning id`

// OpenException opens an exception, or counts it when it is open already.
func (db *DB) OpenException(ctx context.Context, x NewException) (id int64, err error) {
	err = db.update(ctx, func(t *tx) error {
		var err error
		id, err = t.openException(x)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("open an exception: %w", err)
	}
	return id, nil
}

func (t *tx) openException(x NewException) (id int64, err error) {
	candidates, err := json.Marshal(x.Candidates)
	if err != nil {
		return 0, errStore{err}
	}
	err = t.query(func(s scanner) error { return s.Scan(&id) }, openException, x.Sync, x.Customer, string(x.Kind), string(x.Stage), x.Reason,
		x.SourceValue, x.TargetValue, x.LastAction, x.Confidence, x.Owner, ms(t.now), string(candidates))
	return id, err
}

// CloseExceptions resolves the open exceptions of one kind of a sync's
// customer and returns how many there were.
func (db *DB) CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind) (closed int, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("update exceptions set state = 'resolved' where sync = $1 and customer = $2 and kind = $3 and state in ('open', 'acknowledged')",
			sync, customer, string(kind))
		closed = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("close exceptions: %w", err)
	}
	return closed, nil
}

// Exceptions returns the chosen exceptions, the latest first.
func (db *DB) Exceptions(ctx context.Context, f ExceptionFilter) ([]Exception, error) {
	w := where{}
	w.equal("sync", f.Sync)
	w.equal("customer", f.Customer)
	w.equal("kind", string(f.Kind))
	in(&w, "state", f.States)
	return db.exceptions(ctx, w)
}

// Exception returns one exception, or ErrNotFound.
func (db *DB) Exception(ctx context.Context, id int64) (Exception, error) {
	w := where{}
	w.that("id = " + w.arg(id))
	found, err := db.exceptions(ctx, w)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Exception{}, fmt.Errorf("exception %d: %w", id, err)
	}
	return found[0], nil
}

func (db *DB) exceptions(ctx context.Context, w where) ([]Exception, error) {
	var found []Exception
	err := db.view(ctx, func(s scanner) error {
		var x Exception
		var first, last int64
		var candidates string
		if err := s.Scan(&x.ID, &x.Sync, &x.Customer, &x.Kind, &x.Stage, &x.Reason, &x.SourceValue, &x.TargetValue, &x.LastAction,
			&x.Confidence, &x.Owner, &x.State, &x.Count, &first, &last, &candidates); err != nil {
			return err
		}
		x.FirstSeen, x.LastSeen = at(first), at(last)
		found = append(found, x)
		return json.Unmarshal([]byte(candidates), &found[len(found)-1].Candidates)
	}, `select id, sync, customer, kind, stage, reason, source_value, target_value, last_action, confidence, owner, state, count,
    first_seen, last_seen, candidates from exceptions`+w.String()+" order by last_seen desc, id desc", w.args...)
	if err != nil {
		return nil, fmt.Errorf("list exceptions: %w", err)
	}
	return found, nil
}

// Retry looks at the customer of an exception again, now. It returns
// ErrNotFound when the exception does not exist or is about no customer.
func (db *DB) Retry(ctx context.Context, id int64) error {
	err := db.update(ctx, func(t *tx) error {
		var sync, customer string
		if err := t.query(func(s scanner) error { return s.Scan(&sync, &customer) },
			"select sync, customer from exceptions where id = $1", id); err != nil {
			return err
		}
		found, err := t.lookAgain(sync, customer)
		if err == nil && !found {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("retry exception %d: %w", id, err)
	}
	return nil
}
