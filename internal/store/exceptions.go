package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// A relapse opens the same row again. A question about two sides that a person
// closed stays closed while both are as they were: every poll finds them again.
// What an owner has acknowledged or ignored stays so: it is counted, and no one is
// notified again. What is ignored until the source changes comes back also when the
// source has returned to the same value, whatever happened to the customer in
// between. An owner that a person named stays the owner until it is resolved, and
// so do candidates that were searched since.
const (
	backAgain = `(exceptions.state = 'resolved' and not (exceptions.dismissed = 1
        and exceptions.source_value = excluded.source_value and exceptions.source_changes = excluded.source_changes
        and exceptions.target_value = excluded.target_value and exceptions.target_changes = excluded.target_changes)
    or exceptions.state = 'ignored' and exceptions.ignored = 'until_change'
        and (exceptions.source_value <> excluded.source_value or exceptions.source_changes <> excluded.source_changes))`

	openException = `
insert into exceptions (sync, customer, kind, stage, reason, source_value, target_value, last_action, confidence, owner, state, count,
    first_seen, last_seen, candidates, cause, opened_at, waits_since, reason_code, reason_facts, source_changes, target_changes)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', 1, $11, $11, $12, $13, $11, $11, $14, $15,
    coalesce((select c.source_changes from customers c where c.sync = $1 and c.customer = $2), 0),
    coalesce((select c.target_changes from customers c where c.sync = $1 and c.customer = $2), 0))
on conflict (sync, customer, kind) do update set stage = excluded.stage, reason = excluded.reason, reason_code = excluded.reason_code,
    reason_facts = excluded.reason_facts, source_value = excluded.source_value,
    target_value = excluded.target_value, last_action = excluded.last_action, confidence = excluded.confidence,
    candidates = case when excluded.candidates in ('null', '[]') and not ` + backAgain + ` then exceptions.candidates else excluded.candidates end,
    cause = excluded.cause, source_changes = excluded.source_changes, target_changes = excluded.target_changes, count = exceptions.count + 1, last_seen = excluded.last_seen,
    state = case when ` + backAgain + ` then 'open' else exceptions.state end,
    ignored = case when ` + backAgain + ` then '' else exceptions.ignored end,
    opened_at = case when ` + backAgain + ` then excluded.opened_at else exceptions.opened_at end,
    waits_since = case when ` + backAgain + ` then excluded.opened_at else exceptions.waits_since end,
    reminded_at = case when ` + backAgain + ` then 0 else exceptions.reminded_at end,
    owner = case when exceptions.assigned = 1 and exceptions.state <> 'resolved' then exceptions.owner else excluded.owner end,
    assigned = case when exceptions.state = 'resolved' then 0 else exceptions.assigned end,
    troubles = case when exceptions.state = 'resolved' then '[]' else exceptions.troubles end
returning id, opened_at, state, troubles`
)

// OptionsOfField is the cause of the exception of a sync that its target's field has
// no option for what it writes.
const OptionsOfField = "options of the field"

// OpenException opens an exception, or counts it when it is open already.
func (db *DB) OpenException(ctx context.Context, x NewException) (id int64, err error) {
	err = db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		x.Sync = t.names.current(SyncName, x.Sync)
		var err error
		id, err = t.openException(x)
		return err
	}})
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
	if x.Cause == "" {
		x.Cause = x.Customer
	}
	was, err := t.shownAs(x)
	if err != nil {
		return 0, err
	}
	var opened int64
	var state status.State
	var troubles string
	why := keep(x.Reason)
	err = t.query(func(s scanner) error { return s.Scan(&id, &opened, &state, &troubles) }, openException, x.Sync, x.Customer, string(x.Kind), string(x.Stage), why.text,
		x.SourceValue, x.TargetValue, x.LastAction, x.Confidence, x.Owner, ms(t.now), string(candidates), x.Cause, why.code, why.facts)
	if err != nil {
		return id, err
	}
	fresh := false // people are told of another trouble, too
	if inTroubles(x.Customer, x.Kind) {
		if fresh, err = t.addTrouble(id, troubles, x); err != nil {
			return id, err
		}
	}
	// People decide on the values that they are told.
	now := shownAs{x.SourceValue, x.TargetValue, x.Cause}
	if opened != ms(t.now) && (was == now && !fresh || state != status.Open && state != status.Acknowledged) {
		return id, nil
	}
	if was.cause != "" && was.cause != now.cause { // its old group is without it
		err = t.tell(x.Sync, x.Kind, was.cause)
	}
	return id, errors.Join(err, t.tell(x.Sync, x.Kind, x.Cause))
}

