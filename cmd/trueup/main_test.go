package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(withServer{m}, map[string]func(){"trueup": main, "trueup-next": nextVersion})
}

// withServer stops the PostgreSQL that a test may have started. More scripts run
// at once than tests elsewhere: the race detector has each command of a script sleep
// for a second when it ends, and the others use the processors meanwhile.
type withServer struct{ m *testing.M }

func (s withServer) Run() int {
	flag.Parse()
	if atOnce := flag.Lookup("test.parallel").Value; atOnce.String() != "1" {
		_ = atOnce.Set("10")
	}
	code := pgtest.Main(s.m)
	if shippedDir != "" {
		os.RemoveAll(shippedDir)
	}
	return code
}

func TestCommands(t *testing.T) {
	testscript.Run(t, scripts(t, filepath.Join("testdata", "script")))
}

// scripts are the scripts of a folder. A file whose database is ${DATABASE} has it in
// SQLite.
func scripts(t *testing.T, dir string) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE", "trueup.db")
			e.Setenv("GOGC", os.Getenv("GOGC")) // as these tests themselves
			return quick(e, dir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"seed":        seed,
			"receive":     receive,
			"unmapped":    unmapped,
			"newer":       newer,
			"wait-file":   waitFile,
			"ghl":         ghl(t),
			"consent":     consent,
			"halt":        halt,
			"watches":     watches,
			"wait-status": waitStatus,
			"compared":    compared,
			"watched":     wouldWrite,
			"planned":     planned,
			"askplan":     askPlan,
			"oldercopy":   olderCopy,
			"refused":     refusedWebhooks,
			"polling":     polling,
			"delayed":     delayed,
			"since":       since,
			"tools":       tools(t),
			"record":      record,
			"edit":        edit,
			"refuse":      refuse,
			"stall":       stall,
			"otherplan":   otherPlan,
			"written":     written,
			"otherapply":  otherApply,
			"terminal":    onScreen,
			"interrupt":   interrupt,
			"measured":    benchRows,
			"server":      func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], pgtest.DSN(t)) },
		},
	}
}

func TestTheLadderOnPostgreSQL(t *testing.T) {
	p := scripts(t, "")
	p.Files = []string{filepath.Join("testdata", "script", "ladder.txtar")}
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("DATABASE", pgtest.DSN(t))
		return nil
	}
	testscript.Run(t, p)
}

// seed fills trueup.db with one customer who was carried, one who is parked,
// one who is held, and an event that could not be read.
func seed(ts *testscript.TestScript, _ bool, _ []string) {
	clock := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: ts.MkAbs("trueup.db"), Migrate: true, Now: func() time.Time { return clock }})
	ts.Check(err)
	defer db.Close()
	event := func(id, customer, value string) store.NewEvent {
		return store.NewEvent{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: id, Customer: customer, Value: value, HasValue: true,
			OccurredAt: clock.Add(-time.Minute), Payload: []byte(`{"id":"` + id + `","email":"ana@example.com"}`)}
	}
	unreadable := event("evt_4", "", "")
	unreadable.Outcome, unreadable.Reason, unreadable.Payload = status.Parked, reason.Text("it is no JSON"), []byte("hello")
	unreadable.Exception = &store.NewException{Sync: "customer-status", Kind: status.UnreadableEvent, Stage: status.StageReceive, Reason: reason.Text("it is no JSON"), Confidence: 1}
	_, err = db.Receive(ctx, []store.NewEvent{event("evt_1", "cus_1", "paused"), event("evt_2", "cus_2", "active"), event("evt_3", "cus_3", "canceled"), unreadable})
	ts.Check(err)
	works, err := db.Claim(ctx, "customer-status", 10, time.Minute)
	ts.Check(err)
	for i := range works {
		w := &works[i]
		s := settlements(clock)[w.Customer]
		if w.Customer != "cus_2" {
			ts.Check(db.SaveLink(ctx, w, store.Link{Sync: w.Sync, Customer: w.Customer, TargetID: "rec" + w.Customer[3:], Rule: "email = email", Confidence: 0.9, By: "rule"}))
		}
		s.Events = []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: s.Outcome, Reason: s.Reason}}
		s.Decision.Sync, s.Decision.Customer, s.Decision.Reason, s.Decision.Outcome = w.Sync, w.Customer, s.Reason, s.Outcome
		ts.Check(db.Settle(ctx, w, s))
	}
}

