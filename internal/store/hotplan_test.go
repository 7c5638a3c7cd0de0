package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// What each change and each question about a customer asks the database is found by an
// index on both engines: it costs the same however much has happened.
func TestTheStatementsOfAChangeReadAnIndex(t *testing.T) {
	texts := askedByAChange(t)
	if len(texts) < 40 {
		t.Errorf("only %d statements were seen", len(texts))
	}
	for _, part := range []string{"insert into events", "with chosen as materialized", "insert into intents", "generation = $", "insert into decisions",
		"from decisions where", "from link_history", "insert into exceptions", "delete from events", "order by seq desc limit"} {
		if !strings.Contains(strings.Join(texts, "\n"), part) {
			t.Errorf("no statement with %q was seen", part)
		}
	}
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			dsn := dsn(t)
			open(t, store.Options{DSN: dsn, Migrate: true})
			raw := rawOf(t, engine, dsn)
			fillHistory(t, raw, engine, 20_000)
			for _, text := range texts {
				for _, step := range planOf(t, raw, engine, text) {
					if readsAllOfOne(text, step) {
						t.Errorf("it reads all of a table (%s):\n%s", strings.TrimSpace(step), text)
					}
				}
			}
		})
	}
}

// growing are the tables that grow with what happens.
const growing = "(?:events|customers|decisions|links|link_history|intents|exceptions|actions|seen|activity)"

var (
	readsHistory = regexp.MustCompile(`\b` + growing + `\b`)
	seqScan      = regexp.MustCompile(`Seq Scan on ` + growing + `\b`)
	liteScan     = regexp.MustCompile(`^SCAN (\w+)`)
)

// countedOnceAMinute is meant to read all customers of a sync: how many there are is kept
// for a minute.
const countedOnceAMinute = "select count(*) from customers where sync = $1"

// readsAllOfOne reports whether a step of a statement's plan reads all of a table that
// grows. SQLite names the table's alias, and says that it scans also where it reads a table
// in the order of its numbers only as far as the limit goes.
func readsAllOfOne(text, step string) bool {
	if text == countedOnceAMinute {
		return false
	}
	if seqScan.MatchString(step) {
		return true
	}
	of := liteScan.FindStringSubmatch(step)
	if of == nil || step == "SCAN events" && strings.Contains(text, " order by seq desc limit ") {
		return false
	}
	return regexp.MustCompile(`^`+growing+`$`).MatchString(of[1]) || regexp.MustCompile(`\b`+growing+` `+of[1]+`\b`).MatchString(text)
}

