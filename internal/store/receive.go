package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Receive stores events and wakes their customers, all of one call in one
// transaction, and says of each what became of it; a repeat is dropped
// (invariant 2).
func (db *DB) Receive(ctx context.Context, events []NewEvent) (arrived []Arrival, err error) {
	var touches []key
	for _, e := range events {
		if e.Outcome == "" && e.Side == SourceSide {
			touches = append(touches, keyOf(e.Sync, e.Customer))
		}
	}
	j := &job{ctx: ctx, names: true, touches: touches, events: events}
	if err := db.run(j); err != nil {
		return nil, err
	}
	return j.arrived, nil
}

// receive stores the events of jobs and wakes their customers, as if each had been the only
// one: all of them cost few calls of a server. Another job of the transaction finds both:
// one that forgets a customer would else have it woken afterwards.
func (t *tx) receive(jobs []*job) error {
	var all []NewEvent
	begins := make([]int, len(jobs))
	for i, j := range jobs {
		begins[i] = len(all)
		for _, e := range j.events {
			all = append(all, t.underItsName(e))
		}
		all = append(all, t.alsoFor(all[begins[i]:])...)
	}
	arrived, err := t.storeEvents(all)
	if err != nil {
		return fmt.Errorf("store %d events: %w", len(all), err)
	}
	for i, j := range jobs {
		end := len(all)
		if i+1 < len(jobs) {
			end = begins[i+1]
		}
		for n := begins[i]; n < end; n++ {
			if e := all[n]; e.ReplayOf > 0 && arrived[n] == Fresh {
				if err := t.record(j.ctx, Activity{Who: e.ReplayedBy, Sync: e.Sync, Customer: e.Customer, Act: reason.Reason{Code: reason.ActReplayed, Facts: reason.Facts{Event: e.ID}}}); err != nil {
					return err
				}
			}
		}
		j.arrived = arrived[begins[i]:][:len(j.events)]
	}
	return t.wakeCustomers()
}

// storeEvents stores events in their order, those whose id is known after all others, and
// says of each what became of it.
func (t *tx) storeEvents(given []NewEvent) ([]Arrival, error) {
	all := slices.Clone(given) // the caller keeps what a target called its record
	forgotten, err := t.forgottenOf(all)
	if err != nil {
		return nil, err
	}
	arrived := make([]Arrival, len(all))
	wanted := make([]int, 0, len(all)) // those that are not out of a list of what was forgotten
	for i := range all {
		e := &all[i]
		if e.Side == TargetSide && e.Outcome == "" {
			if err := t.nameByLink(e); err != nil {
				return nil, err
			}
		}
		if e.Listed && e.Side == SourceSide && forgotten != nil {
			known, err := t.forgottenSince(*e, forgotten)
			if err != nil {
				return nil, err
			}
			if known {
				arrived[i] = Repeat
				continue
			}
		}
		wanted = append(wanted, i)
	}
	fresh, err := t.insertAll(all, wanted)
	if err != nil {
		return nil, err
	}
	var known []int
	for n, i := range wanted {
		if !fresh[n] {
			known = append(known, i)
			continue
		}
		arrived[i] = Fresh
		if err := t.inserted(all[i]); err != nil {
			return nil, err
		}
	}
	for _, i := range known {
		if arrived[i], err = t.again(all[i]); err != nil {
			return nil, err
		}
	}
	return arrived, nil
}

const eventInserted = "connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at, replay_of, replayed_by, unchanged_at, reason_code, reason_facts, listed"

const insertEvent = `
insert into events (` + eventInserted + `)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict (connection, event_id, sync) do nothing`

// insertEvents stores many with one call of a server. They get their numbers in the order
// of the lists, and of two with one id the first is stored.
const insertEvents = `
insert into events (` + eventInserted + `)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bytea[], $11::text[], $12::text[], $13::bigint[],
    $14::bigint[], $15::text[], $16::bigint[], $17::text[], $18::text[], $19::bigint[])
on conflict (connection, event_id, sync) do nothing
returning connection, event_id, sync`

// together is how many bytes of payloads go into one statement, and one more payload: a
// message to PostgreSQL is made in memory as a whole.
const together = 4 << 20

// insertAll stores those of all events that are wanted, and says of each whether it was
// new.
func (t *tx) insertAll(all []NewEvent, wanted []int) (fresh []bool, err error) {
	if !t.db.lists || len(wanted) < 2 {
		for _, i := range wanted {
			n, err := t.exec(insertEvent, t.eventRow(all[i])...)
			if err != nil {
				return nil, err
			}
			fresh = append(fresh, n > 0)
		}
		return fresh, nil
	}
	size, begin := 0, 0
	for n, i := range wanted {
		if size += len(all[i].Payload); size < together && n+1 < len(wanted) {
			continue
		}
		part, err := t.insertList(all, wanted[begin:n+1])
		if err != nil {
			return nil, err
		}
		fresh, size, begin = append(fresh, part...), 0, n+1
	}
	return fresh, nil
}

// insertList is insertAll with one statement.
func (t *tx) insertList(all []NewEvent, wanted []int) (fresh []bool, err error) {
	type id struct{ connection, event, sync string }
	lists := make([]any, 19)
	for _, i := range wanted {
		for n, value := range t.eventRow(all[i]) {
			switch v := value.(type) {
			case string:
				list, _ := lists[n].([]string)
				lists[n] = append(list, cleaned(v))
			case int64:
				list, _ := lists[n].([]int64)
				lists[n] = append(list, v)
			case []byte:
				list, _ := lists[n].([][]byte)
				lists[n] = append(list, v)
			}
		}
	}
	stored := map[id]bool{}
	err = t.query(func(s scanner) error {
		var k id
		err := s.Scan(&k.connection, &k.event, &k.sync)
		stored[k] = true
		return err
	}, insertEvents, lists...)
	for _, i := range wanted {
		k := id{cleaned(all[i].Connection), cleaned(all[i].ID), cleaned(all[i].Sync)}
		fresh = append(fresh, stored[k])
		delete(stored, k) // the next one with its id is another
	}
	return fresh, err
}

// insert stores an event unless there is one of its id.
func (t *tx) insert(e NewEvent) (bool, error) {
	n, err := t.exec(insertEvent, t.eventRow(e)...)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.inserted(e)
}

// eventRow are the values of eventInserted.
func (t *tx) eventRow(e NewEvent) []any {
	settled := int64(0)
	if e.Outcome != "" {
		settled = ms(t.now)
	}
	payload := e.Payload
	if payload == nil {
		payload = []byte{}
	}
	why := keep(e.Reason)
	return []any{e.Connection, e.Sync, string(e.Side), e.ID, e.Customer, e.Value, bit(e.HasValue),
		ms(e.OccurredAt), ms(t.now), payload, string(e.Outcome), why.text, settled, e.ReplayOf, e.ReplayedBy, ms(e.UnchangedAt), why.code, why.facts, bit(e.Listed)}
}

// inserted is what an event brings with it.
func (t *tx) inserted(e NewEvent) error {
	if err := errors.Join(t.know(SyncName, e.Sync), t.know(ConnectionName, e.Connection)); err != nil {
		return err
	}
	if e.Exception != nil {
		if _, err := t.openException(*e.Exception); err != nil {
			return err
		}
	}
	if e.Outcome == "" {
		t.wake(e.Sync, e.Customer)
	}
	return nil
}
