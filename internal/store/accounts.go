package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Account is which account of a tool a side of a sync reaches.
type Account struct {
	Side  Side
	Key   string // a hash
	Shown string // for people
	// At is since when it is noted, By who said so, "" for no one.
	At time.Time
	By string
}

// AccountMoved is a side that reaches another account than the one whose records
// the sync has links to.
type AccountMoved struct{ Was, Now Account }

// Accounts returns what is noted of a sync's sides.
func (db *DB) Accounts(ctx context.Context, sync string) (map[Side]Account, error) {
	noted, err := accountsOf(func(row func(scanner) error, text string, args ...any) error { return db.view(ctx, row, text, args...) }, sync)
	if err != nil {
		return nil, fmt.Errorf("read which accounts %s is about: %w", sync, err)
	}
	return noted, nil
}

func accountsOf(query func(func(scanner) error, string, ...any) error, sync string) (map[Side]Account, error) {
	noted := map[Side]Account{}
	err := query(func(s scanner) error {
		var a Account
		var since int64
		err := s.Scan(&a.Side, &a.Key, &a.Shown, &since, &a.By)
		a.At = at(since)
		noted[a.Side] = a
		return err
	}, "select side, account, shown, noted_at, noted_by from accounts where sync = $1", sync)
	return noted, err
}

// Whether something is kept that is about the account of a side. What waits for a
// write to arrive is about the target's, and what a record was proved to hold,
// also when its link has gone; what the source was read to say is about its.
var belongsTo = map[Side]string{
	TargetSide: `select case when exists (select 1 from links where sync = $1) or exists (select 1 from intents where sync = $1)
    or exists (select 1 from customers where sync = $1 and base_known = 1) then 1 else 0 end`,
	SourceSide: `select case when exists (select 1 from links where sync = $1) or exists (select 1 from seen where sync = $1)
    or exists (select 1 from customers where sync = $1 and desired_source_value <> '') then 1 else 0 end`,
}

// NoteAccounts notes which accounts a sync reaches now, unless something is kept
// that is about others: those are returned, and stay noted until a person says
// that they are the same, or lets go of what is about them. It is said at each
// start; what an older version has kept is taken to be about the account of now.
func (db *DB) NoteAccounts(ctx context.Context, sync string, now []Account) (moved []AccountMoved, err error) {
	err = db.update(ctx, func(t *tx) error {
		moved, err = t.movedAccounts(sync, now)
		if err != nil {
			return err
		}
		return t.noteAccounts(sync, slices.DeleteFunc(slices.Clone(now), func(a Account) bool {
			return slices.ContainsFunc(moved, func(m AccountMoved) bool { return m.Was.Side == a.Side })
		}))
	})
	if err != nil {
		return nil, fmt.Errorf("note which accounts %s is about: %w", sync, err)
	}
	return moved, nil
}

// MovedAccounts is NoteAccounts without noting anything.
func (db *DB) MovedAccounts(ctx context.Context, sync string, now []Account) (moved []AccountMoved, err error) {
	moved, err = movedAccounts(func(row func(scanner) error, text string, args ...any) error { return db.view(ctx, row, text, args...) }, sync, now)
	if err != nil {
		return nil, fmt.Errorf("compare which accounts %s is about: %w", sync, err)
	}
	return moved, nil
}

// movedAccounts is MovedAccounts in a transaction, which no attempt under way
// keeps anything beside when an account is another one.
func (t *tx) movedAccounts(sync string, now []Account) ([]AccountMoved, error) {
	other, err := t.otherAccount(sync, now)
	if err == nil && other {
		err = t.lockCustomersOf(sync)
	}
	if err != nil {
		return nil, err
	}
	return movedAccounts(t.query, sync, now)
}

// otherAccount reports whether another account is noted for one of the sides.
func (t *tx) otherAccount(sync string, now []Account) (bool, error) {
	noted, err := accountsOf(t.query, sync)
	return slices.ContainsFunc(now, func(a Account) bool { was, ok := noted[a.Side]; return ok && was.Key != a.Key }), err
}

func movedAccounts(query func(func(scanner) error, string, ...any) error, sync string, now []Account) (moved []AccountMoved, err error) {
	noted, err := accountsOf(query, sync)
	if err != nil {
		return nil, err
	}
	for _, a := range now {
		was, ok := noted[a.Side]
		if !ok || was.Key == a.Key {
			continue
		}
		keeps := 0
		if err := query(func(s scanner) error { return s.Scan(&keeps) }, belongsTo[a.Side], sync); err != nil {
			return nil, err
		}
		if keeps == 1 {
			moved = append(moved, AccountMoved{Was: was, Now: a})
		}
	}
	return moved, nil
}

// noteAccounts notes accounts. One that is noted already keeps its time. What an
// attempt in progress knows of the one before, such as a record that a match rule
// found, is no longer true.
func (t *tx) noteAccounts(sync string, now []Account) error {
	other, err := t.otherAccount(sync, now)
	if err == nil && other {
		_, err = t.exec("update customers set fence = fence + 1 where sync = $1", sync)
	}
	if err != nil {
		return err
	}
	for _, a := range now {
		_, err := t.exec(`insert into accounts (sync, side, account, shown, noted_at, noted_by) values ($1, $2, $3, $4, $5, $6)
on conflict (sync, side) do update set shown = excluded.shown,
    noted_at = case when accounts.account = excluded.account then accounts.noted_at else excluded.noted_at end,
    noted_by = case when accounts.account = excluded.account then accounts.noted_by else excluded.noted_by end,
    account = excluded.account`, sync, string(a.Side), a.Key, a.Shown, ms(t.now), a.By)
		if err != nil {
			return err
		}
	}
	return nil
}

