package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const (
	theSync   = "customer-status"
	theirID   = "cus_Jane4711"
	theirRec  = "rec_Jane0815"
	theirMail = "jane.canary@example.com"
	theirName = "Janet Quill"
)

var rawOf, textColumns = storetest.Raw, storetest.TextColumns

// where returns which columns hold one of the needles.
func where(t *testing.T, raw *sql.DB, columns map[string][]string, needles ...string) []string {
	t.Helper()
	var found []string
	for table, names := range columns {
		for _, column := range names {
			rows, err := raw.Query(fmt.Sprintf("select %s from %s", column, table))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var value []byte
				if err := rows.Scan(&value); err != nil {
					t.Fatal(err)
				}
				for _, needle := range needles {
					if strings.Contains(strings.ToLower(string(value)), strings.ToLower(needle)) {
						found = append(found, fmt.Sprintf("%s.%s holds %s: %.120s", table, column, needle, value))
					}
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			rows.Close()
		}
	}
	slices.Sort(found)
	return found
}

// planted fills a database with Jane wherever somebody may stand, beside others
// who look like her.
func planted(t *testing.T, db *store.DB, raw *sql.DB) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	event := func(id, customer, payload string) store.NewEvent {
		return store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Customer: customer, Value: "active", HasValue: true,
			OccurredAt: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Payload: []byte(payload)}
	}
	broken := event("unreadable:1", "", `{"broken": "`+theirMail+`"`)
	broken.Outcome, broken.Reason = status.Parked, reason.Text("it cannot be read")
	_, err := db.Receive(ctx, []store.NewEvent{
		event("poll:"+theirID+":1", theirID, `{"id":"`+theirID+`","email":"`+theirMail+`"}`),
		event("evt_2", "cus_2", `{"id":"cus_2","referred_by":"`+theirID+`","email":"bob@example.com","n":1}`),
		event("evt_3", "cus_Jane47112", `{"id":"cus_Jane47112"}`), broken,
		// Before the record was hers: whose it is was not known yet.
		{Connection: "crm", Sync: theSync, Side: store.TargetSide, ID: "poll:" + theirRec + ":1", Customer: theirRec, Payload: []byte(`{"id":"` + theirRec + `"}`)}})
	must(err)
	works, err := db.Claim(ctx, theSync, 10, time.Minute)
	must(err)
	for i := range works {
		w := &works[i]
		decision := &store.Decision{Sync: theSync, Customer: w.Customer, Action: "park", Reason: reason.Text("about " + w.Customer), Stage: status.StageMatch}
		s := store.Settlement{Outcome: status.Parked, Reason: reason.Text("about " + w.Customer), Decision: decision,
			Park: &store.NewException{Sync: theSync, Customer: w.Customer, Kind: status.AmbiguousMatch, Stage: status.StageMatch, Reason: reason.Text("two records match"), LastAction: "searched"}}
		switch w.Customer {
		case theirID:
			must(db.SaveLink(ctx, w, store.Link{Sync: theSync, Customer: theirID, TargetID: theirRec, Rule: "email = email", Confidence: 0.9, By: "rule"}))
			_, err = db.BeginWrite(ctx, w, store.Intent{RecordID: theirRec, Value: "Active", SentAt: w.Now, Expires: w.Now.Add(time.Hour)}, store.Limits{})
			must(err)
			s.Email, s.Name, decision.TargetID, decision.By = strings.ToUpper(theirMail), theirName, theirRec, theirMail
			s.Base = &store.Base{Known: true, RecordID: theirRec, Value: "Active", By: theirMail}
			s.Observed = &store.Observed{Value: "Active", By: theirMail}
			s.Desired = &store.Desired{Value: "Active", Event: "poll:" + theirID + ":1"}
			s.Park.Reason = reason.Text(theirMail + " is the address of record " + theirRec)
			s.Park.Candidates = []status.Candidate{{TargetID: theirRec}, {TargetID: "rec_2"}}
		case "cus_2":
			s.Park.Reason = reason.Text("the record found belongs to customer " + theirID + " already")
			s.Park.LastAction, decision.Reason, s.Reason = "asked about "+theirMail, s.Park.Reason, s.Park.Reason
			s.Park.Candidates = []status.Candidate{{TargetID: theirRec}, {TargetID: "rec_2"}}
		}
		for _, e := range w.Events {
			if w.Customer != "cus_Jane47112" {
				s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Parked, Reason: s.Reason})
			}
		}
		must(db.Settle(ctx, w, s))
	}
	found, err := db.Exceptions(ctx, store.ExceptionFilter{Customer: theirID})
	must(err)
	_, err = db.Act(ctx, store.Act{Exception: found[0].ID, Verb: store.Assign, Who: "ops", Owner: theirMail})
	must(err)
	for _, query := range []string{
		"update notices set channel = 'C1', place = case when recipient = 'slack' then '12.3' else '' end, told = changed, failure = 'no message about " + theirID + "'",
		"update customers set undone = '[{\"record_id\":\"" + theirRec + "\"}]' where customer = '" + theirID + "'",
		"insert into sweeps (id, sync, purpose, phase, rules, source_listed, target_listed, began_at, source_aside, asides) values (77, '" + theSync + "', 'plan', 'done', '', 1, 1, 1, 1, '[{\"side\":\"source\",\"id\":\"" + theirID + "\",\"problem\":\"the e-mail address has a tab\"}]')",
		"insert into seen (sync, customer, value, seen_at) values ('" + theSync + "', '" + theirID + "', 'active', 1)",
		"insert into watched (sync, customer, target_id, before, after, would_at) values ('" + theSync + "', '" + theirID + "', '" + theirRec + "', 'Paused', 'Active', 1)",
		"insert into pins (sync, customer, since, who, reason, ended_by) values ('" + theSync + "', '" + theirID + "', 1, 'ops', '" + theirMail + " asked for it', '')",
		"insert into pins (sync, customer, since, who, reason) values ('" + theSync + "', 'cus_2', 1, 'ops', 'shares " + theirRec + " with " + theirID + "')",
		herPages,
		"insert into plan_rows (sweep, customer, name, target_id, action, kind, reason, before, after) values (77, '" + theirID + "', '" + theirName + "', '" + theirRec + "', 'write', '', 'about " + theirID + "', 'Paused', 'Active')",
	} {
		if strings.Contains(query, "sweeps (id") && db.Engine() == "postgres" {
			query = strings.Replace(query, ") values", ") overriding system value values", 1)
		}
		if _, err := raw.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// herPages is what comparison 77 has read of her.
const herPages = `insert into sweep_pages (sweep, seq, side, read_at, records) values
(77, 1, 'source', 1, '[{"id":"` + theirID + `","value":"active","keys":{"email":"` + theirMail + `"}}]'),
(77, 2, 'target', 1, '[{"id":"` + theirRec + `","value":"Active","by":"` + theirMail + `","keys":{"email":"` + theirMail + `"}}]'),
(77, 3, 'taken', 0, '[{"target":"` + theirRec + `","customer":"` + theirID + `"}]')`

func TestNobodyIsNamedAnyMoreWhoWasForgotten(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
			planted(t, db, raw)
			columns := textColumns(t, engine, raw)
			if len(where(t, raw, columns, theirID)) < 12 || len(where(t, raw, columns, theirMail)) < 6 || len(where(t, raw, columns, theirRec)) < 6 || len(where(t, raw, columns, theirName)) < 2 {
				t.Fatal("the test plants too little")
			}
			before, err := db.ForgetPlan(t.Context(), theSync, theirID, theirMail)
			if err != nil {
				t.Fatal(err)
			}
			if before.Rows["events"] < 3 || before.Told != 1 || before.Rows["links"] != 1 || before.Rows["sweep_pages"] != 3 {
				t.Errorf("it would change %v, and tell %d anew", before.Rows, before.Told)
			}
			if len(where(t, raw, columns, theirID)) < 12 {
				t.Error("asking erased something")
			}
			done, err := db.Forget(t.Context(), theSync, theirID, theirMail)
			if err != nil {
				t.Fatal(err)
			}
			// cus_Jane47112 is somebody else, whose id begins with hers.
			names := slices.DeleteFunc(where(t, raw, columns, theirID, theirRec, theirMail, theirName), func(s string) bool { return strings.Contains(s, "cus_Jane47112") })
			if len(names) > 0 {
				t.Errorf("she still stands in\n%s", strings.Join(names, "\n"))
			}
			if fmt.Sprint(before.Rows) != fmt.Sprint(done.Rows) {
				t.Errorf("it said %v and changed %v", before.Rows, done.Rows)
			}
			defer stays(t, db, done.Pseudonym)
			if engine != "sqlite" {
				return
			}
			// And not in the file: neither in a free page nor in the log.
			files, err := filepath.Glob(strings.NewReplacer("?", "[?]").Replace(database) + "*")
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				text = bytes.ReplaceAll(text, []byte("cus_Jane47112"), nil)
				for _, needle := range []string{theirID, theirRec, theirMail, theirName} {
					if n := bytes.Count(bytes.ToLower(text), bytes.ToLower([]byte(needle))); n > 0 {
						t.Errorf("%s holds %s %d times", filepath.Base(name), needle, n)
					}
				}
			}
		})
	}
}

