package store

import (
	"context"
	"time"
)

// Rhythm is how often a sync's source speaks.
type Rhythm struct {
	Events  int
	Longest time.Duration // between two of them
}

// heard chooses the source's events of a sync, $1, of which $2 says whether they
// were polled only.
const heard = " from events where sync = $1 and side = 'source' and listed = $2 and replay_of = 0"

// Heard returns when the latest event of a sync's source came, and when the latest
// that the tool sent; zero when none did. What is polled does not show that
// webhooks work.
func (db *DB) Heard(ctx context.Context, sync string) (last, sent time.Time, err error) {
	latest := func(polled bool) (time.Time, error) {
		var found int64
		err := db.view(ctx, func(s scanner) error { return s.Scan(&found) }, "select received_at"+heard+" order by received_at desc limit 1", sync, bit(polled))
		return at(found), err
	}
	sent, err = latest(false)
	if err == nil {
		last, err = latest(true)
	}
	if sent.After(last) {
		last = sent
	}
	return last, sent, noticeError("look when "+sync+" last heard something", err)
}

// Rhythm returns how often a sync's source sent something since a time.
func (db *DB) Rhythm(ctx context.Context, sync string, since time.Time) (Rhythm, error) {
	var r Rhythm
	var longest int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&r.Events, &longest) }, `
select count(*), coalesce(max(gap), 0) from (
    select received_at - lag(received_at) over (order by received_at) as gap`+heard+" and received_at >= $3) as gaps", sync, bit(false), ms(since))
	r.Longest = time.Duration(longest) * time.Millisecond
	return r, noticeError("look how often "+sync+" hears something", err)
}

// Silence is a time in which a sync's source sent nothing, though it should have.
type Silence struct {
	Since   time.Time
	Longest time.Duration // it was silent before
	Heard   time.Time     // the end; zero while it continues
}

// Silence returns the latest silence of a sync, zero when there was none.
func (db *DB) Silence(ctx context.Context, sync string) (Silence, error) {
	var since, longest, heard int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&since, &longest, &heard) },
		"select since, longest, heard_at from silences where sync = $1", sync)
	return Silence{at(since), time.Duration(longest) * time.Millisecond, at(heard)}, noticeError("look whether "+sync+" is silent", err)
}

// BeginSilence has people told that a sync is silent, unless they were.
func (db *DB) BeginSilence(ctx context.Context, sync string, since time.Time, longest time.Duration) (began bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec(`insert into silences (sync, since, longest) values ($1, $2, $3)
on conflict (sync) do update set since = excluded.since, longest = excluded.longest, heard_at = 0 where silences.heard_at > 0`,
			sync, ms(since), longest.Milliseconds())
		began = n > 0
		if err != nil || n == 0 {
			return err
		}
		return t.tellOf(SilentNotice, sync, "", "", 0)
	})
	return began, noticeError("begin the silence of "+sync, err)
}

// EndSilence has people told that a silent sync heard something.
func (db *DB) EndSilence(ctx context.Context, sync string, heard time.Time) (ended bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("update silences set heard_at = $2 where sync = $1 and heard_at = 0", sync, ms(heard))
		ended = n > 0
		if err != nil || n == 0 {
			return err
		}
		return t.tellOf(HeardNotice, sync, "", "", 0)
	})
	return ended, noticeError("end the silence of "+sync, err)
}

// DropSilence takes back that a sync is silent: its webhooks were turned off.
func (db *DB) DropSilence(ctx context.Context, sync string) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("delete from silences where sync = $1 and heard_at = 0", sync)
		return err
	})
	return noticeError("take back the silence of "+sync, err)
}
