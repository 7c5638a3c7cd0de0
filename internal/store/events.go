package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// nameByLink replaces the target's record id by the customer it is linked to.
func (t *tx) nameByLink(e *NewEvent) error {
	customer := ""
	err := t.query(func(s scanner) error { return s.Scan(&customer) },
		"select customer from links where sync = $1 and target_id = $2", e.Sync, e.Customer)
	if err != nil {
		return err
	}
	if customer == "" {
		e.Outcome, e.Reason = status.Ignored, reason.Reason{Code: reason.EventNotLinked}
		return nil
	}
	e.Customer = customer
	return nil
}

const eventColumns = "seq, connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, outcome, reason, reason_code, reason_facts, settled_at, replay_of, replayed_by, unchanged_at"

func scanEvent(s scanner, e *Event, more ...any) error {
	var hasValue, occurred, received, settled, unchanged int64
	var why kept
	err := s.Scan(append([]any{&e.Seq, &e.Connection, &e.Sync, &e.Side, &e.ID, &e.Customer, &e.Value, &hasValue,
		&occurred, &received, &e.Outcome, &why.text, &why.code, &why.facts, &settled, &e.ReplayOf, &e.ReplayedBy, &unchanged}, more...)...)
	e.HasValue, e.OccurredAt, e.ReceivedAt, e.SettledAt, e.UnchangedAt = hasValue == 1, at(occurred), at(received), at(settled), at(unchanged)
	e.Reason = why.reason()
	return err
}

// Events returns the chosen events, the latest first.
func (db *DB) Events(ctx context.Context, f EventFilter) ([]Event, error) {
	w := where{}
	w.equal("sync", f.Sync)
	w.equal("customer", f.Customer)
	if f.Connection != "" {
		asked := w.arg(f.Connection)
		// Under the name it had before, too.
		w.that("connection in (" + asked + ", (select became from names where kind = 'connection' and name = " + asked + "))")
	}
	w.equal("outcome", string(f.Outcome))
	if f.Waiting {
		w.that("outcome = ''")
	}
	if f.Before > 0 {
		w.that("seq < " + w.arg(f.Before))
	}
	if !f.Since.IsZero() {
		w.that("received_at >= " + w.arg(ms(f.Since)))
	}
	if !f.Until.IsZero() {
		w.that("received_at < " + w.arg(ms(f.Until)))
	}
	if f.Valued {
		w.that("has_value = 1")
	}
	if f.Sent {
		w.that("listed = 0 and replay_of = 0")
	}
	order := "seq desc"
	switch {
	case f.Originals:
		// A walk over what was received: it meets nothing that it makes.
		w.that("replay_of = 0 and seq > " + w.arg(f.After))
		order = "seq"
	case f.LatestChange:
		w.that("side = 'source'")
		order = "case when occurred_at > received_at + " + w.arg(f.Skew.Milliseconds()) + " then received_at else occurred_at end desc, case when replay_of > 0 then replay_of else seq end desc, seq desc"
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	payload := "payload"
	if f.Bare {
		payload = "null"
	}
	columns, from := eventColumns+", "+payload, " from events"
	if f.WithNow || f.StillOpen {
		columns, from = columns+", "+nowColumns, from+withItsCustomer
	}
	if f.StillOpen {
		w.that(became + " = 'still_open'")
	}
	query := "select " + columns + from + w.String() + " order by " + order + " limit " + w.arg(f.Limit)
	var found []Event
	err := db.view(ctx, func(s scanner) error {
		var e Event
		more := []any{&e.Payload}
		if f.WithNow || f.StillOpen {
			more = append(more, &e.Now.Became, &e.Now.Kind, &e.Now.Code, &e.Now.Name)
		}
		err := scanEvent(s, &e, more...)
		found = append(found, e)
		return err
	}, query, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return found, nil
}

// Event returns one event with its payload and how it stands now, or ErrNotFound.
func (db *DB) Event(ctx context.Context, seq int64) (Event, error) {
	var e Event
	err := db.view(ctx, func(s scanner) error {
		return scanEvent(s, &e, &e.Payload, &e.Now.Became, &e.Now.Kind, &e.Now.Code, &e.Now.Name)
	}, "select "+eventColumns+", payload, "+nowColumns+" from events"+withItsCustomer+" where seq = $1", seq)
	if err == nil && e.Seq == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Event{}, fmt.Errorf("event %d: %w", seq, err)
	}
	return e, nil
}

// UnreadLeft counts the events of a sync that could not be read, and that no
// replay has read since.
func (db *DB) UnreadLeft(ctx context.Context, sync string) (n int, err error) {
	err = db.view(ctx, func(s scanner) error { return s.Scan(&n) }, `
select count(*) from events e where sync = $1 and customer = '' and outcome = 'parked'
    and not exists (select 1 from events r where r.replay_of > 0 and r.replay_of = case when e.replay_of > 0 then e.replay_of else e.seq end
        and (e.replay_of = 0 or r.received_at > e.received_at))`, sync)
	if err != nil {
		return 0, fmt.Errorf("count the events of %s that cannot be read: %w", sync, err)
	}
	return n, nil
}

// where gathers conditions and their arguments.
type where struct {
	conditions []string
	args       []any
}

// arg adds an argument and returns its placeholder.
func (w *where) arg(value any) string {
	w.args = append(w.args, value)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) that(condition string) { w.conditions = append(w.conditions, condition) }

// equal adds a condition unless the value is empty.
func (w *where) equal(column, value string) {
	if value != "" {
		w.that(column + " = " + w.arg(value))
	}
}

// in adds a condition unless there are no values.
func in[S ~string](w *where, column string, values []S) {
	if len(values) == 0 {
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.arg(string(v))
	}
	w.that(column + " in (" + strings.Join(places, ", ") + ")")
}

func (w *where) String() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(w.conditions, " and ")
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// EventFilter chooses events; empty fields choose all.
type EventFilter struct {
	Sync, Customer, Connection string
	Outcome                    status.Outcome
	Waiting                    bool      // only those without an outcome
	Before                     int64     // only those that came before this one; 0 is all
	Since, Until               time.Time // only those received from Since on and before Until
	Limit                      int       // 0 means 100
	// Originals leaves replays out and continues after After, oldest first.
	Originals bool
	After     int64
	// LatestChange gives the source's events by when the change happened, the
	// latest first; those without a time by arrival, behind the others.
	LatestChange bool
	Skew         time.Duration // for LatestChange: how far two clocks may differ
	// Valued leaves out those that carry no value.
	Valued bool
	// WithNow fills in how each stands now, and StillOpen keeps only those that still
	// wait for a person, a time or a mode.
	WithNow   bool
	StillOpen bool
	// Sent leaves out what was found by asking, and replays.
	Sent bool
	// Bare leaves the payloads where they are: a page of events may have
	// hundreds of megabytes of them.
	Bare bool
}

// replayMark stands between an event's id and the nonce of its replay.
const replayMark = "#replay-"

// ReplayID is the id of a replay. No tool's event has it, so that it is not
// taken for a repeat; two with one nonce are one.
func ReplayID(id, nonce string) string { return id + replayMark + nonce }

// OriginalID is the id of the event that a replay carries once more, and of any
// other event its own.
func OriginalID(id string) string {
	if at := strings.LastIndex(id, replayMark); at >= 0 {
		return id[:at]
	}
	return id
}
