package store

import (
	"context"
	"fmt"
	"math"
	"time"
)

// rest is something that may pause, and whose calls are spaced, over all nodes: a
// connection, or a channel in which people are notified.
type rest struct{ kind, name string }

func connectionRest(name string) rest { return rest{"connection", name} }
func channelRest(name string) rest    { return rest{"channel", name} }

func (r rest) String() string { return r.kind + " " + r.name }

const upsertRest = "insert into rests (kind, name) values ($1, $2) on conflict (kind, name) do nothing"

// Rest lets a connection rest until a time, for all nodes. An earlier time than the one that is set
// changes nothing.
func (db *DB) Rest(ctx context.Context, connection string, until time.Time) error {
	return db.letRest(ctx, connectionRest(connection), until)
}

// RestChannel is Rest for a channel.
func (db *DB) RestChannel(ctx context.Context, channel string, until time.Time) error {
	return db.letRest(ctx, channelRest(channel), until)
}

func (db *DB) letRest(ctx context.Context, r rest, until time.Time) error {
	err := db.update(ctx, func(t *tx) error {
		if _, err := t.exec(upsertRest, r.kind, r.name); err != nil {
			return err
		}
		_, err := t.exec("update rests set paused_until = $3 where kind = $1 and name = $2 and paused_until < $3", r.kind, r.name, ms(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("pause %s: %w", r, err)
	}
	return nil
}

// RestsUntil returns until when a connection rests. A time in the past, or the
// zero time, means that it does not.
func (db *DB) RestsUntil(ctx context.Context, connection string) (time.Time, error) {
	return db.restsUntil(ctx, connectionRest(connection))
}

// ChannelRestsUntil is RestsUntil for a channel.
func (db *DB) ChannelRestsUntil(ctx context.Context, channel string) (time.Time, error) {
	return db.restsUntil(ctx, channelRest(channel))
}

func (db *DB) restsUntil(ctx context.Context, r rest) (time.Time, error) {
	var until int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&until) }, "select paused_until from rests where kind = $1 and name = $2", r.kind, r.name)
	if err != nil {
		return time.Time{}, fmt.Errorf("check whether %s rests: %w", r, err)
	}
	return at(until), nil
}

// Reserve takes the next n calls of a connection that may make at most requests
// calls in any per, over all nodes. The first may be made at first, each further
// one gap later. now is the database's time.
func (db *DB) Reserve(ctx context.Context, connection string, n, requests int, per time.Duration) (now, first time.Time, gap time.Duration, err error) {
	now, first, gap, _, err = db.ReserveWithin(ctx, connection, n, requests, per, math.MaxInt64)
	return now, first, gap, err
}

// ReserveWithin is Reserve for a caller who can wait for the first call no longer
// than within. If it would come later nothing is taken: calls that no one makes
// would delay everyone else's, further with each try. first is when it would have
// come. With an n of 0 nothing is taken either.
func (db *DB) ReserveWithin(ctx context.Context, connection string, n, requests int, per, within time.Duration) (now, first time.Time, gap time.Duration, ok bool, err error) {
	gap = max(per/time.Duration(requests), time.Microsecond)
	now, first, ok, err = db.reserve(ctx, connectionRest(connection), n, gap, within)
	if err != nil {
		return time.Time{}, time.Time{}, 0, false, err
	}
	return now, first, gap, ok, nil
}

// ReserveChannel takes a channel's next message; two are at least a gap apart.
func (db *DB) ReserveChannel(ctx context.Context, channel string, gap time.Duration) (now, first time.Time, err error) {
	now, first, _, err = db.reserve(ctx, channelRest(channel), 1, gap, math.MaxInt64)
	return now, first, err
}

func (db *DB) reserve(ctx context.Context, r rest, n int, gap, within time.Duration) (now, first time.Time, ok bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		if _, err := t.exec(upsertRest, r.kind, r.name); err != nil {
			return err
		}
		var next, asked int64
		err := t.query(func(s scanner) error { return s.Scan(&next, &asked) },
			"update rests set name = name where kind = $1 and name = $2 returning next_slot_us, asked_us", r.kind, r.name) // which locks it
		if err != nil {
			return err
		}
		at := nextSlot(next, asked, t.now.UnixMicro())
		now, first, ok = t.now, time.UnixMicro(at).UTC(), n > 0 && at-t.now.UnixMicro() <= within.Microseconds()
		if !ok {
			return nil
		}
		_, err = t.exec("update rests set next_slot_us = $3, asked_us = $4 where kind = $1 and name = $2",
			r.kind, r.name, at+(time.Duration(n)*gap).Microseconds(), t.now.UnixMicro())
		return err
	})
	if err != nil {
		return time.Time{}, time.Time{}, false, fmt.Errorf("reserve calls of %s: %w", r, err)
	}
	return now, first, ok, nil
}

// nextSlot is when the next call may be made. The spacing is even: a burst after a
// pause could otherwise put twice the limit into one window. asked is when calls
// were last reserved. If that is in the future the clock was set back, and what was
// reserved is as far ahead of now as it was then.
func nextSlot(next, asked, now int64) int64 {
	if asked > now {
		next -= asked - now
	}
	return max(next, now)
}