// askedByAChange are the statements of a change from its arrival to its history, of the
// questions about it, and of deleting it when it is old.
func askedByAChange(t *testing.T) []string {
	clock := storetest.NewClock()
	db := open(t, store.Options{DSN: engines["sqlite"](t), Migrate: true, Now: clock.Now})
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const customer = "cus_1"
	event := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: customer, Value: "active", HasValue: true, Payload: []byte("{}")}
	arrives := func(id string) {
		event.ID = id
		_, err := db.Receive(ctx, []store.NewEvent{event})
		must(err)
	}
	claim := func() *store.Work {
		clock.Move(store.BetweenLooks)
		works, err := db.Claim(ctx, theSync, 16, time.Minute)
		must(err)
		if len(works) != 1 {
			t.Fatalf("%d customers were claimed", len(works))
		}
		return &works[0]
	}
	ended := func(w *store.Work, s store.Settlement) {
		for _, e := range w.Events {
			s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: s.Outcome})
		}
		s.Decision = &store.Decision{Sync: theSync, Customer: customer, Outcome: s.Outcome, Stage: status.StageConfirm}
		must(db.Settle(ctx, w, s))
	}

	arrives("evt_1")
	w := claim()
	must(db.SaveLink(ctx, w, store.Link{Sync: theSync, Customer: customer, TargetID: "rec_1", Rule: "email=email", Confidence: 1, By: "rule"}))
	now, err := db.Now(ctx)
	must(err)
	limits := store.Limits{PerCustomer: store.PerCustomer{Count: 6, Within: time.Minute},
		MassChange: &store.MassChange{Customers: 50, Percent: 5, Within: time.Hour}}
	intent, err := db.BeginWrite(ctx, w, store.Intent{RecordID: "rec_1", Value: "Active", SentAt: now, Expires: now.Add(time.Minute)}, limits)
	must(err)
	ended(w, store.Settlement{Outcome: status.Parked, SeenIntents: []int64{intent.ID}, Accepted: []int64{intent.ID},
		Park: &store.NewException{Sync: theSync, Customer: customer, Kind: status.WriteFailed, Stage: status.StageConfirm, Owner: "ops@example.com"}})
	arrives("evt_1") // a repeat
	arrives("evt_2")
	w = claim()
	must(db.GiveBack(ctx, w)) // which keeps a claim that nobody took away
	ended(w, store.Settlement{Outcome: status.Applied, CloseIntents: []int64{intent.ID}, Close: store.CloseAll})
	event.Side, event.Customer = store.TargetSide, "rec_1"
	arrives("evt_3") // of the target, whose customer the link tells
	w = claim()
	ended(w, store.Settlement{Outcome: status.AlreadyEqual, Close: store.CloseAll})
	_, _, err = db.ClaimOne(ctx, theSync, customer, 0, time.Minute)
	must(err)
	askAboutIt(ctx, t, db, customer)
	for _, what := range append([]store.OldThing{store.OldPayloads}, store.OldHistory...) {
		_, _, err := db.DeleteOld(ctx, what, now, 0, 200)
		must(err)
	}
	var texts []string
	for _, text := range append(db.WriteStatements(), db.ReadStatements()...) {
		if readsHistory.MatchString(text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// askAboutIt asks what the path and people ask about a customer and its events.
func askAboutIt(ctx context.Context, t *testing.T, db *store.DB, customer string) {
	t.Helper()
	for _, ask := range []func() error{
		func() error { _, err := db.NextDue(ctx, theSync); return err },
		func() error { _, err := db.Event(ctx, 1); return err },
		func() error { _, err := db.Customers(ctx, theSync, customer); return err },
		func() error { _, err := db.Customer(ctx, theSync, customer); return err },
		func() error { _, err := db.History(ctx, theSync, customer, 20); return err },
		func() error { _, err := db.LinkHistory(ctx, theSync, customer, 20); return err },
		func() error {
			_, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: theSync, Customer: customer, Limit: 50})
			return err
		},
		func() error { _, err := db.Exception(ctx, 1); return err },
	} {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []store.EventFilter{
		{Limit: 50}, {Limit: 50, Before: 1000}, {Limit: 50, WithNow: true, Bare: true}, {Limit: 50, Sync: theSync, WithNow: true, Bare: true},
		{Sync: theSync, Customer: customer, Limit: 50}, {Sync: theSync, Customer: customer, LatestChange: true, Limit: 5},
		{Sync: theSync, Customer: customer, Waiting: true, Limit: 50}, {Sync: theSync, Originals: true, After: 10, Limit: 50},
	} {
		if _, err := db.Events(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
}

// fillHistory writes customers of whom each has a link, two events and two decisions, and
// of some an intent that was left, so that the planner knows that the tables are large.
func fillHistory(t testing.TB, raw *sql.DB, engine string, customers int) {
	t.Helper()
	fillExceptions(t, raw, engine, customers)
	payload := "cast('{}' as blob)"
	if engine == "postgres" {
		payload = "convert_to('{}', 'UTF8')"
	}
	for _, text := range []string{`
insert into events (connection, sync, side, event_id, customer, value, has_value, occurred_at, received_at, payload, outcome, reason, settled_at)
%s select 'billing', 's', 'source', 'evt_' || i, 'cus_' || (i / 2), 'active', 1, i, i, ` + payload + `, 'applied', '', i from n`, `
insert into decisions (sync, customer, made_at, action, reason, table_row, stage, outcome, kind, target_id, desired, observed, base, desired_at, observed_at, observed_by, confidence, events)
%s select 's', 'cus_' || (i / 2), i, 'write', '', 4, 'confirm', 'applied', '', 'rec_' || (i / 2), 'Active', '', '', i, i, '', 1, 1 from n`, `
insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at) %s select 's', 'cus_' || i, 'rec_' || i, 'email=email', 1, 'rule', i from n`, `
insert into link_history (sync, customer, old_target, new_target, changed_at, why, who) %s select 's', 'cus_' || i, '', 'rec_' || i, i, '', 'rule' from n`, `
insert into seen (sync, customer, value, seen_at) %s select 's', 'cus_' || i, 'active', i from n`, `
insert into activity (done_at, who, behalf, way, topic, sync, customer, code, reason_facts, why, batch, leads) %s select i, 'ana', '', 'page', 'customer', 's', 'cus_' || i, 'x', '', '', '', 1 from n`, `
insert into intents (sync, customer, record_id, value, prior, sent_at, expires) %s select 's', 'cus_' || i, 'rec_' || i, 'Active', '', i, i from n`,
	} {
		n := customers
		if strings.Contains(text, "i / 2") {
			n *= 2
		}
		if _, err := raw.Exec(fmt.Sprintf(text, fmt.Sprintf("with recursive n(i) as (select 1 union all select i + 1 from n where i < %d)", n))); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
	}
	if _, err := raw.Exec("analyze"); err != nil {
		t.Fatal(err)
	}
}
