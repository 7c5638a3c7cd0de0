package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Verb is what a person does about an exception.
type Verb string

// The verbs.
const (
	Acknowledge Verb = "acknowledge" // someone is working on it
	Assign      Verb = "assign"      // to Act.Owner
	Retry       Verb = "retry"       // try its customer again
	Ignore      Verb = "ignore"      // for as long as Act.Ignored says
	Resolve     Verb = "resolve"     // it is done, whatever the tools say
	Reopen      Verb = "reopen"      // it is not done after all
	UseSource   Verb = "apply"       // write what the source says
	KeepTarget  Verb = "keep"        // leave what the target holds, until Act.Until
	LinkTo      Verb = "link"        // to the record Act.TargetID
	Rematch     Verb = "rematch"     // forget the link and try the match rules again
	MapTo       Verb = "map"         // its value means Act.Meaning now; the configuration was changed, and nothing here
	ResumeSync  Verb = "resume"      // let through what waits at a halted sync; by DB.Resume
)

// itself is who did what no person did.
const itself = "trueup"

// Act is what a person does about an exception.
type Act struct {
	Exception int64
	Verb      Verb
	Who       string
	// Key makes a repeated request one act; "" is none. Asked is what is asked
	// under it: the same key with anything else is ErrKeyReused.
	Key, Asked string

	Owner    string
	Ignored  Ignored
	Until    time.Time
	TargetID string
	// Saw and SawSource are the target's and the source's value that the person
	// was shown, for UseSource and KeepTarget.
	Saw, SawSource string
	// Meaning is a status or "ignore", for MapTo.
	Meaning string
	// SawHistory is the last entry of the history that the person was shown, 0 for
	// none; nil is whoever was shown none. Another person's act since is an *ActedError.
	SawHistory *int64
	// Itself: no person asks for a Retry. It leaves a customer's history to a plan.
	Itself bool
}

// Action is one line of an exception's history.
type Action struct {
	ID   int64
	At   time.Time
	Who  string
	Verb string
	Note string
}

// ErrNoCustomer means that the exception is about no single customer.
var ErrNoCustomer = errors.New("it is about no single customer and closes when its cause is gone")

// ActedError means that another person acted on the exception since the person who
// asks was shown its history: nothing was changed.
type ActedError struct{ Action }

func (e *ActedError) Error() string {
	return fmt.Sprintf("%s did this first, at %s: %s", e.Who, e.At.UTC().Format(time.DateTime+"Z"), e.Verb)
}

// AboutTwoSides reports whether exceptions of a kind ask about what both sides
// hold: one that a person resolved stays so until one of them changes.
func AboutTwoSides(k status.Kind) bool {
	return k == status.Conflict || k == status.FirstContact || k == status.ConfirmChange
}

// Act does what a person decided, in one transaction with the note of who did
// it. It returns false when that had been done already; a request that was
// answered before under its key gets the same answer. ErrNotFound, ErrNoCustomer,
// ErrKeyReused, a *ChangedError, an *ActedError, a *DuplicateLinkError and a *PinnedError change nothing.
func (db *DB) Act(ctx context.Context, a Act) (changed bool, err error) {
	x, err := db.Exception(ctx, a.Exception)
	if err != nil {
		return false, fmt.Errorf("%s: %w", a.Verb, err)
	}
	err = db.update(ctx, func(t *tx) error {
		var err error
		changed, err = t.act(ctx, a)
		return err
	}, key{x.Sync, x.Customer})
	if err != nil {
		return false, fmt.Errorf("%s exception %d: %w", a.Verb, a.Exception, err)
	}
	return changed, nil
}

func (t *tx) act(ctx context.Context, a Act) (bool, error) {
	var x Exception
	err := t.query(func(s scanner) error {
		return s.Scan(&x.ID, &x.Sync, &x.Customer, &x.Kind, &x.Cause, &x.State, &x.Ignored, &x.Owner, &x.SourceValue)
	}, "select id, sync, customer, kind, cause, state, ignored, owner, source_value from exceptions where id = $1", a.Exception)
	if err == nil && x.ID == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return false, err
	}
	if answer, repeated, err := t.answered(a); err != nil || repeated {
		return answer, err
	}
	if err := t.firstIs(a); err != nil {
		return false, err
	}
	note, changed, err := t.perform(x, a)
	if err != nil {
		return false, err
	}
	if err := t.keepAnswer(a, changed); err != nil || !changed {
		return false, err
	}
	if err := errors.Join(t.note(x.ID, a.Who, string(a.Verb), note), t.recordAct(ctx, x, a)); err != nil {
		return false, err
	}
	return true, t.tell(x.Sync, x.Kind, x.Cause)
}

