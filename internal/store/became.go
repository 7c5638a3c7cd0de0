package store

import (
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Now is how it stands today with what an event was about. An event keeps the
// outcome that it ended with, while its customer goes on.
type Now struct {
	Name   string // the customer's, "" when it is not known
	Became status.Became
	Kind   status.Kind // of the exception that is open, "" for none
	Code   reason.Code // why the customer stands as it does, when nothing is open
}

// The customer of an event, under names of its own: the conditions of a list name
// the event's columns.
const withItsCustomer = ` left join (select sync as its_sync, customer as its_id, name as its_name, outcome as its_outcome, reason_code as its_code
    from customers) its on its_sync = sync and its_id = customer and customer <> ''`

// openKind is the kind of the exception that was seen last of those that are
// open about an event. What cannot be read concerns no customer.
const openKind = `(select x.kind from exceptions x where x.sync = events.sync and x.customer = events.customer and x.state in ('open', 'acknowledged')
    and (x.customer <> '' or x.kind = 'unreadable_event') order by x.last_seen desc, x.id desc limit 1)`

// became is a status.Became. A customer who needs a person again may have been
// synced in between: its history tells.
const became = `case
    when outcome = '' then 'waiting'
    when outcome not in ('would_write', 'held', 'parked') then 'done'
    when customer = '' then case
        when exists (select 1 from events r where r.replay_of > 0 and r.replay_of = case when events.replay_of > 0 then events.replay_of else events.seq end
            and (events.replay_of = 0 or r.received_at > events.received_at)) then 'since_replayed'
        when ` + openKind + ` is null then 'settled'
        else 'still_open' end
    when its_id is null or customer like '` + forgottenPrefix + `%' then 'gone'
    when its_outcome = 'applied' then 'since_written'
    when its_outcome = 'already_equal' then 'since_equal'
    when its_outcome = 'ignored' then 'since_ignored'
    when exists (select 1 from decisions d where d.sync = events.sync and d.customer = events.customer and d.outcome in ('applied', 'already_equal')
        and d.made_at > events.settled_at) then 'since_written'
    when its_code in ('owner_keeps_theirs', 'write_undone') then 'settled'
    when ` + openKind + ` is not null then 'still_open'
    when exists (select 1 from exceptions p where p.sync = events.sync and p.customer = events.customer and p.last_seen >= events.settled_at
        and (p.state = 'ignored' or p.dismissed = 1)) then 'settled'
    else 'still_open' end`

const nowColumns = became + ", coalesce(" + openKind + ", ''), coalesce(its_code, ''), coalesce(its_name, '')"