// stays looks at what forgetting leaves.
func stays(t *testing.T, db *store.DB, pseudonym string) {
	t.Helper()
	ctx := t.Context()
	c, err := db.Customer(ctx, theSync, pseudonym)
	if err != nil || c.Outcome != status.Parked || c.Desired.Value != "Active" || c.Link != nil || !c.DueAt.IsZero() {
		t.Errorf("the customer is %+v, %v", c, err)
	}
	history, err := db.History(ctx, theSync, pseudonym, 10)
	if err != nil || len(history) == 0 || history[0].TargetID != pseudonym {
		t.Errorf("the history is %+v, %v", history, err)
	}
	found, err := db.Exceptions(ctx, store.ExceptionFilter{Customer: pseudonym})
	if err != nil || len(found) != 1 || found[0].State != status.Resolved || found[0].Cause != pseudonym {
		t.Errorf("the exceptions are %+v, %v", found, err)
	}
	others, err := db.Exceptions(ctx, store.ExceptionFilter{Customer: "cus_2"})
	if err != nil || len(others) != 1 || others[0].State != status.Open || len(others[0].Candidates) != 1 || others[0].Candidates[0].TargetID != "rec_2" {
		t.Errorf("the other's exception is %+v, %v", others, err)
	}
	events, err := db.Events(ctx, store.EventFilter{Customer: "cus_2"})
	if want := `{"id":"cus_2","referred_by":"` + pseudonym + `","email":"bob@example.com","n":1}`; err != nil || string(events[0].Payload) != want {
		t.Errorf("the other's payload is %s, %v", events[0].Payload, err)
	}
	events, err = db.Events(ctx, store.EventFilter{Customer: "cus_Jane47112", Waiting: true})
	if err != nil || len(events) != 1 || len(events[0].Payload) == 0 {
		t.Errorf("the event of her namesake is %+v, %v", events, err)
	}
	// An event that comes later makes a new customer.
	if _, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_9", Customer: theirID}}); err != nil {
		t.Fatal(err)
	}
	if c, err := db.Customer(ctx, theSync, theirID); err != nil || c.Outcome != "" || c.Desired.Value != "" {
		t.Errorf("the new customer is %+v, %v", c, err)
	}
}

