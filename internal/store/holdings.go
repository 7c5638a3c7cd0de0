package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Holding is what the database holds under a name.
type Holding struct {
	Kind NameKind
	Name string
	// Of a sync.
	Customers, Links, OpenExceptions int
	// Events are those that were received, Waiting those without an outcome.
	Events, Waiting int
	// Of a connection: whether it told as a source, or as a target, and whether it
	// has a place in its list of changes, and tokens.
	AsSource, AsTarget, Place, Tokens bool
}

// Empty reports whether nothing would be missed.
func (h Holding) Empty() bool {
	return h.Customers+h.Links+h.OpenExceptions+h.Events == 0 && !h.Place && !h.Tokens
}

// String says it for people.
func (h Holding) String() string {
	var parts []string
	add := func(n int, noun string) {
		if n > 0 {
			parts = append(parts, status.Plural(n, noun))
		}
	}
	add(h.Customers, "customer")
	add(h.Links, "link")
	add(h.OpenExceptions, "open exception")
	add(h.Events, "event")
	if h.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d of them not carried yet", h.Waiting))
	}
	if h.Place {
		parts = append(parts, "how far its changes were asked for")
	}
	if h.Tokens {
		parts = append(parts, "its tokens")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

type query func(scan func(scanner) error, text string, args ...any) error

// holding reads what there is under a name.
func (db *DB) holding(q query, kind NameKind, name string) (Holding, error) {
	h := Holding{Kind: kind, Name: name}
	count := func(into *int, text string) error {
		return q(func(s scanner) error { return s.Scan(into) }, text, name)
	}
	if kind == SyncName {
		return h, errors.Join(
			count(&h.Customers, "select count(*) from customers where sync = $1"),
			count(&h.Links, "select count(*) from links where sync = $1"),
			count(&h.OpenExceptions, "select count(*) from exceptions where sync = $1 and state in ('open', 'acknowledged')"),
			count(&h.Events, "select count(*) from events where sync = $1"),
			count(&h.Waiting, "select count(*) from events where sync = $1 and outcome = ''"))
	}
	var sources, targets, place, tokens int
	err := errors.Join(
		count(&sources, "select count(*) from events where connection = $1 and side = 'source'"),
		count(&targets, "select count(*) from events where connection = $1 and side = 'target'"),
		count(&h.Waiting, "select count(*) from events where connection = $1 and outcome = ''"),
		count(&place, "select count(*) from turns where kind = 'changes' and name = $1 and cursor <> ''"),
		count(&tokens, "select count(*) from tokens where connection = $1 and sealed <> ''"))
	h.Events, h.AsSource, h.AsTarget, h.Place, h.Tokens = sources+targets, sources > 0 || place > 0, targets > 0, place > 0, tokens > 0
	return h, err
}

// Holding returns what the database holds under a name.
func (db *DB) Holding(ctx context.Context, kind NameKind, name string) (Holding, error) {
	viewed := func(scan func(scanner) error, text string, args ...any) error {
		return db.view(ctx, scan, text, args...)
	}
	h, err := db.holding(viewed, kind, name)
	return h, nameError("look what is held under "+name, err)
}

// Left returns what the database holds under names that a configuration does not
// have, and that no person has ended. has says which it has.
func (db *DB) Left(ctx context.Context, has func(kind NameKind, name string) bool) ([]Holding, error) {
	all, err := db.Names(ctx)
	if err != nil {
		return nil, err
	}
	var left []Holding
	for _, n := range all {
		if n.Became != "" || n.Ended || has(n.Kind, n.Name) {
			continue
		}
		h, err := db.Holding(ctx, n.Kind, n.Name)
		if err != nil {
			return nil, err
		}
		if !h.Empty() {
			left = append(left, h)
		}
	}
	// Syncs first: they are what a person looks for.
	slices.SortStableFunc(left, func(a, b Holding) int { return strings.Compare(string(b.Kind), string(a.Kind)) })
	return left, nil
}

// End ends what the database holds under a name that no configuration has: its
// events no longer wait and its exceptions close, with who said so. The rest stays,
// as history, until it is deleted by age or a customer is forgotten.
func (db *DB) End(ctx context.Context, kind NameKind, name, who string) (ended Holding, err error) {
	err = db.exclusively(ctx, func(t *tx) error {
		n, ok := Find(t.names, kind, name)
		if !ok || n.Became != "" {
			return ErrNotKnown
		}
		if ended, err = db.holding(t.query, kind, name); err != nil || n.Ended {
			return err
		}
		if kind == ConnectionName {
			for _, table := range []string{"turns where kind = 'changes' and name", "rests where kind = 'connection' and name", "tokens where connection", "consents where connection", "refused where connection", "connections where name"} {
				if _, err := t.exec("delete from "+table+" = $1", name); err != nil {
					return err
				}
			}
		} else if err := t.endSync(name, who); err != nil {
			return err
		}
		if _, err = t.exec("update names set ended_at = $3 where kind = $1 and name = $2", string(kind), name, ms(t.now)); err != nil {
			return err
		}
		return t.record(ctx, ofName(Activity{Who: who, Act: reason.Reason{Code: reason.ActRemoved}}, kind, name))
	})
	if err != nil {
		return Holding{}, fmt.Errorf("remove %s: %w", name, err)
	}
	return ended, nil
}

// ofName says of an act to which name of the configuration it was done.
func ofName(a Activity, kind NameKind, name string) Activity {
	if kind == SyncName {
		a.Sync = name
	} else {
		a.Act.Facts.Connection = name
	}
	return a
}

func (t *tx) endSync(name, who string) error {
	why := keep(reason.Reason{Code: reason.SyncRemoved, Facts: reason.Facts{Sync: name, By: who}})
	for _, change := range []struct {
		text string
		args []any
	}{
		{"update customers set due_at = null, owed = 0, halted = '' where sync = $1 and (due_at is not null or owed = 1 or halted <> '')", nil},
		{"update events set outcome = 'ignored', reason = $2, settled_at = $3, reason_code = $4, reason_facts = $5 where sync = $1 and outcome = ''",
			[]any{why.text, ms(t.now), why.code, why.facts}},
		{"update halts set halted_at = 0 where sync = $1", nil},
		{"update pauses set ended_at = $2 where sync = $1 and ended_at = 0", []any{ms(t.now)}},
		{"update pins set ended_at = $2, ended_by = $3 where sync = $1 and ended_at = 0", []any{ms(t.now), who}},
		{"update silences set heard_at = $2 where sync = $1 and heard_at = 0", []any{ms(t.now)}},
		{"update alarms set ended_at = $2 where sync = $1 and ended_at = 0", []any{ms(t.now)}},
		{"update sweeps set phase = 'failed', failure = 'the sync was removed', ended_at = $2, lease_until = 0 where sync = $1 and phase not in ('done', 'failed')", []any{ms(t.now)}},
		{"update plan_jobs set outcome = 'failed', failure = 'the sync was removed', ended_at = $2, lease_until = 0 where sync = $1 and ended_at = 0", []any{ms(t.now)}},
	} {
		if _, err := t.exec(change.text, append([]any{name}, change.args...)...); err != nil {
			return err
		}
	}
	return t.endExceptions(name, who)
}

// endExceptions closes all that is open, also what is ignored: no one will read it
// again.
func (t *tx) endExceptions(sync, who string) error {
	var ids []int64
	topics := map[topic]bool{}
	err := t.query(func(s scanner) error {
		var id int64
		p := topic{sync: sync}
		err := s.Scan(&id, &p.kind, &p.cause)
		ids, topics[p] = append(ids, id), true
		return err
	}, "update exceptions set state = 'resolved', ignored = '' where sync = $1 and state <> 'resolved' returning id, kind, cause", sync)
	for _, id := range ids {
		err = errors.Join(err, t.note(id, who, string(Resolve), "the sync was removed"))
	}
	for p := range topics {
		err = errors.Join(err, t.tell(p.sync, p.kind, p.cause))
	}
	return err
}