// receive stores one more event of a customer.
func receive(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: ts.MkAbs("trueup.db")})
	ts.Check(err)
	defer db.Close()
	_, err = db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: "one more of " + args[0], Customer: args[0]}})
	ts.Check(err)
}

// compared puts two comparisons of both sides into trueup.db, of which the last
// saw the values that it counts.
func compared(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, `
insert into sweeps (sync, purpose, phase, rules, source_listed, target_listed, began_at, ended_at, agree, differ, held) values
    ('customer-status', 'sweep', 'done', '', 1, 1, $1 - 90000000, $1 - 86400000, 90, 10, 0), ('customer-status', 'plan', 'done', '', 1, 1, $1 - 7300000, $1 - 7200000, 95, 2, 3);
update sweeps set lost_event = 2, edit_outside = 1 where id = 2;
insert into vocabulary (sync, side, value, customers, seen_at) values ('customer-status', 'source', 'active', 90, $1 - 7200000),
    ('customer-status', 'source', 'on_hold', 7, $1 - 7200000), ('customer-status', 'source', 'incomplete', 3, $1 - 7200000),
    ('customer-status', 'target', 'Active', 80, $1 - 7200000), ('customer-status', 'target', 'VIP', 12, $1 - 7200000), ('customer-status', 'target', '', 8, $1 - 7200000);
`, time.Now().UnixMilli())
}

// delayed puts into trueup.db that the change of cus_1 waits for its hours, and
// that the one of cus_2 waits for a person.
func delayed(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, `
update customers set outcome = 'held', reason = '', reason_code = 'change_waits', due_at = 4070908800000,
    reason_facts = '{"source":"billing","status":"churned","until":"2099-01-01T00:00:00Z","hours":"mon, tue 09:00-17:00 America/New_York"}' where customer = 'cus_1';
update exceptions set state = 'resolved' where customer = 'cus_2';
insert into exceptions (sync, customer, kind, stage, reason, reason_code, reason_facts, source_value, target_value, owner, state, count, last_action, confidence, candidates, first_seen, last_seen, opened_at, waits_since) values
    ('customer-status', 'cus_2', 'confirm_change', 'decide', '', 'change_forbidden', '{"found":"churned","status":"active"}', 'active', 'Churned', 'ops@example.com', 'open', 1, 'read rec_2 in crm', 1, '[]', $1, $1, $1, $1);
`, time.Now().UnixMilli())
}

// since puts into trueup.db that cus_2, who was parked, has been written since.
func since(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, `
update customers set outcome = 'applied', name = 'Bea Ruiz' where customer = 'cus_2';
update exceptions set state = 'resolved' where customer = 'cus_2';
`)
}

// wouldWrite puts into trueup.db what a sync that only watches would have written.
func wouldWrite(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, `
insert into watched (sync, customer, target_id, before, after, would_at, verdict, found, ended_at, took) values
    ('customer-status', 'cus_1', 'rec_1', 'Active', 'Paused', $1 - 90000000, 'same', 'Paused', $1 - 82800000, 7200000),
    ('customer-status', 'cus_2', 'rec_2', 'Active', 'Paused', $1 - 90000000, 'otherwise', 'Churned', $1 - 80000000, 10000000),
    ('customer-status', 'cus_3', 'rec_3', '', 'Paused', $1 - 90000000, '', '', 0, 0);
insert into modes (sync, mode, since, changed_at) values ('customer-status', 'watch', 0, $1 - 100000000);
`, time.Now().UnixMilli())
}

// refusedWebhooks puts into trueup.db that billing's webhooks were refused.
func refusedWebhooks(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, "insert into refused (connection, refusal, minute, count) values ('billing', 'bad_signature', $1 - 1200000, 3), ('billing', 'too_large', $1, 1)", time.Now().UnixMilli())
}

