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
	OldNotices     OldThing = "notices"
)

// OldHistory are the things that are history; payloads have a time of their own.
var OldHistory = []OldThing{OldEvents, OldDecisions, OldActions, OldExceptions, OldLinkChanges, OldNotices}

// What is left alone however old it is: whoever waits to be looked at, and
// whoever a person has to look at, with all that is known of them. o is the row.
const (
	settledCustomer = `
not exists (select 1 from customers c where c.sync = o.sync and c.customer = o.customer and (c.due_at is not null or c.lease_until > $3))
and not exists (select 1 from exceptions x where x.sync = o.sync and x.customer = o.customer and x.state in ('open', 'acknowledged'))`

	// A source that cannot be asked is read from its newest event: an event goes
	// only when one that is surely newer is there with its payload. What could
	// not be read is nobody's.
	settledEvent = "o.received_at < $1 and o.outcome <> '' and o.settled_at < $1 and " + settledCustomer + `
and (o.side = 'target' or o.customer = '' or exists (select 1 from events n
    where n.sync = o.sync and n.customer = o.customer and n.connection = o.connection and n.side = 'source' and n.replay_of = 0
        and n.seq > o.seq and length(n.payload) > 0 and (n.occurred_at > o.occurred_at or n.occurred_at = 0 and o.occurred_at = 0)))
and not exists (select 1 from customers k where k.sync = o.sync and k.customer = o.customer and k.desired_event = o.event_id)`
)

// outdated chooses the rows of each thing that are old: the table, the column
// that numbers its rows, and the condition. $1 is the time, $2 how many, $3 now.
var outdated = map[OldThing]struct{ table, key, condition string }{
	OldPayloads: {"events", "seq", "length(o.payload) > 0 and " + settledEvent},
	// A replay names its original, which goes after it.
	OldEvents: {"events", "seq", settledEvent + " and not exists (select 1 from events r where r.replay_of = o.seq and r.replay_of > 0)"},
	OldDecisions: {"decisions", "id", "o.made_at < $1 and " + settledCustomer +
		" and exists (select 1 from decisions n where n.sync = o.sync and n.customer = o.customer and n.id > o.id)"},
	OldActions: {"actions", "id", `o.done_at < $1 and cast($3 as bigint) > 0
and not exists (select 1 from exceptions x where x.id = o.exception_id and not (x.state = 'resolved' and x.last_seen < $1))`},
	// What is ignored stays: deleted, it would open again.
	OldExceptions: {"exceptions", "id", `o.state = 'resolved' and o.last_seen < $1 and cast($3 as bigint) > 0
and not exists (select 1 from actions a where a.exception_id = o.id)`},
	OldLinkChanges: {"link_history", "id", "o.changed_at < $1 and " + settledCustomer +
		" and exists (select 1 from link_history n where n.sync = o.sync and n.customer = o.customer and n.id > o.id)"},
	OldNotices: {"notices", "", `o.what in ('group', 'reminder', 'recovered') and o.changed <= o.told and o.told_at < $1 and cast($3 as bigint) > 0
and not exists (select 1 from exceptions x where x.sync = o.sync and x.kind = o.kind and x.cause = o.cause)`},
}

// DeleteOld deletes up to limit things that are older than a time, and returns
// how many there were: fewer than limit means that none is left. Nothing goes
// of a customer who waits or has an open exception, and never the event that
// tells the state of a source that cannot be asked.
func (db *DB) DeleteOld(ctx context.Context, what OldThing, before time.Time, limit int) (n int, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err = t.deleteOld(what, before, limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete old %s: %w", strings.ReplaceAll(string(what), "_", " "), err)
	}
	return n, nil
}

func (t *tx) deleteOld(what OldThing, before time.Time, limit int) (int, error) {
	o := outdated[what]
	if o.key == "" {
		const key = "what, sync, kind, cause"
		n, err := t.exec("delete from "+o.table+" where ("+key+") in (select "+key+" from "+o.table+" o where "+o.condition+" limit $2)",
			ms(before), limit, ms(t.now))
		return int(n), err
	}
	change := "delete from " + o.table
	args := []any{ms(before), limit, ms(t.now)}
	if what == OldPayloads {
		change = "update " + o.table + " set payload = $4"
		args = append(args, []byte{})
	}
	n, err := t.exec(change+" where "+o.key+" in (select o."+o.key+" from "+o.table+" o where "+o.condition+" order by o."+o.key+" limit $2)", args...)
	return int(n), err
}
