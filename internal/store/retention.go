package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// OldThing is something that is deleted when it is old.
type OldThing string

// What is deleted, in the order in which that is done.
const (
	OldPayloads    OldThing = "payloads" // of events, whose rows stay
	OldEvents      OldThing = "events"
	OldDecisions   OldThing = "decisions"
	OldActions     OldThing = "actions" // of the exceptions that go
	OldExceptions  OldThing = "exceptions"
	OldLinkChanges OldThing = "link_changes"
	OldPauses      OldThing = "pauses" // that have ended
	OldPins        OldThing = "pins"   // likewise, or their time has passed
	OldJobs        OldThing = "plan_jobs"
	OldActivity    OldThing = "activity"
	OldNotices     OldThing = "notices"
	OldRequests    OldThing = "requests" // their idempotency keys
	OldSettings    OldThing = "settings" // of configurations, whose digests stay
	OldRefusals    OldThing = "refused_configurations"
	OldSessions    OldThing = "sessions" // that have ended
	OldLinks       OldThing = "sign_in_links"
	OldAttempts    OldThing = "sign_in_attempts"
)

// OldSignIns are what is left of people who signed in, which no history needs.
var OldSignIns = []OldThing{OldSessions, OldLinks, OldAttempts}

// OldHistory are the things that are history; payloads have a time of their own.
var OldHistory = []OldThing{OldEvents, OldDecisions, OldActions, OldExceptions, OldLinkChanges, OldPauses, OldPins, OldJobs, OldActivity, OldNotices, OldRequests, OldSettings, OldRefusals}

// some and none ask for one row, none for the lack of it. As an exists, PostgreSQL may
// turn the question round: it then reads all of the other table for each batch.
func some(of string) string { return "coalesce((select true from " + of + " limit 1), false)" }
func none(of string) string { return "coalesce((select false from " + of + " limit 1), true)" }

// What is left alone however old it is: customers who are due, and customers who
// need a person, with all that is known of them. o is the row.
var (
	settledCustomer = none("customers c where c.sync = o.sync and c.customer = o.customer and (c.due_at is not null or c.lease_until > $3)") + `
and ` + none("exceptions x where x.sync = o.sync and x.customer = o.customer and x.state in ('open', 'acknowledged')")

	// A source that cannot be asked is read from its newest event: an event goes
	// only when one that is surely newer is there with its payload. What could
	// not be read has no customer.
	settledEvent = "o.received_at < $1 and o.outcome <> '' and o.settled_at < $1 and " + settledCustomer + `
and (o.side = 'target' or o.customer = '' or ` + some(`events n
    where n.sync = o.sync and n.customer = o.customer and n.connection = o.connection and n.side = 'source' and n.replay_of = 0
        and n.seq > o.seq and length(n.payload) > 0 and (n.occurred_at > o.occurred_at or n.occurred_at = 0 and o.occurred_at = 0)`) + `)
and ` + none("customers k where k.sync = o.sync and k.customer = o.customer and k.desired_event = o.event_id")
)

