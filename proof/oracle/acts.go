package oracle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Act does what a person decided about an exception.
func (db *DB) Act(_ context.Context, a store.Act) (changed bool, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	at := slices.IndexFunc(db.exceptions, func(x *store.Exception) bool { return x.ID == a.Exception })
	if at < 0 {
		return false, fmt.Errorf("%s: exception %d: %w", a.Verb, a.Exception, store.ErrNotFound)
	}
	if r, ok := db.requests[a.Key]; ok && a.Key != "" {
		if r.asked != a.Asked {
			return false, fmt.Errorf("%s exception %d: %w", a.Verb, a.Exception, store.ErrKeyReused)
		}
		return r.changed, nil
	}
	x := db.exceptions[at]
	note, changed, err := db.perform(x, a)
	if err != nil {
		return false, fmt.Errorf("%s exception %d: %w", a.Verb, a.Exception, err)
	}
	db.requests[a.Key] = request{a.Asked, changed}
	if changed {
		db.note(x.ID, a.Who, string(a.Verb), note)
	}
	return changed, nil
}

func (db *DB) note(id int64, who, verb, note string) {
	db.actions[id] = append(db.actions[id], store.Action{At: db.clock(), Who: who, Verb: verb, Note: note})
}

func (db *DB) perform(x *store.Exception, a store.Act) (note string, changed bool, err error) {
	before := *x
	switch a.Verb {
	case store.Acknowledge:
		if x.State == status.Open || x.State == status.StateIgnored {
			x.State, x.Ignored = status.Acknowledged, ""
		}
	case store.Assign:
		note = "to " + a.Owner
		if x.Owner != a.Owner || !x.Assigned {
			x.Owner, x.Assigned, x.WaitsSince, x.RemindedAt = a.Owner, true, db.clock(), time.Time{}
		}
	case store.Ignore:
		note = map[store.Ignored]string{store.IgnoredUntilChange: "until the source changes", store.IgnoredAlways: "for ever"}[a.Ignored]
		x.State, x.Ignored = status.StateIgnored, a.Ignored
	case store.Resolve:
		if x.State != status.Resolved {
			x.State, x.Ignored, db.dismissed[x.ID] = status.Resolved, "", store.AboutTwoSides(x.Kind)
			db.startAnew(key{x.Sync, x.Customer}, x.Kind)
		}
	case store.Reopen:
		if x.State == status.StateIgnored || x.State == status.Resolved {
			x.State, x.Ignored, x.OpenedAt, x.WaitsSince, x.RemindedAt = status.Open, "", db.clock(), db.clock(), time.Time{}
		}
	case store.MapTo:
		return "to " + a.Meaning, true, nil
	default:
		if x.Customer == "" {
			return "", false, store.ErrNoCustomer
		}
		return db.actOnCustomer(x, a)
	}
	return note, before.State != x.State || before.Ignored != x.Ignored || before.Owner != x.Owner || before.Assigned != x.Assigned, nil
}

func (db *DB) actOnCustomer(x *store.Exception, a store.Act) (note string, changed bool, err error) {
	k := key{x.Sync, x.Customer}
	if db.customers[k] == nil {
		return "", false, store.ErrNotFound
	}
	before := db.target(k)
	if p := db.pinned(k); p != nil && a.Verb == store.UseSource {
		return "", false, &store.PinnedError{Pin: *p}
	}
	switch a.Verb {
	case store.Retry:
		changed = true
		db.startAnew(k, x.Kind)
	case store.UseSource:
		note = "over " + a.Saw
		changed, err = db.rule(k, store.RuledForSource, x.State == status.Resolved, a)
	case store.KeepTarget:
		note = a.Saw
		if !a.Until.IsZero() {
			note += " until " + a.Until.UTC().Format(time.RFC3339)
		}
		changed, err = db.rule(k, store.RuledForTarget, x.State == status.Resolved, a)
	case store.LinkTo:
		note = "to record " + a.TargetID
		for _, l := range db.links {
			if l.Sync == k.sync && l.TargetID == a.TargetID && l.Customer != k.customer {
				return "", false, &store.DuplicateLinkError{Sync: k.sync, TargetID: a.TargetID, Customer: l.Customer}
			}
		}
		if l := db.link(k); l == nil || l.TargetID != a.TargetID || l.Confidence != 1 {
			changed = true
			db.put(store.Link{Sync: k.sync, Customer: k.customer, TargetID: a.TargetID, Rule: "a person", Confidence: 1, By: a.Who}, "a person", db.clock())
		}
	case store.Rematch:
		changed = db.take(k, reason.LinkRematched, a.Who)
	}
	if err != nil || !changed {
		return note, false, err
	}
	db.dismissed[x.ID] = false
	switch a.Verb {
	case store.Retry:
		db.lookAgain(k)
	case store.LinkTo, store.Rematch:
		db.linkChanged(k, before, a.TargetID, a.Who)
	default:
		db.decidedAgain(k)
	}
	return note, true, nil
}

func (db *DB) rule(k key, kind store.RulingKind, resolved bool, a store.Act) (changed bool, err error) {
	c := db.customers[k]
	moved := func(what string) error { return &store.ChangedError{What: what, Resolved: resolved} }
	switch {
	case c.Desired.SourceValue != a.SawSource:
		return false, moved(fmt.Sprintf("the source says %q, not %q", c.Desired.SourceValue, a.SawSource))
	case c.Observed.SeenAt.IsZero():
		return false, moved("its record has not been looked at since it was linked")
	case c.Observed.Value != a.Saw:
		return false, moved(fmt.Sprintf("the target holds %q, not %q", c.Observed.Value, a.Saw))
	}
	next := store.Ruling{Kind: kind, Desired: c.Desired.Value, Observed: c.Observed.Value, RecordAt: c.Observed.At, Until: milli(a.Until), At: db.clock(), By: a.Who}
	was := c.Ruling
	if was.Kind == kind && was.Desired == next.Desired && was.Observed == next.Observed && was.RecordAt.Equal(next.RecordAt) && was.Until.Equal(next.Until) {
		return false, nil
	}
	c.Ruling = next
	return true, nil
}

// Actions returns who did what about an exception.
func (db *DB) Actions(_ context.Context, id int64) ([]store.Action, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Clone(db.actions[id]), nil
}

// Groups returns the groups of open exceptions, the largest first.
func (db *DB) Groups(_ context.Context, sync string) ([]store.Group, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []store.Group
	for _, x := range db.exceptions {
		if !isOpen(x.State) || sync != "" && x.Sync != sync {
			continue
		}
		i := slices.IndexFunc(found, func(g store.Group) bool { return g.Sync == x.Sync && g.Kind == x.Kind && g.Cause == x.Cause })
		if i < 0 {
			i = len(found)
			found = append(found, store.Group{Sync: x.Sync, Kind: x.Kind, Cause: x.Cause, Oldest: x.OpenedAt})
		}
		g := &found[i]
		g.Customers++
		if x.OpenedAt.Before(g.Oldest) {
			g.Oldest = x.OpenedAt
		}
		if x.LastSeen.After(g.LastSeen) {
			g.LastSeen = x.LastSeen
		}
	}
	slices.SortFunc(found, func(a, b store.Group) int {
		return cmp.Or(cmp.Compare(b.Customers, a.Customers), cmp.Compare(a.Sync, b.Sync), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Cause, b.Cause))
	})
	return found, nil
}
