package store

import (
	"context"
	"fmt"
	"time"
)

const upsertConnection = "insert into connections (name) values ($1) on conflict (name) do nothing"

// ConnectionState is how a connection stands, for all nodes.
type ConnectionState struct {
	RestsUntil time.Time // it rests until then; a time that has passed means that it does not
	// NextCall is when the next call that is not reserved may be made, zero when
	// there is no limit or no call was made.
	NextCall time.Time
	// BudgetLeft of BudgetLimit calls were left in the tool's day when it last
	// said so, BudgetAt; zero when it never did.
	BudgetLeft, BudgetLimit int
	BudgetAt                time.Time
	// ListedLate is how much earlier than it can have come into the list the source
	// dated the newest change that it listed last; 0 is not at all.
	ListedLate time.Duration
}

// ConnectionStates returns how each connection stands that was used.
func (db *DB) ConnectionStates(ctx context.Context) (map[string]ConnectionState, error) {
	all := map[string]ConnectionState{}
	err := db.view(ctx, func(s scanner) error {
		var name string
		var c ConnectionState
		var paused, next, told, late int64
		err := s.Scan(&name, &paused, &next, &c.BudgetLeft, &c.BudgetLimit, &told, &late)
		c.ListedLate = time.Duration(late) * time.Millisecond
		c.RestsUntil, c.BudgetAt = at(paused), at(told)
		if next > 0 {
			c.NextCall = time.UnixMicro(next).UTC()
		}
		all[name] = c
		return err
	}, `select coalesce(c.name, r.name), coalesce(paused_until, 0), coalesce(next_slot_us, 0), coalesce(budget_left, 0), coalesce(budget_limit, 0),
    coalesce(budget_at, 0), coalesce(listed_late, 0)
from connections c full join (select name, paused_until, next_slot_us from rests where kind = 'connection') r on r.name = c.name`)
	if err != nil {
		return nil, fmt.Errorf("read how the connections stand: %w", err)
	}
	return all, nil
}

// SaveBudget notes what a tool said of its day age ago, unless another node
// has heard it since.
func (db *DB) SaveBudget(ctx context.Context, connection string, left, limit int, age time.Duration) error {
	err := db.update(ctx, func(t *tx) error {
		if _, err := t.exec(upsertConnection, connection); err != nil {
			return err
		}
		_, err := t.exec("update connections set budget_left = $2, budget_limit = $3, budget_at = $4 where name = $1 and budget_at < $4",
			connection, left, limit, ms(t.now.Add(-age)))
		return err
	})
	if err != nil {
		return fmt.Errorf("note the calls that connection %s has left: %w", connection, err)
	}
	return nil
}

// slack is what clocks and lists may differ by without a word.
const slack = time.Minute

// NoteListed notes by how much a source dates its changes too early: newest is
// the date of the newest change it listed now, and it was not in the list when
// that was asked for before. It is called before SaveTurn.
func (db *DB) NoteListed(ctx context.Context, connection string, newest time.Time) error {
	err := db.update(ctx, func(t *tx) error {
		var asked int64
		if err := t.query(func(s scanner) error { return s.Scan(&asked) }, "select ended_from from turns where kind = $1 and name = $2", string(ChangesTurn), connection); err != nil {
			return err
		}
		late := at(asked).Sub(newest)
		if asked == 0 || late < slack {
			late = 0
		}
		if _, err := t.exec(upsertConnection, connection); err != nil {
			return err
		}
		_, err := t.exec("update connections set listed_late = $2 where name = $1 and listed_late <> $2", connection, late.Milliseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("note how connection %s dates its changes: %w", connection, err)
	}
	return nil
}