func TestForgettingCutsOffWhoeverCarriesTheCustomer(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			db := open(t, store.Options{DSN: dsn(t), Migrate: true})
			ctx := t.Context()
			if _, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: theirID, Payload: []byte("x")}}); err != nil {
				t.Fatal(err)
			}
			works, err := db.Claim(ctx, theSync, 1, time.Minute)
			if err != nil || len(works) != 1 {
				t.Fatal(works, err)
			}
			done, err := db.Forget(ctx, theSync, theirID, theirID)
			if err != nil || done.Waiting != 1 {
				t.Fatal(done, err)
			}
			if _, err := db.BeginWrite(ctx, &works[0], store.Intent{RecordID: theirRec}, store.Limits{}); err == nil {
				t.Error("a write could still be sent")
			}
			if err := db.Settle(ctx, &works[0], store.Settlement{Outcome: status.Applied, Email: theirMail}); err == nil {
				t.Error("the attempt could still settle")
			}
			if due, err := db.NextDue(ctx, theSync); err != nil || !due.IsZero() {
				t.Errorf("something is due at %s, %v", due, err)
			}
		})
	}
}

// The new customer of the same id is another one: its claims must not be those of
// an attempt that began before the forgetting.
func TestAnAttemptFromBeforeForgettingHoldsNothingOfTheNewCustomer(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			var ticks atomic.Int64
			db := open(t, store.Options{DSN: dsn(t), Migrate: true, Now: func() time.Time { return time.UnixMilli(1_780_000_000_000 + 10*ticks.Add(1)) }})
			ctx := t.Context()
			claim := func(event string) store.Work {
				t.Helper()
				if _, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: event, Customer: theirID, Payload: []byte("x")}}); err != nil {
					t.Fatal(err)
				}
				works, err := db.Claim(ctx, theSync, 1, time.Minute)
				if err != nil || len(works) != 1 {
					t.Fatal(works, err)
				}
				return works[0]
			}
			before := claim("evt_1")
			if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
				t.Fatal(err)
			}
			after := claim("evt_2")
			if _, err := db.BeginWrite(ctx, &before, store.Intent{RecordID: theirRec}, store.Limits{}); !errors.Is(err, store.ErrFenced) {
				t.Errorf("a write could still be sent: %v", err)
			}
			if err := db.Settle(ctx, &before, store.Settlement{Outcome: status.Applied, Email: theirMail}); !errors.Is(err, store.ErrFenced) {
				t.Errorf("the attempt could still settle: %v", err)
			}
			if err := db.Settle(ctx, &after, store.Settlement{Outcome: status.Applied}); err != nil {
				t.Errorf("the new customer's attempt cannot settle: %v", err)
			}
		})
	}
}