// shownAs is what of an exception people are told with its group.
type shownAs struct{ source, target, cause string }

// shownAs returns how an exception stands before it is opened again.
func (t *tx) shownAs(x NewException) (was shownAs, err error) {
	err = t.query(func(s scanner) error { return s.Scan(&was.source, &was.target, &was.cause) },
		"select source_value, target_value, cause from exceptions where sync = $1 and customer = $2 and kind = $3", x.Sync, x.Customer, string(x.Kind))
	return was, err
}

// resolve closes the exceptions that a condition chooses and are closable.
func (t *tx) resolve(chosen where) (closed int, err error) {
	chosen.that(closable)
	var topics []topic
	var ids []int64
	err = t.query(func(s scanner) error {
		var id int64
		var p topic
		err := s.Scan(&id, &p.sync, &p.kind, &p.cause)
		ids, topics = append(ids, id), append(topics, p)
		return err
	}, "update exceptions set state = 'resolved', ignored = '', dismissed = 0"+chosen.String()+" returning id, sync, kind, cause", chosen.args...)
	if err != nil {
		return 0, err
	}
	for i, p := range topics {
		if err := errors.Join(t.note(ids[i], itself, "closed", ""), t.tell(p.sync, p.kind, p.cause)); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// topic is what people are told about as one thing.
type topic struct {
	sync  string
	kind  status.Kind
	cause string
}

// tell has people notified of the current state of a group.
func (t *tx) tell(sync string, kind status.Kind, cause string) error {
	return t.tellOf(GroupNotice, sync, kind, cause, gathering)
}

// CloseExceptions resolves the open exceptions of one kind of a sync's
// customer and returns how many there were. With a lastAction it resolves only
// those that this action saw last: where several open one kind, none of them knows
// whether another's cause is over. An exception about a whole sync keeps what else
// is failing.
func (db *DB) CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (closed int, err error) {
	err = db.update(ctx, func(t *tx) error {
		if lastAction != "" && inTroubles(customer, kind) {
			var err error
			closed, err = t.endTrouble(sync, lastAction)
			return err
		}
		c := where{}
		c.equal("sync", sync)
		c.that("customer = " + c.arg(customer)) // "" is an exception of the whole sync
		c.equal("kind", string(kind))
		c.equal("last_action", lastAction)
		var err error
		closed, err = t.resolve(c)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("close exceptions: %w", err)
	}
	return closed, nil
}

// Exception returns one exception, or ErrNotFound.
func (db *DB) Exception(ctx context.Context, id int64) (Exception, error) {
	w := where{}
	w.that("id = " + w.arg(id))
	found, err := db.exceptions(ctx, w, "")
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Exception{}, fmt.Errorf("exception %d: %w", id, err)
	}
	return found[0], nil
}

// exceptions returns the chosen ones in an order; limit is the argument that the
// order ends with, if it does.
func (db *DB) exceptions(ctx context.Context, w where, order string, limit ...int) ([]Exception, error) {
	chosen := w.String()
	for _, n := range limit {
		order += w.arg(n)
	}
	var found []Exception
	err := db.view(ctx, func(s scanner) error {
		var x Exception
		var first, last, opened, waits, reminded, assigned int64
		var candidates string
		var why kept
		if err := s.Scan(&x.ID, &x.Sync, &x.Customer, &x.Kind, &x.Stage, &why.text, &why.code, &why.facts, &x.SourceValue, &x.TargetValue, &x.LastAction,
			&x.Confidence, &x.Owner, &x.State, &x.Count, &first, &last, &candidates, &x.Cause,
			&opened, &waits, &reminded, &assigned, &x.Ignored, &x.Name); err != nil {
			return err
		}
		x.Reason = why.reason()
		x.FirstSeen, x.LastSeen, x.OpenedAt, x.WaitsSince, x.RemindedAt, x.Assigned = at(first), at(last), at(opened), at(waits), at(reminded), assigned == 1
		found = append(found, x)
		return json.Unmarshal([]byte(candidates), &found[len(found)-1].Candidates)
	}, `select id, sync, customer, kind, stage, reason, reason_code, reason_facts, source_value, target_value, last_action, confidence, owner, state, count,
    first_seen, last_seen, candidates, cause, opened_at, waits_since, reminded_at, assigned, ignored,
    coalesce((select c.name from customers c where c.sync = exceptions.sync and c.customer = exceptions.customer), '') from exceptions`+chosen+order, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list exceptions: %w", err)
	}
	return found, nil
}

// WithoutCandidates returns the open unmatched exceptions of a sync for which no
// candidates were searched since they opened.
func (db *DB) WithoutCandidates(ctx context.Context, sync string) ([]Exception, error) {
	w := where{}
	w.that("sync = " + w.arg(sync))
	w.that("kind = " + w.arg(string(status.Unmatched)))
	w.that("state in ('open', 'acknowledged')")
	w.that("not exists (select 1 from actions where exception_id = exceptions.id and verb = 'suggested' and done_at >= exceptions.opened_at)")
	return db.exceptions(ctx, w, " order by id")
}

// SetCandidates stores what an exception's customer may be, none included.
func (db *DB) SetCandidates(ctx context.Context, id int64, candidates []status.Candidate) error {
	text, err := json.Marshal(candidates)
	if err != nil {
		return err
	}
	err = db.update(ctx, func(t *tx) error {
		customer := ""
		err := t.query(func(s scanner) error { return s.Scan(&customer) }, "select customer from exceptions where id = $1", id)
		if err != nil || IsForgotten(customer) { // meanwhile: they would name who was forgotten
			return err
		}
		n, err := t.exec("update exceptions set candidates = $2 where id = $1", id, string(text))
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.note(id, itself, "suggested", status.Plural(len(candidates), "candidate"))
	})
	if err != nil {
		return fmt.Errorf("store the candidates of exception %d: %w", id, err)
	}
	return nil
}

// overdue chooses the open exceptions of a sync, $1, that have waited since before $2.
const overdue = " sync = $1 and " + needsPerson + " and waits_since <= $2"

// RemindOverdue has people reminded of the exceptions of a sync that have been
// open for so long, of each once since it opened. It returns how many there
// were.
func (db *DB) RemindOverdue(ctx context.Context, sync string, after time.Duration) (reminded int, err error) {
	err = db.update(ctx, func(t *tx) error {
		reminded = 0
		groups := map[topic]bool{}
		err := t.query(func(s scanner) error {
			p := topic{sync: sync}
			err := s.Scan(&p.kind, &p.cause)
			groups[p] = true
			reminded++
			return err
		}, "update exceptions set reminded_at = $3 where reminded_at = 0 and"+overdue+" returning kind, cause", sync, ms(t.now.Add(-after)), ms(t.now))
		if err != nil {
			return err
		}
		// In one order everywhere: two nodes would else wait for each other.
		inOrder := func(a, b topic) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.cause, b.cause)) }
		for _, p := range slices.SortedFunc(maps.Keys(groups), inOrder) {
			if err := t.tellOf(ReminderNotice, p.sync, p.kind, p.cause, 0); err != nil {
				return err
			}
		}
		return nil
	})
	return reminded, noticeError("remind of what is overdue", err)
}

// Overdue counts the exceptions of a sync that have been open for so long.
func (db *DB) Overdue(ctx context.Context, sync string, after time.Duration) (map[status.Kind]int, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[status.Kind]int{}
	err = db.view(ctx, func(s scanner) error {
		var kind status.Kind
		var n int
		err := s.Scan(&kind, &n)
		counts[kind] = n
		return err
	}, "select kind, count(*) from exceptions where"+overdue+" group by kind", sync, ms(now.Add(-after)))
	return counts, noticeError("count what is overdue", err)
}

// OpenExceptions is how many exceptions are open or acknowledged.
func (db *DB) OpenExceptions(ctx context.Context) (n int, err error) {
	err = db.view(ctx, func(s scanner) error { return s.Scan(&n) }, "select count(*) from exceptions where state in ('open', 'acknowledged')")
	if err != nil {
		return 0, fmt.Errorf("count what is open: %w", err)
	}
	return n, nil
}
