package oracle

import (
	"context"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// sideOf is one side of a sync.
type sideOf struct {
	sync string
	side store.Side
}

// Accounts returns what is noted of a sync's sides.
func (db *DB) Accounts(_ context.Context, sync string) (map[store.Side]store.Account, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	noted := map[store.Side]store.Account{}
	for k, a := range db.accounts {
		if k.sync == sync {
			noted[k.side] = a
		}
	}
	return noted, nil
}

// NoteAccounts notes which accounts of the target a sync reaches now, unless
// something is kept that is about others: those are returned. It keeps nothing of
// the source's accounts.
func (db *DB) NoteAccounts(_ context.Context, sync string, now []store.Account) (moved []store.AccountMoved, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	moved = db.movedAccounts(sync, now)
	for _, a := range now {
		if !slices.ContainsFunc(moved, func(m store.AccountMoved) bool { return m.Was.Side == a.Side }) {
			db.noteAccount(sync, a)
		}
	}
	return moved, nil
}

func (db *DB) movedAccounts(sync string, now []store.Account) (moved []store.AccountMoved) {
	kept := slices.ContainsFunc(db.links, func(l *store.Link) bool { return l.Sync == sync }) ||
		slices.ContainsFunc(db.intents, func(i *intent) bool { return i.sync == sync })
	for c := range db.rows(sync) {
		kept = kept || c.Base.Known
	}
	for _, a := range now {
		if was, ok := db.accounts[sideOf{sync, a.Side}]; ok && was.Key != a.Key && kept {
			moved = append(moved, store.AccountMoved{Was: was, Now: a})
		}
	}
	return moved
}

func (db *DB) noteAccount(sync string, a store.Account) {
	k := sideOf{sync, a.Side}
	was, ok := db.accounts[k]
	if ok && was.Key == a.Key {
		a.At, a.By = was.At, was.By
	} else {
		a.At = db.clock()
	}
	if ok && was.Key != a.Key { // what an attempt under way knows is of the one before
		for c := range db.rows(sync) {
			c.fence++
		}
	}
	db.accounts[k] = a
}

// SameAccounts notes that the accounts of now are those that everything kept is
// about, as a person says.
func (db *DB) SameAccounts(_ context.Context, sync, who string, now []store.Account) ([]store.AccountMoved, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	moved := db.movedAccounts(sync, now)
	db.settleAccounts(sync, who, now)
	return moved, nil
}

func (db *DB) settleAccounts(sync, who string, now []store.Account) {
	for _, a := range now {
		a.By = who
		db.noteAccount(sync, a)
	}
}

// RemoveLinks takes all links of a sync away, and what was seen and written in
// another account than the one of now.
func (db *DB) RemoveLinks(_ context.Context, sync, who string, now []store.Account) (removed int, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	moved := db.movedAccounts(sync, now)
	for _, l := range slices.Clone(db.links) {
		if l.Sync != sync {
			continue
		}
		k := key{sync, l.Customer}
		db.take(k, reason.LinkRemoved, who)
		db.decisions = append(db.decisions, store.Decision{ID: int64(len(db.decisions) + 1), At: db.clock(), Sync: sync, Customer: l.Customer,
			Action: "unlink", Reason: reason.Reason{Code: reason.LinksRemovedBy, Facts: reason.Facts{By: who}}})
		db.forgetRecord(k)
		db.decidedAgain(k)
		removed++
	}
	if len(moved) > 0 {
		db.intents = slices.DeleteFunc(db.intents, func(i *intent) bool { return i.sync == sync })
		for c := range db.rows(sync) {
			db.forgetRecord(key{sync, c.Customer.Customer})
			c.Base, c.HumanAt = store.Base{}, time.Time{}
			c.fence++
		}
	}
	for _, x := range db.exceptions {
		if x.Sync == sync && x.Kind == status.BrokenLink && x.Stage == status.StageReadTarget {
			db.resolve(x)
		}
	}
	db.settleAccounts(sync, who, now)
	return removed, nil
}
