package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

const upsertConnection = "insert into connections (name) values ($1) on conflict (name) do nothing"

// Pause lets a connection rest until a time, for all nodes. An earlier time
// than the one that is set changes nothing.
func (db *DB) Pause(ctx context.Context, connection string, until time.Time) error {
	err := db.update(ctx, func(t *tx) error {
		if _, err := t.exec(upsertConnection, connection); err != nil {
			return err
		}
		_, err := t.exec("update connections set paused_until = $2 where name = $1 and paused_until < $2", connection, ms(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("pause connection %s: %w", connection, err)
	}
	return nil
}

// PausedUntil returns until when a connection rests; a time that has passed, or
// the zero time, means that it does not.
func (db *DB) PausedUntil(ctx context.Context, connection string) (time.Time, error) {
	var until int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&until) }, "select paused_until from connections where name = $1", connection)
	if err != nil {
		return time.Time{}, fmt.Errorf("look whether connection %s rests: %w", connection, err)
	}
	return at(until), nil
}

// Reserve takes the next n calls of a connection that may make at most
// requests calls in any per, over all nodes. The first may be made at first,
// each further one gap later. now is the database's time.
func (db *DB) Reserve(ctx context.Context, connection string, n, requests int, per time.Duration) (now, first time.Time, gap time.Duration, err error) {
	now, first, gap, _, err = db.ReserveWithin(ctx, connection, n, requests, per, math.MaxInt64)
	return now, first, gap, err
}

// ReserveWithin is Reserve for a caller who can wait for the first call no longer
// than within. When it would come later nothing is taken: calls that nobody makes
// would push everybody else's away, further with each try. first says when it
// would have come. When n is 0 nothing is taken either.
func (db *DB) ReserveWithin(ctx context.Context, connection string, n, requests int, per, within time.Duration) (now, first time.Time, gap time.Duration, ok bool, err error) {
	gap = max(per/time.Duration(requests), time.Microsecond)
	err = db.update(ctx, func(t *tx) error {
		if _, err := t.exec(upsertConnection, connection); err != nil {
			return err
		}
		var next, asked int64
		err := t.query(func(s scanner) error { return s.Scan(&next, &asked) },
			"update connections set name = name where name = $1 returning next_slot_us, asked_us", connection) // which locks it
		if err != nil {
			return err
		}
		at := nextSlot(next, asked, t.now.UnixMicro())
		now, first, ok = t.now, time.UnixMicro(at).UTC(), n > 0 && at-t.now.UnixMicro() <= within.Microseconds()
		if !ok {
			return nil
		}
		_, err = t.exec("update connections set next_slot_us = $2, asked_us = $3 where name = $1",
			connection, at+(time.Duration(n)*gap).Microseconds(), t.now.UnixMicro())
		return err
	})
	if err != nil {
		return time.Time{}, time.Time{}, 0, false, fmt.Errorf("reserve calls of connection %s: %w", connection, err)
	}
	return now, first, gap, ok, nil
}

// nextSlot is when the next call may be made. Even spacing: a burst after a pause
// could otherwise put twice the limit into one window. asked is when the latest
// was reserved; when that lies ahead, the clock was set back, and what had been
// reserved lies as far ahead of now as it did then.
func nextSlot(next, asked, now int64) int64 {
	if asked > now {
		next -= asked - now
	}
	return max(next, now)
}

// ConnectionState is how a connection stands, for all nodes.
type ConnectionState struct {
	PausedUntil time.Time // it rests until then; a time that has passed means that it does not
	// NextCall is when the next call may be made that nobody has reserved yet,
	// zero when there is no limit or no call was made.
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
		c.PausedUntil, c.BudgetAt = at(paused), at(told)
		if next > 0 {
			c.NextCall = time.UnixMicro(next).UTC()
		}
		all[name] = c
		return err
	}, "select name, paused_until, next_slot_us, budget_left, budget_limit, budget_at, listed_late from connections")
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
// that was asked for before. It is called ahead of SaveCursor.
func (db *DB) NoteListed(ctx context.Context, connection string, newest time.Time) error {
	err := db.update(ctx, func(t *tx) error {
		var asked int64
		if err := t.query(func(s scanner) error { return s.Scan(&asked) }, "select asked_at from cursors where connection = $1", connection); err != nil {
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

// LeaseCursor returns where asking a connection for its changes has got to,
// for the one node that may ask next. ok is false while another one asks, or
// when the last answer is younger than every. The fence goes with SaveCursor. A
// time that cannot be yet was stored before the clock was set back, and holds
// nobody up.
func (db *DB) LeaseCursor(ctx context.Context, connection string, every, lease time.Duration) (cursor string, fence int64, ok bool, err error) {
	holder, err := db.place(ctx)
	if err != nil {
		return "", 0, false, fmt.Errorf("lease the changes of connection %s: %w", connection, err)
	}
	err = db.update(ctx, func(t *tx) error {
		ok = false
		if _, err := t.exec("insert into cursors (connection) values ($1) on conflict (connection) do nothing", connection); err != nil {
			return err
		}
		return t.query(func(s scanner) error {
			ok = true
			return s.Scan(&cursor, &fence)
		}, `update cursors set fence = fence + 1, lease_until = $3, holder = $5, began_at = $2 where connection = $1 and (lease_until <= $2 or lease_until > $3) and (asked_at <= $4 or asked_at > $2) returning cursor, fence`,
			connection, ms(t.now), ms(t.now.Add(lease)), ms(t.now.Add(-every)), holder)
	})
	if err != nil {
		return "", 0, false, fmt.Errorf("lease the changes of connection %s: %w", connection, err)
	}
	return cursor, fence, ok, nil
}

// SaveCursor stores where asking has got to, after the events before it are
// stored. done ends the lease; without it the same node goes on.
func (db *DB) SaveCursor(ctx context.Context, connection string, fence int64, cursor string, done bool) error {
	err := db.update(ctx, func(t *tx) error {
		n, err := t.exec(`update cursors set cursor = $3, asked_at = case when $5 = 1 then $4 else asked_at end, listed_at = case when $5 = 1 then began_at else listed_at end,
    lease_until = case when $5 = 1 then 0 else lease_until end
where connection = $1 and fence = $2 and lease_until > $4`, connection, fence, cursor, ms(t.now), bit(done))
		if err == nil && n == 0 {
			err = ErrFenced
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save how far the changes of connection %s were asked for: %w", connection, err)
	}
	return nil
}

// ListedAt returns when asking began that told of all changes up to then, zero
// when that was never done.
func (db *DB) ListedAt(ctx context.Context, connection string) (time.Time, error) {
	var listed int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&listed) }, "select listed_at from cursors where connection = $1", connection)
	if err != nil {
		return time.Time{}, fmt.Errorf("look when connection %s was asked for its changes: %w", connection, err)
	}
	return at(listed), nil
}

// ReleaseCursor ends the lease without moving on: asking failed, and may be
// tried again by any node at once.
func (db *DB) ReleaseCursor(ctx context.Context, connection string, fence int64) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update cursors set lease_until = 0 where connection = $1 and fence = $2", connection, fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("release the changes of connection %s: %w", connection, err)
	}
	return nil
}
