package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// What says what a notice tells people of.
type What string

// What there is to tell of.
const (
	GroupNotice     What = "group"     // the exceptions of one cause
	ReminderNotice  What = "reminder"  // those of them that are overdue
	RecoveredNotice What = "recovered" // a group that concerned a whole sync is closed
	SilentNotice    What = "silent"    // a sync hears nothing
	HeardNotice     What = "heard"     // and hears again
	DigestNotice    What = "digest"    // all that is open, on the day Cause
	FloodNotice     What = "flood"     // many groups at once, in the channel Cause
	FileNotice      What = "file"      // a changed configuration that is not used
	AlarmNotice     What = "alarm"     // an alarm began or ended; Kind says which
)

// Recipient is who is told, by the key under notify in the file.
type Recipient string

// The recipients. Each is told of everything on its own.
const (
	ToSlack   Recipient = "slack"
	ToWebhook Recipient = "webhook"
	ToSMTP    Recipient = "smtp"
)

// Notice is something to be told: one message, which is kept up to date.
type Notice struct {
	Recipient Recipient
	What      What
	Sync      string
	Kind      status.Kind
	Cause     string
	// Began is when the oldest change that is not told yet was; of a flood,
	// when it began.
	Began    time.Time
	Attempts int // failures in a row
	// Channel and Place are where the last message is, "" when there is none;
	// Posted is when it was posted, Told when what was last told was looked up:
	// what opened before that is told.
	Channel, Place string
	Posted, Told   time.Time
	// Open is how many exceptions it showed as open, Content a hash of all that
	// it said.
	Open    int
	Content string
	// Folded is when a flood told of it instead.
	Folded time.Time
	// Claimed is when it was claimed.
	Claimed time.Time

	changed, fence int64
}

// ID names what is to be told now. It stays the same while a failed message is tried
// again, and is another one once there is something else to tell.
func (n Notice) ID() string {
	text := fmt.Sprintf("%s %s %q %s %q %d %d", n.Recipient, n.What, n.Sync, n.Kind, n.Cause, ms(n.Began), n.changed)
	sum := sha256.Sum256([]byte(text))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// Telling is how a notice was told.
type Telling struct {
	Channel, Place string
	// Posted says that it was a new message.
	Posted  bool
	Open    int
	Content string
	// Quiet is for how long no change of it is told; Again, unless 0, is when
	// to look again although nothing changes.
	Quiet, Again time.Duration
	// Recovered tells besides that the group is closed.
	Recovered bool
}

const (
	// gathering is how long a new notice waits for others of its cause: a group
	// begins with more than its first customer.
	gathering = 2 * time.Second
	// soon is after how long a change is told at the latest, unless telling fails.
	soon = 5 * time.Second

	// A notice that waits already has the time its oldest change was made. Every
	// recipient there may be has its own: whoever is told later than others, or of a
	// file that this process does not know, misses nothing.
	tellNotice = `
insert into notices (recipient, what, sync, kind, cause, began_at, due_at)
select r.recipient, cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as bigint), cast($6 as bigint)
from (select 'slack' as recipient union all select 'webhook' union all select 'smtp') r
where cast($8 as text) in ('', r.recipient)
on conflict (recipient, what, sync, kind, cause) do update set changed = notices.changed + 1,
    due_at = case when notices.attempts = 0 and notices.due_at > $7 then $7 else notices.due_at end,
    began_at = case when notices.changed > notices.told then notices.began_at else excluded.began_at end`

	// Tested again in the outer statement, as with customers.
	claimNotices = `
with chosen as materialized (
    select what, sync, kind, cause from notices where recipient = $5 and changed > told and due_at <= $1 and lease_until <= $1
    order by due_at, what, sync, kind, cause limit $3 /*lock*/)
update notices set fence = fence + 1, lease_until = $2, holder = $4
where recipient = $5 and changed > told and due_at <= $1 and lease_until <= $1
    and (what, sync, kind, cause) in (select what, sync, kind, cause from chosen)
returning what, sync, kind, cause, changed, fence, began_at, due_at, attempts, channel, place, told_at, posted_at, folded_at, open, content`
)

// noticeKey chooses a notice of a recipient by the first four arguments.
func noticeKey(to Recipient) string {
	return "recipient = '" + string(to) + "' and what = $1 and sync = $2 and kind = $3 and cause = $4"
}

// tellOf has every recipient told.
func (t *tx) tellOf(what What, sync string, kind status.Kind, cause string, wait time.Duration) error {
	return t.tellTo("", what, sync, kind, cause, wait)
}

// tellTo has one recipient told, and all where it is "".
func (t *tx) tellTo(to Recipient, what What, sync string, kind status.Kind, cause string, wait time.Duration) error {
	_, err := t.exec(tellNotice, string(what), sync, string(kind), cause, ms(t.now), ms(t.now.Add(wait)), ms(t.now.Add(soon)), string(to))
	return err
}

// NextNotice returns when the next notice of a recipient can be claimed, zero when
// there is nothing to send.
func (db *DB) NextNotice(ctx context.Context, to Recipient) (time.Time, error) {
	var next int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&next) },
		"select coalesce(min(case when due_at > lease_until then due_at else lease_until end), 0) from notices where recipient = $1 and changed > told", string(to))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next notice: %w", err)
	}
	return at(next), nil
}