// outdated chooses the rows of each thing that are old: the table, the columns
// that tell its rows, whether that is a number, and the condition. $1 is the
// time, $2 how many, $3 now.
var outdated = map[OldThing]struct {
	table, key string
	numbered   bool
	condition  string
}{
	OldPayloads: {"events", "seq", true, "length(o.payload) > 0 and " + settledEvent},
	// A replay names its original, which goes after it.
	OldEvents: {"events", "seq", true, settledEvent + " and " + none("events r where r.replay_of = o.seq and r.replay_of > 0")},
	OldDecisions: {"decisions", "id", true, "o.made_at < $1 and " + settledCustomer +
		" and " + some("decisions n where n.sync = o.sync and n.customer = o.customer and n.id > o.id")},
	OldActions: {"actions", "id", true, "o.done_at < $1 and cast($3 as bigint) > 0 and " +
		none("exceptions x where x.id = o.exception_id and not (x.state = 'resolved' and x.last_seen < $1)")},
	// What is ignored stays: deleted, it would open again.
	OldExceptions: {"exceptions", "id", true, "o.state = 'resolved' and o.last_seen < $1 and cast($3 as bigint) > 0 and " +
		none("actions a where a.exception_id = o.id")},
	OldLinkChanges: {"link_history", "id", true, "o.changed_at < $1 and " + settledCustomer +
		" and " + some("link_history n where n.sync = o.sync and n.customer = o.customer and n.id > o.id")},
	OldPauses:   {"pauses", "id", true, "o.ended_at > 0 and o.ended_at < $1 and cast($3 as bigint) > 0"},
	OldPins:     {"pins", "id", true, "(o.ended_at > 0 and o.ended_at < $1 or o.until_at > 0 and o.until_at < $1) and cast($3 as bigint) > 0"},
	OldActivity: {"activity", "id", true, "o.done_at < $1 and cast($3 as bigint) > 0"},
	OldJobs:     {"plan_jobs", "id", true, "o.ended_at > 0 and o.ended_at < $1 and cast($3 as bigint) > 0"},
	// Where a recipient is not in the file, no one is ever told.
	OldNotices: {"notices", "recipient, what, sync, kind, cause", false, `o.what in ('group', 'reminder', 'recovered')
and (o.changed <= o.told and o.told_at < $1 or o.told = 0 and o.began_at < $1) and cast($3 as bigint) > 0
and not exists (select 1 from exceptions x where x.sync = o.sync and x.kind = o.kind and x.cause = o.cause)`},
	OldSettings: {"config_readings", "id", true, `o.read_at < $1 and o.settings <> '' and cast($3 as bigint) > 0
and exists (select 1 from config_readings n where n.id > o.id)`},
	OldRefusals: {"config_refusals", "id", true, "o.read_at < $1 and cast($3 as bigint) > 0"},
	// A key that was given to a request is free again.
	OldRequests: {"requests", "request_key", false, "o.done_at < $1 and cast($3 as bigint) > 0"},
	OldSessions: {"sessions", "hash", false, "(o.ended_at > 0 and o.ended_at < $1 or o.seen_at < $1) and cast($3 as bigint) > 0"},
	OldLinks:    {"sign_in_links", "hash", false, "o.until_at < $1 and cast($3 as bigint) > 0"},
	OldAttempts: {"sign_in_attempts", "kind, hash", false, "o.last_at < $1 and o.free_at < $3 and o.known_until < $3"},
}

// DeleteOld deletes up to limit things that are older than a time, and returns how
// many there were. after is where a pass has got to, 0 at its beginning. next is
// where it continues, so that what stays is checked once in a pass; 0 means that the
// pass is over. Nothing is deleted of a customer who waits or has an open exception,
// nor the event that has the state of a source that cannot be asked.
func (db *DB) DeleteOld(ctx context.Context, what OldThing, before time.Time, after int64, limit int) (n int, next int64, err error) {
	err = db.update(ctx, func(t *tx) error {
		if outdated[what].numbered {
			n, next, err = t.deleteNumbered(what, before, after, limit)
		} else {
			n, next, err = t.deleteNamed(what, before, after, limit)
		}
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("delete old %s: %w", strings.ReplaceAll(string(what), "_", " "), err)
	}
	return n, next, nil
}

// lookedAt is how many rows are read for each that may go: what stays must not
// delay others for long.
const lookedAt = 25

func (t *tx) deleteNumbered(what OldThing, before time.Time, after int64, limit int) (n int, next int64, err error) {
	o := outdated[what]
	last := int64(0) // of those that are read now
	err = t.query(func(s scanner) error { return s.Scan(&last) }, "select coalesce(max(k), 0) from (select "+o.key+" as k from "+o.table+
		" where "+o.key+" > $1 order by "+o.key+" limit $2) looked", after, limit*lookedAt)
	if err != nil || last == 0 {
		return 0, 0, err
	}
	change := "delete from " + o.table
	args := []any{ms(before), limit, ms(t.now), after, last}
	switch what {
	case OldPayloads:
		change = "update " + o.table + " set payload = $6"
		args = append(args, []byte{})
	case OldSettings:
		change = "update " + o.table + " set settings = '', secrets = '[]'"
	}
	err = t.query(func(s scanner) error {
		var key int64
		err := s.Scan(&key)
		n, next = n+1, max(next, key)
		return err
	}, change+" where "+o.key+" > $4 and "+o.key+" <= $5 and "+o.key+" in (select o."+o.key+" from "+o.table+" o where o."+o.key+" > $4 and o."+o.key+" <= $5 and "+o.condition+
		" order by o."+o.key+" limit $2) returning "+o.key, args...)
	if n < limit {
		next = last
	}
	return n, next, err
}

// deleteNamed is deleteNumbered for a table whose rows have no number: few enough
// that each batch begins with the first.
func (t *tx) deleteNamed(what OldThing, before time.Time, after int64, limit int) (n int, next int64, err error) {
	o := outdated[what]
	deleted, err := t.exec("delete from "+o.table+" where ("+o.key+") in (select "+o.key+" from "+o.table+" o where "+o.condition+" limit $2)",
		ms(before), limit, ms(t.now))
	if n = int(deleted); n == limit {
		next = after + 1
	}
	return n, next, err
}