// firstIs refuses an act after another person's that its person was not shown. To
// have the customer checked again changes nothing that they decide on.
func (t *tx) firstIs(a Act) error {
	if a.SawHistory == nil || a.Verb == Retry {
		return nil
	}
	var first *Action
	err := t.query(func(s scanner) error {
		found, err := scanAction(s)
		first = &found
		return err
	}, "select "+actionColumns+" from actions where exception_id = $1 and id > $2 and who <> $3 and verb in ('acknowledge', 'assign', 'ignore', 'resolve', 'reopen', 'apply', 'keep', 'link', 'rematch', 'map', 'resume') order by id limit 1",
		a.Exception, *a.SawHistory, a.Who)
	if err == nil && first != nil {
		err = &ActedError{*first}
	}
	return err
}

// perform makes the change. note is what the history says besides the verb.
func (t *tx) perform(x Exception, a Act) (note string, changed bool, err error) {
	one := func(query string, args ...any) (bool, error) {
		n, err := t.exec(query, append([]any{x.ID}, args...)...)
		return n > 0, err
	}
	switch a.Verb {
	case Acknowledge:
		changed, err = one("update exceptions set state = 'acknowledged', ignored = '' where id = $1 and state in ('open', 'ignored')")
	case Assign:
		note = "to " + a.Owner
		changed, err = one("update exceptions set owner = $2, assigned = 1, waits_since = $3, reminded_at = 0 where id = $1 and (owner <> $2 or assigned = 0)", a.Owner, ms(t.now))
	case Ignore:
		note = map[Ignored]string{IgnoredUntilChange: "until the source changes", IgnoredAlways: "for ever"}[a.Ignored]
		changed, err = one("update exceptions set state = 'ignored', ignored = $2 where id = $1 and (state <> 'ignored' or ignored <> $2)", string(a.Ignored))
	case Resolve:
		changed, err = one("update exceptions set state = 'resolved', ignored = '', dismissed = $2 where id = $1 and state <> 'resolved'", bit(AboutTwoSides(x.Kind)))
		if err == nil && changed && StopsOf(x.Kind) {
			err = t.startAnew(x.Sync, x.Customer, x.Kind)
		}
	case Reopen:
		changed, err = one("update exceptions set state = 'open', ignored = '', opened_at = $2, waits_since = $2, reminded_at = 0 where id = $1 and state in ('ignored', 'resolved')", ms(t.now))
	case MapTo:
		note, changed = "to "+a.Meaning, true
	default:
		if x.Customer == "" {
			return "", false, ErrNoCustomer
		}
		return t.actOnCustomer(x, a)
	}
	return note, changed, err
}

// actOnCustomer makes a change after which the customer is tried again.
func (t *tx) actOnCustomer(x Exception, a Act) (note string, changed bool, err error) {
	before, err := t.linked(x.Sync, x.Customer)
	if err != nil {
		return "", false, err
	}
	// Looked for first: what is refused must not have written anything.
	n := 0
	err = t.query(func(s scanner) error { return s.Scan(&n) }, "select count(*) from customers where sync = $1 and customer = $2", x.Sync, x.Customer)
	if err == nil && (n == 0 || IsForgotten(x.Customer)) {
		err = ErrNotFound
	}
	if err != nil {
		return "", false, err
	}
	if a.Verb == UseSource {
		// Said of a customer who is left alone, it would wait, and be done when nobody thinks of it.
		pin, err := t.pinned(x.Sync, x.Customer)
		if err == nil && pin != nil {
			err = &PinnedError{*pin}
		}
		if err != nil {
			return "", false, err
		}
	}
	switch a.Verb {
	case Retry:
		changed = true
		if StopsOf(x.Kind) {
			err = t.startAnew(x.Sync, x.Customer, x.Kind)
		}
	case UseSource:
		note = "over " + a.Saw
		changed, err = t.rule(x, RuledForSource, a)
	case KeepTarget:
		note = a.Saw
		if !a.Until.IsZero() {
			note += " until " + a.Until.UTC().Format(time.RFC3339)
		}
		changed, err = t.rule(x, RuledForTarget, a)
	case LinkTo:
		note = "to record " + a.TargetID
		changed, err = t.linkAsTold(Link{Sync: x.Sync, Customer: x.Customer, TargetID: a.TargetID, Rule: "a person", Confidence: 1, By: a.Who})
	case Rematch:
		changed, err = t.takeLink(x.Sync, x.Customer, reason.LinkRematched, a.Who)
	default:
		return "", false, fmt.Errorf("there is no verb %q", a.Verb)
	}
	if err != nil || !changed {
		return note, false, err
	}
	// He wants to know how it comes out, also where he had closed it.
	if _, err := t.exec("update exceptions set dismissed = 0 where id = $1", x.ID); err != nil {
		return "", false, err
	}
	switch a.Verb {
	case Retry:
		err = t.lookAgain(x.Sync, x.Customer, a.Itself)
	case LinkTo, Rematch:
		err = t.linkChanged(x.Sync, x.Customer, before, a.TargetID, a.Who)
	default:
		err = t.decidedAgain(x.Sync, x.Customer)
	}
	return note, true, err
}