// ClaimNotices takes up to limit notices of a recipient that are due and that no one has, for the
// time of the lease, the earliest first.
func (db *DB) ClaimNotices(ctx context.Context, to Recipient, limit int, lease time.Duration) ([]Notice, error) {
	type claimed struct {
		Notice
		due int64
	}
	holder, err := db.place(ctx)
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	var all []claimed
	err = db.update(ctx, func(t *tx) error {
		all = nil
		return t.query(func(s scanner) error {
			n := claimed{Notice: Notice{Recipient: to, Claimed: t.now}}
			var began, told, posted, folded int64
			err := s.Scan(&n.What, &n.Sync, &n.Kind, &n.Cause, &n.changed, &n.fence, &began, &n.due, &n.Attempts, &n.Channel, &n.Place,
				&told, &posted, &folded, &n.Open, &n.Content)
			n.Began, n.Told, n.Posted, n.Folded = at(began), at(told), at(posted), at(folded)
			all = append(all, n)
			return err
		}, claimNotices, ms(t.now), ms(t.now.Add(lease)), limit, holder, string(to))
	})
	if err != nil {
		return nil, fmt.Errorf("claim notices: %w", err)
	}
	slices.SortStableFunc(all, func(a, b claimed) int { return int(a.due - b.due) })
	notices := make([]Notice, len(all))
	for i, n := range all {
		notices[i] = n.Notice
	}
	return notices, nil
}

// changeNotice runs an update of a claimed notice, whose conditions and first
// five arguments are given: its key and its fence. ErrFenced means that another
// node has claimed it since.
func (t *tx) changeNotice(n Notice, set string, args ...any) error {
	changed, err := t.exec("update notices set lease_until = 0, "+set+" where "+noticeKey(n.Recipient)+" and fence = $5",
		append([]any{string(n.What), n.Sync, string(n.Kind), n.Cause, n.fence}, args...)...)
	if err == nil && changed == 0 {
		return ErrFenced
	}
	return err
}