// AskAboutAccounts is what an exception about another account says was done last,
// and tells it from others of its kind.
const AskAboutAccounts = string(reason.DidAccounts)

// SameAccounts notes that the accounts of now are those that everything kept is
// about, as a person says. It returns which were others before.
func (db *DB) SameAccounts(ctx context.Context, sync, who string, now []Account) (moved []AccountMoved, err error) {
	err = db.update(ctx, func(t *tx) error {
		if moved, err = t.movedAccounts(sync, now); err != nil {
			return err
		}
		if err := t.settleAccounts(sync, who, now, "the same account"); err != nil || len(moved) == 0 {
			return err
		}
		return t.record(ctx, Activity{Who: who, Sync: sync, Act: reason.Reason{Code: reason.ActSameAccount}})
	})
	if err != nil {
		return nil, fmt.Errorf("note that the accounts of %s are the same: %w", sync, err)
	}
	return moved, nil
}

// settleAccounts notes the accounts of now and closes the question about them.
func (t *tx) settleAccounts(sync, who string, now []Account, said string) error {
	now = slices.Clone(now)
	for i := range now {
		now[i].By = who
	}
	if err := t.noteAccounts(sync, now); err != nil {
		return err
	}
	id, cause, err := t.takeTrouble(sync, AskAboutAccounts)
	if err != nil || id == 0 {
		return err
	}
	_, err = t.exec("update exceptions set state = 'resolved', ignored = '' where id = $1", id)
	return errors.Join(err, t.note(id, who, string(Resolve), said), t.tell(sync, status.ConnectionFailed, cause))
}

// RemoveLinks removes all links of a sync and makes every customer due, so that
// the match rules are tried again. If an account has changed since, what was read
// and written in the old one goes as well, and the new one is noted.
func (db *DB) RemoveLinks(ctx context.Context, sync, who string, now []Account) (removed int, err error) {
	err = db.update(ctx, func(t *tx) error {
		removed = 0
		moved, err := t.movedAccounts(sync, now)
		if err != nil {
			return err
		}
		if err := t.lockCustomersOf(sync); err != nil {
			return err
		}
		forget := map[Side]bool{}
		for _, m := range moved {
			forget[m.Was.Side] = true
		}
		if removed, err = t.removeLinks(sync, who, forget); err != nil {
			return err
		}
		if err := t.settleAccounts(sync, who, now, "all links were removed"); err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: who, Sync: sync, Act: reason.Reason{Code: reason.ActLinksRemoved, Facts: reason.Facts{Count: removed}}})
	})
	if err != nil {
		return 0, fmt.Errorf("remove the links of %s: %w", sync, err)
	}
	return removed, nil
}

// removeLinks is RemoveLink for every customer at once. What an attempt in progress
// knows is no longer true, as with decidedAgain.
func (t *tx) removeLinks(sync, who string, forget map[Side]bool) (removed int, err error) {
	now := ms(t.now)
	do := func(text string, args ...any) int {
		if err != nil {
			return 0
		}
		var n int64
		n, err = t.exec(text, args...)
		return int(n)
	}
	do(`insert into link_history (sync, customer, old_target, new_target, changed_at, why, who)
select sync, customer, target_id, '', $2, 'removed', $3 from links where sync = $1`, sync, now, who)
	why := keep(reason.Reason{Code: reason.LinksRemovedBy, Facts: reason.Facts{By: who}})
	do(`insert into decisions (sync, customer, made_at, action, reason, table_row, stage, outcome, kind, target_id, desired, observed, base,
    desired_at, observed_at, observed_by, confidence, events, reason_code, reason_facts)
select sync, customer, $2, 'unlink', $3, 0, '', '', '', '', '', '', '', 0, 0, '', 0, 0, $4, $5 from links where sync = $1`, sync, now, why.text, why.code, why.facts)
	do(`update customers set fence = fence + 1, generation = generation + 1, attempts = 0, first_try = 0, ruling = '', undone = '', last_write = '',
    due_at = case when due_at <= $2 and lease_until <= $2 then due_at else $2 end,
    observed_status = '', observed_value = '', observed_at = 0, observed_by = '', observed_seen_at = 0
where sync = $1 and customer in (select customer from links where sync = $1)`, sync, now)
	removed = do("delete from links where sync = $1", sync)
	if forget[TargetSide] {
		// Records of the other account may have the same ids.
		if err == nil {
			err = t.forgetTarget(sync)
		}
	}
	if forget[SourceSide] {
		do("delete from seen where sync = $1", sync)
		do(`update customers set desired_source_value = '', desired_status = '', desired_value = '', desired_at = 0, desired_seen_at = 0, desired_since = 0, desired_event = '',
    desired_event_at = 0, ruling = '', fence = fence + 1, source_changes = source_changes + 1 where sync = $1`, sync)
	}
	broken := where{}
	broken.equal("sync", sync)
	broken.equal("kind", string(status.BrokenLink))
	broken.equal("stage", string(status.StageReadTarget))
	if err == nil {
		_, err = t.resolve(broken)
	}
	return removed, err
}