// polling puts a list of billing's changes into trueup.db that is read page by page.
func polling(ts *testscript.TestScript, _ bool, args []string) {
	db, err := store.Open(context.Background(), store.Options{DSN: ts.MkAbs("trueup.db"), Migrate: true})
	ts.Check(err)
	defer db.Close()
	read := func(done bool) (fence int64) {
		_, fence, _, err := db.TakeTurn(context.Background(), store.ChangesOf("billing"), 0, time.Minute)
		ts.Check(err)
		ts.Check(db.SavePage(context.Background(), "billing", fence, "", done, store.Page{Records: 100, Changes: 3, From: time.Now().Add(-24 * time.Hour)}))
		return fence
	}
	switch args[0] {
	case "ended":
		read(true)
	case "reading":
		ts.Check(db.StopPoll(context.Background(), "billing", read(false), "rate_limited", 5*time.Minute))
	}
}

// askPlan asks the service for a plan, as a page does.
func askPlan(ts *testscript.TestScript, _ bool, _ []string) {
	db, err := store.Open(context.Background(), store.Options{DSN: ts.MkAbs("trueup.db"), Migrate: true})
	ts.Check(err)
	defer db.Close()
	_, _, err = db.AskJob(context.Background(), store.PlanJob{Sync: "customer-status", Kind: store.MakeJob, AskedBy: "ana@example.com"}, "")
	ts.Check(err)
}

// olderCopy has the pauses of trueup.db be those of a database that may be an older copy.
func olderCopy(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, "update pauses set plan_first = 1")
}

// planned puts a plan into trueup.db that was made a day after seed.
func planned(ts *testscript.TestScript, _ bool, _ []string) {
	write(ts, `
insert into sweeps (id, sync, purpose, phase, rules, source_listed, target_listed, began_at, ended_at, hash) values
    (9, 'customer-status', 'plan', 'done', '', 1, 1, $1, $1, 'abcdef');
insert into plan_rows (sweep, customer, target_id, action, kind, reason, before, after) values
    (9, 'cus_1', 'rec_1', 'write', '', 'billing is newer', 'Churned', 'Paused'), (9, 'cus_2', '', 'park', 'ambiguous_match', 'two records match', '', 'Active'),
    (9, 'cus_9', 'rec_9', 'park', 'first_contact', 'the record holds another value', 'Active', 'Paused');
`, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
}

// write changes trueup.db by hand.
func write(ts *testscript.TestScript, text string, args ...any) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: ts.MkAbs("trueup.db")}).String())
	ts.Check(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), text, args...)
	ts.Check(err)
}

// unmapped fills trueup.db with exceptions about two values that have no
// meaning.
func unmapped(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: ts.MkAbs("trueup.db"), Migrate: true})
	ts.Check(err)
	defer db.Close()
	for _, x := range []struct{ customer, value string }{{"cus_1", "on_hold"}, {"cus_2", "on_hold"}, {"cus_3", "draft"}} {
		_, err := db.OpenException(ctx, store.NewException{Sync: "customer-status", Customer: x.customer, Kind: status.UnmappedStatus, Stage: status.StageMap,
			Reason: reason.Text("nobody has given it a meaning"), SourceValue: x.value, Cause: x.value, Confidence: 1})
		ts.Check(err)
	}
}

// halt fills trueup.db with a sync that is halted, at which two customers wait.
func halt(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: ts.MkAbs("trueup.db"), Migrate: true})
	ts.Check(err)
	defer db.Close()
	for _, c := range []string{"cus_1", "cus_2", "cus_3"} {
		_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: "evt_" + c, Customer: c}})
		ts.Check(err)
	}
	works, err := db.Claim(ctx, "customer-status", 10, time.Minute)
	ts.Check(err)
	limit := store.Limits{MassChange: &store.MassChange{Customers: 1, Within: time.Hour, Exception: func(store.Halt) store.NewException {
		return store.NewException{Sync: "customer-status", Kind: status.MassChange, Stage: status.StageWrite, Reason: reason.Text("too many"), Confidence: 1}
	}}}
	for i := range works {
		_, err := db.BeginWrite(ctx, &works[i], store.Intent{RecordID: "rec", Value: "Paused"}, limit)
		var halted *store.HaltedError
		if !errors.As(err, &halted) {
			ts.Check(err)
		}
		ts.Check(db.Settle(ctx, &works[i], store.Settlement{Outcome: status.Parked, Halted: halted != nil}))
	}
}