// NoticeTold stores that a claimed notice was sent as it was. What changed since
// the claim is sent later. The lease may be over: as long as no one else has
// claimed it, what was sent was sent.
func (db *DB) NoticeTold(ctx context.Context, n Notice, told Telling) error {
	err := db.update(ctx, func(t *tx) error {
		again := int64(0)
		if told.Again > 0 {
			again = ms(t.now.Add(told.Again))
		}
		posted := n.Posted
		if told.Posted {
			posted = t.now
		}
		// A change that came meanwhile does not wait for the look to come.
		err := t.changeNotice(n, `told = $6, attempts = 0, failure = '', gave_up_at = 0, channel = $9, place = $10, told_at = $11, posted_at = $12,
    open = $13, content = $14,
    changed = case when changed = $6 and cast($8 as bigint) > 0 then changed + 1 else changed end,
    due_at = case when changed = $6 and cast($8 as bigint) > 0 then cast($8 as bigint) else $7 end`,
			n.changed, ms(t.now.Add(told.Quiet)), again, told.Channel, told.Place, ms(n.Claimed), ms(posted), told.Open, told.Content)
		if err != nil || !told.Recovered {
			return err
		}
		return t.tellTo(n.Recipient, RecoveredNotice, n.Sync, n.Kind, n.Cause, 0)
	})
	return noticeError("store that a notice was told", err)
}

// NoticeFailed stores why a claimed notice could not be told; it is tried again
// after a pause.
func (db *DB) NoticeFailed(ctx context.Context, n Notice, pause time.Duration, failure string) error {
	err := db.update(ctx, func(t *tx) error {
		return t.changeNotice(n, "attempts = attempts + 1, due_at = $6, failure = $7", ms(t.now.Add(pause)), failure)
	})
	return noticeError("store that a notice failed", err)
}

// GiveUpNotice stores that a claimed notice is not tried any more, and why. What
// changes later is told again.
func (db *DB) GiveUpNotice(ctx context.Context, n Notice, failure string) error {
	err := db.update(ctx, func(t *tx) error {
		return t.changeNotice(n, "told = $6, attempts = 0, failure = $7, gave_up_at = $8", n.changed, failure, ms(t.now))
	})
	return noticeError("give up a notice", err)
}

// PutBackNotice gives a claimed notice back untold, for a time.
func (db *DB) PutBackNotice(ctx context.Context, n Notice, pause time.Duration) error {
	err := db.update(ctx, func(t *tx) error { return t.changeNotice(n, "due_at = $6", ms(t.now.Add(pause))) })
	return noticeError("give a notice back", err)
}

func noticeError(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// HurryNotice makes a group's message in Slack due at once, unless it is failing.
func (db *DB) HurryNotice(ctx context.Context, sync string, kind status.Kind, cause string) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update notices set due_at = $5, changed = changed + 1, began_at = case when changed > told then began_at else $5 end where "+
			noticeKey(ToSlack)+" and attempts = 0",
			string(GroupNotice), sync, string(kind), cause, ms(t.now))
		return err
	})
	return noticeError("make a notice due", err)
}

// PostedSince counts the messages that were posted to a channel, or would have been
// without a flood: while that continues, so does folding.
func (db *DB) PostedSince(ctx context.Context, channel string, since time.Time) (int, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) },
		"select count(*) from notices where channel = $1 and (posted_at > $2 or folded_at > $2)", channel, ms(since))
	return n, noticeError("count what was posted", err)
}

// A flood that was posted less than a window ago continues, a later one is another.
const tellFlood = `
insert into notices (recipient, what, sync, kind, cause, channel, began_at, due_at) values ($4, 'flood', '', '', $1, $1, $2, $2)
on conflict (recipient, what, sync, kind, cause) do update set changed = notices.changed + 1,
    began_at = case when notices.posted_at <= $3 and notices.changed = notices.told then excluded.began_at else notices.began_at end,
    place = case when notices.posted_at <= $3 and notices.changed = notices.told then '' else notices.place end`

// FoldNotices leaves it to one message of a channel to tell of claimed notices of
// one recipient.
// Those that another node has claimed since are left out.
func (db *DB) FoldNotices(ctx context.Context, channel string, folded []Notice, window time.Duration) error {
	err := db.update(ctx, func(t *tx) error {
		left := false
		for _, n := range folded {
			err := t.changeNotice(n, `told = $6, attempts = 0, failure = '', channel = $7, place = '', content = '', told_at = $8, folded_at = $9`,
				n.changed, channel, ms(n.Claimed), ms(t.now))
			if errors.Is(err, ErrFenced) {
				continue
			}
			if err != nil {
				return err
			}
			left = true
		}
		if !left {
			return nil
		}
		_, err := t.exec(tellFlood, channel, ms(t.now), ms(t.now.Add(-window)), string(folded[0].Recipient))
		return err
	})
	return noticeError("fold notices", err)
}