// linkAsTold sets a link unless it is so already.
func (t *tx) linkAsTold(l Link) (changed bool, err error) {
	if err := t.unclaimedRecord(l); err != nil {
		return false, err
	}
	n := 0
	err = t.query(func(s scanner) error { return s.Scan(&n) },
		"select count(*) from links where sync = $1 and customer = $2 and target_id = $3 and confidence = 1", l.Sync, l.Customer, l.TargetID)
	if err != nil || n > 0 {
		return false, err
	}
	return true, t.setLink(l, l.Rule)
}

func (t *tx) note(exception int64, who, verb, note string) error {
	_, err := t.exec("insert into actions (exception_id, done_at, who, verb, note) values ($1, $2, $3, $4, $5)", exception, ms(t.now), who, verb, note)
	return err
}

const actionColumns = "id, done_at, who, verb, note"

func scanAction(s scanner) (a Action, err error) {
	var done int64
	err = s.Scan(&a.ID, &done, &a.Who, &a.Verb, &a.Note)
	a.At = at(done)
	return a, err
}

// Actions returns who did what about an exception, the first first.
func (db *DB) Actions(ctx context.Context, exception int64) ([]Action, error) {
	var found []Action
	err := db.view(ctx, func(s scanner) error {
		a, err := scanAction(s)
		found = append(found, a)
		return err
	}, "select "+actionColumns+" from actions where exception_id = $1 order by id", exception)
	if err != nil {
		return nil, fmt.Errorf("read the history of exception %d: %w", exception, err)
	}
	return found, nil
}

// Group is the open exceptions of one cause.
type Group struct {
	Sync      string
	Kind      status.Kind
	Cause     string
	Customers int
	Oldest    time.Time // when the oldest of them opened
	LastSeen  time.Time
}

// Groups returns the groups of open exceptions, the largest first; "" is all
// syncs.
func (db *DB) Groups(ctx context.Context, sync string) ([]Group, error) {
	w := where{}
	w.equal("sync", sync)
	return db.groups(ctx, w, " order by count(*) desc, sync, kind, cause")
}

// groups returns the chosen groups in an order; limit is the argument that the
// order ends with, if it does.
func (db *DB) groups(ctx context.Context, w where, order string, limit ...int) ([]Group, error) {
	in(&w, "state", []status.State{status.Open, status.Acknowledged})
	chosen := w.String()
	for _, n := range limit {
		order += w.arg(n)
	}
	var found []Group
	err := db.view(ctx, func(s scanner) error {
		var g Group
		var oldest, last int64
		err := s.Scan(&g.Sync, &g.Kind, &g.Cause, &g.Customers, &oldest, &last)
		g.Oldest, g.LastSeen = at(oldest), at(last)
		found = append(found, g)
		return err
	}, "select sync, kind, cause, count(*), min(opened_at), max(last_seen) from exceptions"+chosen+" group by sync, kind, cause"+order, w.args...)
	if err != nil {
		return nil, fmt.Errorf("group exceptions: %w", err)
	}
	return found, nil
}

// ErrKeyReused means that something else was asked under the same key: nothing
// was changed.
var ErrKeyReused = errors.New("its key was given to another request before")

// Answered reports whether a request was answered under a key before.
func (db *DB) Answered(ctx context.Context, key string) (bool, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) }, "select count(*) from requests where request_key = $1", key)
	if err != nil {
		return false, fmt.Errorf("look for a request of before: %w", err)
	}
	return n > 0, nil
}

// answered returns what a request with the key of an act was answered, if there
// was one.
func (t *tx) answered(a Act) (changed, repeated bool, err error) {
	if a.Key == "" {
		return false, false, nil
	}
	asked, was := "", 0
	err = t.query(func(s scanner) error {
		repeated = true
		return s.Scan(&asked, &was)
	}, "select asked, changed from requests where request_key = $1", a.Key)
	if err == nil && repeated && asked != a.Asked {
		err = ErrKeyReused
	}
	return was == 1, repeated, err
}

// keepAnswer stores the answer to a request, also when nothing changed: sent again,
// it must not do what it did not do the first time. Of two that come at once, the
// unique constraint makes the later one run again.
func (t *tx) keepAnswer(a Act, changed bool) error {
	if a.Key == "" {
		return nil
	}
	_, err := t.exec("insert into requests (request_key, asked, changed, done_at) values ($1, $2, $3, $4)", a.Key, a.Asked, bit(changed), ms(t.now))
	return err
}
