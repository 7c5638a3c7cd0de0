package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// fillStep is how many rows a statement makes.
const fillStep = 100_000

// filledAge is how old all of it is: older than what retention keeps in growth.
const filledAge = 100 * 24 * time.Hour

// filledID is the id of a customer that fill makes.
func filledID(i int) string { return fmt.Sprint("cus_", 100_000_000+i) }

// filling makes the rows i from :from to :to. Every customer is linked, settled and equal
// on both sides, as its latest event says; every event is settled and has a decision.
const (
	fillCustomers = `
insert into customers (sync, customer, generation, fence, desired_source_value, desired_status, desired_value, desired_at, desired_seen_at, desired_since,
    desired_event, desired_event_at, source_changes, observed_status, observed_value, observed_at, observed_seen_at,
    base_known, base_record_id, base_status, base_value, base_at, base_seen_at, outcome, reason, reason_code, settled_at, email)
select :sync, 'cus_' || (100000000 + i), 1, 1, 'active', 'active', 'Active', :at, :at, :at, 'evt_' || (i + :customers * ((:events - 1 - i) / :customers)), :at, 1, 'active', 'Active', :at, :at,
    1, 'rec_' || (100000000 + i), 'active', 'Active', :at, :at, 'applied', '', '', :at, 'customer.' || i || '@example.com' from n`

	fillLinks = `
insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at)
select :sync, 'cus_' || (100000000 + i), 'rec_' || (100000000 + i), 'customer_id=external_id', 1, 'rule', :at from n`

	fillEvents = `
insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
select 'billing', :sync, 'source', 'evt_' || i, 'cus_' || (100000000 + i % :customers), 'active', 1, :at + i, :at + i, :payload, 'applied', '', :at + i from n`

	fillDecisions = `
insert into decisions (sync, customer, made_at, action, reason, table_row, stage, outcome, kind, target_id, desired, observed, base,
    desired_at, observed_at, observed_by, confidence, events)
select :sync, 'cus_' || (100000000 + i % :customers), :at + i, 'write', '', 4, 'decide', 'applied', '', 'rec_' || (100000000 + i % :customers), 'Active', 'Paused', 'Paused',
    :at, :at, '', 1, 1 from n`
)

// fill makes a database of customers and of settled events about them, with statements of
// its own: carrying a million customers would take many minutes.
func fill(ctx context.Context, e engine, dsn string, customers, events int) (err error) {
	made, err := store.Open(ctx, store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	db, err := e.open(dsn, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	payload := `cast('{"id":"evt_' || i || '","data":{"status":"active"}}' as blob)`
	if e.name() == "postgres" {
		payload = `convert_to('{"id":"evt_' || i || '","data":{"status":"active"}}', 'UTF8')`
	}
	for _, part := range []struct {
		text string
		rows int
	}{{fillCustomers, customers}, {fillLinks, customers}, {fillEvents, events}, {fillDecisions, events}} {
		for from := 0; from < part.rows; from += fillStep {
			numbers := fmt.Sprintf("with recursive n(i) as (select %d union all select i + 1 from n where i < %d) select", from, min(from+fillStep, part.rows)-1)
			text := strings.NewReplacer(":sync", "'"+syncName+"'", ":at", fmt.Sprint(time.Now().Add(-filledAge).UnixMilli()), ":customers", fmt.Sprint(customers), ":events", fmt.Sprint(events),
				":payload", payload, "\nselect", "\n"+numbers).Replace(part.text)
			if _, err := db.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("fill the database: %w", err)
			}
		}
	}
	after := "analyze"
	if e.name() == "postgres" { // else the server does it in the middle of what is measured
		after = "vacuum analyze"
	}
	if _, err := db.ExecContext(ctx, after); err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	return nil
}