// watches has customer-status seen to watch only, as a running process would note
// it, or with no to write again.
func watches(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: ts.MkAbs("trueup.db")})
	ts.Check(err)
	defer db.Close()
	live := len(args) > 0
	ts.Check(db.SetMode(ctx, "customer-status", true)) // it was live before
	ts.Check(db.SetMode(ctx, "customer-status", live))
}

func settlements(at time.Time) map[string]store.Settlement {
	desired := func(v string) *store.Desired {
		to := map[string]string{"paused": "Paused", "active": "Active", "canceled": "Churned"}[v]
		return &store.Desired{SourceValue: v, Status: status.Status(v), Value: to, At: at.Add(-time.Minute), SeenAt: at}
	}
	exception := func(customer string, kind status.Kind, source, why string, confidence float64) *store.NewException {
		return &store.NewException{Sync: "customer-status", Customer: customer, Kind: kind, Stage: status.StageMatch, Reason: reason.Text(why), SourceValue: source,
			LastAction: "searched crm", Confidence: confidence, Owner: "ops@example.com",
			Candidates: []status.Candidate{{TargetID: "rec_7", Value: "Active", Rule: "email = email", Confidence: 0.9}}}
	}
	return map[string]store.Settlement{
		"cus_1": {Desired: desired("paused"), Observed: &store.Observed{Status: "paused", Value: "Paused", At: at, By: "us", SeenAt: at}, Email: "ana@example.com",
			Base:    &store.Base{Known: true, RecordID: "rec_1", Status: "paused", Value: "Paused", By: "us", SeenAt: at},
			Outcome: status.Applied, Reason: reason.Text("paused was written"), Decision: &store.Decision{Action: "write", Row: 4, Stage: status.StageConfirm, Confidence: 1, Events: 1}},
		"cus_2": {Desired: desired("active"), Outcome: status.Parked, Reason: reason.Text("two records match"), Park: exception("cus_2", status.AmbiguousMatch, "active", "two records match", 0.9),
			Email: "ana@example.com", Decision: &store.Decision{Action: "park", Stage: status.StageMatch, Kind: status.AmbiguousMatch}},
		"cus_3": {Desired: desired("canceled"), Observed: &store.Observed{By: "human:ben", SeenAt: at}, Outcome: status.Held, Reason: reason.Text("a person's edit stays"), Park: exception("cus_3", status.Conflict, "canceled", "a person's edit stays", 1),
			Decision: &store.Decision{Action: "hold", Row: 8, Stage: status.StageDecide, Kind: status.Conflict, Confidence: 1}},
	}
}

// newer makes trueup.db the database of a later version.
func newer(ts *testscript.TestScript, _ bool, _ []string) {
	db, err := sql.Open("sqlite", ts.MkAbs("trueup.db"))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec("insert into schema_version (version) values (999)")
	ts.Check(err)
}

// waitStatus waits until trueup status says something.
func waitStatus(ts *testscript.TestScript, _ bool, args []string) {
	says, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.NewTimer(time.Minute)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ts.Exec("trueup", "status") == nil && says.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			ts.Fatalf("trueup status does not say %s, but\n%s", says, ts.ReadFile("stdout"))
		}
	}
}

// waitFile waits until a file is there and has something in it.
func waitFile(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.NewTimer(time.Minute)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-deadline.C:
			ts.Fatalf("%s never came", args[0])
		case <-ticker.C:
		}
	}
}

func TestEveryCommandSaysWhatItDoesWithAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" && c.Parent().Name() != "completion" {
			t.Errorf("%s has no sentence or no example", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}