// A short number may be anything: it is replaced where our own texts say whose
// it is, and in nobody else's payload.
func TestAShortNumberForgetsNobodyElse(t *testing.T) {
	db := open(t, store.Options{DSN: engines["sqlite"](t), Migrate: true})
	ctx := t.Context()
	event := func(id, customer, payload string) store.NewEvent {
		return store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Customer: customer, Payload: []byte(payload)}
	}
	other := event("evt_2", "2", `{"id":2,"seats":1}`)
	other.Outcome, other.Reason = status.Ignored, reason.Text("1 attempt; it belongs to customer 1 already")
	if _, err := db.Receive(ctx, []store.NewEvent{event("evt_1", "1", `{"id":1}`), other}); err != nil {
		t.Fatal(err)
	}
	done, err := db.Forget(ctx, theSync, "1", "1")
	if err != nil {
		t.Fatal(err)
	}
	found, err := db.Events(ctx, store.EventFilter{Customer: "2"})
	if err != nil || string(found[0].Payload) != `{"id":2,"seats":1}` || found[0].Reason.Sentence() != "1 attempt; it belongs to customer "+done.Pseudonym+" already" {
		t.Errorf("the other's event is %s: %s, %v", found[0].Payload, found[0].Reason, err)
	}
}

// A new table must be given a thought: either forgetting looks into it, or it
// holds nothing of a customer.
func TestEveryTableIsKnownToForgetting(t *testing.T) {
	nobodys := []string{"plan_changes", "schema_version", "connections", "refused", "rests", "turns", "tokens", "consents", "api_tokens", "silences", "alarms", "vocabulary", "modes", "halts", "requests", "nodes", "accounts", "names", "probe",
		"forgotten", "hash_keys", "health", "marks", "credentials", "persons", "sessions", "sign_in_links", "sign_in_attempts",
		"config_readings", "config_refusals"}
	looked := []string{"events", "customers", "links", "intents", "decisions", "exceptions", "actions", "activity", "pauses", "pins", "link_history", "notices",
		"sweeps", "sweep_pages", "plan_rows", "plan_jobs", "watched", "seen", "mentions"}
	database := engines["sqlite"](t)
	open(t, store.Options{DSN: database, Migrate: true})
	for table := range textColumns(t, "sqlite", rawOf(t, "sqlite", database)) {
		if !slices.Contains(nobodys, table) && table != "looks" && !slices.Contains(looked, table) && !strings.HasPrefix(table, "sqlite_") {
			t.Errorf("nobody has said whether %s names a customer: see prose and eraseOwn in forget.go", table)
		}
	}
}