// Folded is what a flood tells of: notices of one sync and kind.
type Folded struct {
	What               What
	Sync               string
	Kind               status.Kind
	Groups, Exceptions int // Exceptions are those still open
}

// FoldedSince returns what was folded in a channel, the largest first.
func (db *DB) FoldedSince(ctx context.Context, channel string, since time.Time) ([]Folded, error) {
	var found []Folded
	err := db.view(ctx, func(s scanner) error {
		var f Folded
		err := s.Scan(&f.What, &f.Sync, &f.Kind, &f.Groups, &f.Exceptions)
		found = append(found, f)
		return err
	}, `select n.what, n.sync, n.kind, count(distinct n.cause), count(x.id) from notices n
left join exceptions x on x.sync = n.sync and x.kind = n.kind and x.cause = n.cause and x.state in ('open', 'acknowledged')
where n.channel = $1 and n.folded_at >= $2
group by n.what, n.sync, n.kind order by count(distinct n.cause) desc, n.sync, n.kind, n.what`, channel, ms(since))
	return found, noticeError("count what was folded", err)
}

// OpenDigest makes the digest of a day due, once over all nodes. It returns
// false when that was done.
func (db *DB) OpenDigest(ctx context.Context, day string) (opened bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("insert into notices (what, sync, kind, cause, began_at, due_at) values ('digest', '', '', $1, $2, $2) on conflict (recipient, what, sync, kind, cause) do nothing",
			day, ms(t.now))
		opened = n > 0
		if err != nil || n == 0 {
			return err
		}
		_, err = t.exec("delete from notices where what = 'digest' and cause < $1 and began_at < $2", day, ms(t.now.AddDate(0, 0, -7)))
		return err
	})
	return opened, noticeError("open a digest", err)
}

// Untold is a notice that could not be told.
type Untold struct {
	Notice
	Since   time.Time // when its oldest untold change was
	Failure string
}

// Undelivered is what a recipient was not told.
type Undelivered struct {
	Recipient        Recipient
	Waiting, GivenUp int
	Since            time.Time // when the oldest change was that waits or was given up
	Failure          string    // of one of them
}

// NotDelivered returns, for each recipient with one, how many notices failed and
// wait for another try, and how many were given up since a time.
func (db *DB) NotDelivered(ctx context.Context, since time.Time) ([]Undelivered, error) {
	var found []Undelivered
	err := db.view(ctx, func(s scanner) error {
		var u Undelivered
		var began int64
		err := s.Scan(&u.Recipient, &u.Waiting, &u.GivenUp, &began, &u.Failure)
		u.Since = at(began)
		found = append(found, u)
		return err
	}, `select recipient, count(case when changed > told then 1 end), count(case when gave_up_at >= $1 then 1 end), min(began_at), max(failure)
from notices where failure <> '' and (changed > told or gave_up_at >= $1) group by recipient order by recipient`, ms(since))
	return found, noticeError("count what was not delivered", err)
}

// UntoldNotices returns the notices that failed and wait for another try, the
// oldest first.
func (db *DB) UntoldNotices(ctx context.Context) ([]Untold, error) {
	var found []Untold
	err := db.view(ctx, func(s scanner) error {
		var u Untold
		var began int64
		err := s.Scan(&u.Recipient, &u.What, &u.Sync, &u.Kind, &u.Cause, &began, &u.Attempts, &u.Failure)
		u.Since = at(began)
		found = append(found, u)
		return err
	}, "select recipient, what, sync, kind, cause, began_at, attempts, failure from notices where changed > told and failure <> '' order by began_at, what, sync, kind, cause limit 100")
	return found, noticeError("list the notices that failed", err)
}

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
