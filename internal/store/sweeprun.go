package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// SweepingError means that another comparison of the same sync is under way.
type SweepingError struct{ Sweep Sweep }

func (e *SweepingError) Error() string {
	w := e.Sweep
	how := map[Phase]string{PhaseSource: fmt.Sprintf("it has read %d records of the source", w.Summary.Sources),
		PhaseTarget:  fmt.Sprintf("it has read %d records of the target", w.Summary.Targets),
		PhaseCompare: fmt.Sprintf("it has compared %d of %d customers", w.Summary.Carried()+w.Summary.NotCarried, w.Summary.Sources)}
	return fmt.Sprintf("both sides of %s are being compared already, since %s: %s; wait for it, or try again later",
		w.Sync, w.BeganAt.Format(time.RFC3339), how[w.Phase])
}

// ErrSweepTaken means that a comparison is not ours any more: nothing was
// changed. What wraps it says why.
var ErrSweepTaken = errors.New("another process has taken over the comparison")

// BeginSweep takes up the comparison of a sync that was left, or begins one, for
// the time of the lease. One that was made under other rules is given up. It
// returns a *SweepingError while another one of the sync is under way.
func (db *DB) BeginSweep(ctx context.Context, begin Sweep, lease time.Duration) (Sweep, error) {
	holder, err := db.place(ctx)
	if err != nil {
		return Sweep{}, fmt.Errorf("compare both sides of %s: %w", begin.Sync, err)
	}
	var w Sweep
	err = db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		w = begin
		if t.renamed(begin.Sync) {
			return ErrRenamed
		}
		var left *Sweep
		var other *SweepingError
		err := t.query(func(s scanner) error {
			var until int64
			found, err := scanSweep(more{s, []any{&until}})
			switch {
			case until > ms(t.now):
				other = &SweepingError{found}
			case found.Purpose == begin.Purpose:
				left = &found
			}
			return err
		}, "select "+sweepColumns+", lease_until from sweeps where sync = $1 and phase not in ('done', 'failed')", begin.Sync)
		switch {
		case err != nil:
			return err
		case other != nil:
			return other
		case left != nil && (left.Rules != begin.Rules || left.SourceListed != begin.SourceListed || left.TargetListed != begin.TargetListed):
			if err := t.endSweep(left.ID, PhaseFailed, "the configuration was changed, so it began anew"); err != nil {
				return err
			}
		case left != nil:
			w = *left
			w.fence++
			// Since it was looked at another node may have taken it, or whoever stood still
			// has gone on: then it is further than what was read here.
			n, err := t.exec("update sweeps set fence = $2, lease_until = $3, holder = $6 where id = $1 and fence = $4 and lease_until <= $5", w.ID, w.fence, ms(t.now.Add(lease)), left.fence, ms(t.now), holder)
			if err == nil && n == 0 {
				err = &SweepingError{*left}
			}
			return err
		}
		w.Phase, w.BeganAt, w.fence = PhaseSource, t.now, 1
		return t.query(func(s scanner) error { return s.Scan(&w.ID) }, `
insert into sweeps (sync, purpose, phase, rules, fence, lease_until, began_at, source_listed, target_listed, holder)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
			w.Sync, string(w.Purpose), string(w.Phase), w.Rules, w.fence, ms(t.now.Add(lease)), ms(t.now), bit(w.SourceListed), bit(w.TargetListed), holder)
	}})
	if err != nil {
		return Sweep{}, fmt.Errorf("compare both sides of %s: %w", begin.Sync, err)
	}
	return w, nil
}

// SweepUnderWay returns the comparison of a sync for a purpose that has begun
// and not ended, whether or not somebody is at it, or ErrNotFound.
func (db *DB) SweepUnderWay(ctx context.Context, sync string, purpose Purpose) (Sweep, error) {
	var found *Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = &w
		return err
	}, "select "+sweepColumns+" from sweeps where sync = $1 and purpose = $2 and phase not in ('done', 'failed')", sync, string(purpose))
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("look for a comparison of %s: %w", sync, err)
	}
	return *found, nil
}

// holdSweep checks that a comparison is ours and keeps it for the lease. Whoever
// stood still for longer and whom nobody replaced goes on.
func (t *tx) holdSweep(w Sweep, lease time.Duration) error {
	n, err := t.exec("update sweeps set lease_until = $3 where id = $1 and fence = $2 and phase not in ('done', 'failed')",
		w.ID, w.fence, ms(t.now.Add(lease)))
	if err != nil || n > 0 {
		return err
	}
	why := "another node goes on with it"
	err = t.query(func(s scanner) error {
		var failure string
		err := s.Scan(&failure)
		why = "it was ended: " + failure + "; start it again, and it begins anew"
		return err
	}, "select failure from sweeps where id = $1 and fence = $2 and phase = 'failed'", w.ID, w.fence)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrSweepTaken, why)
}

// KeepSweep prolongs the lease of a comparison; ErrSweepTaken means that it is not
// ours any more.
func (db *DB) KeepSweep(ctx context.Context, w Sweep, lease time.Duration) error {
	err := db.update(ctx, func(t *tx) error { return t.holdSweep(w, lease) })
	if err != nil {
		return fmt.Errorf("keep a comparison of %s: %w", w.Sync, err)
	}
	return nil
}

// ReleaseSweep lets whoever comes next go on with a comparison.
func (db *DB) ReleaseSweep(ctx context.Context, w Sweep) error {
	err := db.update(ctx, func(t *tx) error {
		// From now on it is nobody's: a day from now it is given up.
		_, err := t.exec("update sweeps set lease_until = $3 where id = $1 and fence = $2 and phase not in ('done', 'failed')", w.ID, w.fence, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("leave a comparison of %s: %w", w.Sync, err)
	}
	return nil
}

// FailSweep ends a comparison that cannot go on.
func (db *DB) FailSweep(ctx context.Context, w Sweep, why string) error {
	err := db.update(ctx, func(t *tx) error {
		if err := t.holdSweep(w, 0); err != nil {
			return err
		}
		return t.endSweep(w.ID, PhaseFailed, why)
	})
	if err != nil {
		return fmt.Errorf("end a comparison of %s: %w", w.Sync, err)
	}
	return nil
}

func (t *tx) endSweep(id int64, phase Phase, failure string) error {
	_, err := t.exec("update sweeps set phase = $2, failure = $3, ended_at = $4, lease_until = 0 where id = $1", id, string(phase), failure, ms(t.now))
	return err
}

// SweepPart is what a comparison has read or found since it was stored last.
type SweepPart struct {
	ReadAt  time.Time // when Sources and Targets were asked for
	Sources []status.SourceRecord
	Targets []status.TargetRecord
	Rows    []PlanRow
	Taken   []Taken
	Wake    []string // customers to be looked at again
	// Ask are customers to be looked at so that people are told of them, and for
	// whom nothing is written, with their generations when they were read.
	Ask map[string]int64
	// Seen is what the source says of customers of whom nothing was carried yet.
	Seen map[string]Seen
	// Watched are the looks at customers of a sync that only watches.
	Watched []WatchedLook
	// Vocabulary replaces what was known, when the comparison ends.
	Vocabulary []Word
}

// SaveSweep stores how far a comparison is together with what it has found
// since, in one transaction: whoever goes on with it repeats nothing. A page's
// records may have come before. ErrSweepTaken means that it is not ours any more.
// It returns the comparison as it is stored.
func (db *DB) SaveSweep(ctx context.Context, w Sweep, p SweepPart, lease time.Duration) (Sweep, error) {
	var touches []key
	for _, customer := range p.Wake {
		touches = append(touches, key{w.Sync, customer})
	}
	for customer := range p.Ask {
		touches = append(touches, key{w.Sync, customer})
	}
	saved := w
	err := db.update(ctx, func(t *tx) error {
		saved = w
		if err := t.holdSweep(w, lease); err != nil {
			return err
		}
		err := errors.Join(t.logSweep(w, p), t.saveFound(w, p))
		if err != nil {
			return errStore{err}
		}
		if w.Phase == PhaseDone {
			saved.EndedAt = t.now
			if err := t.finishSweep(w, p.Vocabulary); err != nil {
				return errStore{err}
			}
		}
		if err := t.putSweep(saved); err != nil {
			return errStore{err}
		}
		return nil
	}, touches...)
	if err != nil {
		return w, fmt.Errorf("store a comparison of %s: %w", w.Sync, err)
	}
	if saved.Phase == PhaseDone {
		if saved.Purpose == ForPlan {
			_ = db.dropOldRows(ctx, saved)
		}
		db.count(ctx, "seen")
	}
	return saved, nil
}

// countTime bounds counting a table.
const countTime = 10 * time.Second

// count has PostgreSQL count a table that a comparison may have filled within
// seconds. Until it does so by itself, a minute later, it plans by what it knew:
// with three rows known of 100,000 it read all of a sync's for each claim (70 ms
// instead of 0.05). That it could not be counted costs that and no more.
func (db *DB) count(ctx context.Context, table string) {
	if db.Engine() != "postgres" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	_, _ = db.write.ExecContext(ctx, "analyze "+table)
}

func (t *tx) putSweep(w Sweep) error {
	m, d := w.Summary, w.Drift
	asides, err := storedAsides(w.Asides)
	if err != nil {
		return err
	}
	_, err = t.exec(`update sweeps set phase = $2, source_cursor = $3, target_cursor = $4, compared_to = $5, hash = $6, ended_at = $7,
    sources = $8, targets = $9, agree = $10, differ = $11, held = $12, unmatched_source = $13, unmatched_target = $14, ambiguous = $15, unmapped = $16,
    other = $17, not_carried = $18, lost_event = $19, edit_outside = $20, deleted_record = $21, vocabulary = $22, waiting = $23, repaired = $24,
    source_aside = $25, target_aside = $26, asides = $27
where id = $1`, w.ID, string(w.Phase), w.SourceCursor, w.TargetCursor, w.ComparedTo, w.Hash, ms(w.EndedAt),
		m.Sources, m.Targets, m.Agree, m.Write, m.Held, m.UnmatchedSource, m.UnmatchedTarget, m.Ambiguous, m.Unmapped,
		m.Other, m.NotCarried, d.LostEvent, d.EditOutside, d.DeletedRecord, d.Vocabulary, w.Waiting, w.Repaired,
		w.SourceAside, w.TargetAside, asides)
	return err
}

// saveFound stores what comparing found.
func (t *tx) saveFound(w Sweep, p SweepPart) error {
	for _, r := range p.Rows {
		why := keep(r.Reason)
		_, err := t.exec("insert into plan_rows (sweep, customer, target_id, action, kind, reason, before, after, record_at, reason_code, reason_facts, name, change, sought) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
			w.ID, r.Customer, r.TargetID, r.Action, string(r.Kind), why.text, r.Before, r.After, ms(r.RecordAt), why.code, why.facts, r.Name, changeOf(r).ID, soughtAs(r))
		if err != nil {
			return err
		}
		if err := t.mention(w.Sync, r.Customer, r.Names...); err != nil {
			return err
		}
	}
	if err := t.putChanges(w.ID, p.Rows); err != nil {
		return err
	}
	if err := t.putSeen(w.Sync, p.Seen); err != nil {
		return err
	}
	for _, look := range p.Watched {
		if err := t.watch(w.Sync, look.Customer, look.Watched); err != nil {
			return err
		}
	}
	for _, customer := range p.Wake {
		t.wake(w.Sync, customer)
	}
	for customer, generation := range p.Ask {
		t.asked[key{w.Sync, customer}] = generation
	}
	return nil
}

// putSeen stores what the source says of customers. At a first plan it is all of
// them: a statement for each would take longer than all else.
func (t *tx) putSeen(sync string, seen map[string]Seen) error {
	left := slices.Sorted(maps.Keys(seen))
	for len(left) > 0 {
		n := 128 // the lengths are powers of two, so that there are few texts
		for n > len(left) {
			n /= 2
		}
		rows, args := make([]string, n), []any{sync}
		for i, customer := range left[:n] {
			rows[i] = fmt.Sprintf("($1, $%d, $%d, cast($%d as bigint))", 3*i+2, 3*i+3, 3*i+4)
			args = append(args, customer, seen[customer].Value, ms(seen[customer].At))
		}
		_, err := t.exec("insert into seen (sync, customer, value, seen_at) values "+strings.Join(rows, ", ")+
			" on conflict (sync, customer) do update set value = excluded.value, seen_at = excluded.seen_at", args...)
		if err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// plansKept is how many plans of a sync keep their rows.
const plansKept = 3

// finishSweep stores the vocabulary and drops the rows of older plans.
func (t *tx) finishSweep(w Sweep, words []Word) error {
	if _, err := t.exec("update sweeps set lease_until = 0, holder = 0 where id = $1", w.ID); err != nil {
		return err
	}
	if err := t.putVocabulary(w.Sync, words); err != nil {
		return err
	}
	if w.Purpose != ForPlan {
		return nil
	}
	_, err := t.exec("delete from plan_changes where sweep in "+oldPlans, w.Sync, w.ID, plansKept-1)
	return err
}

// oldPlans are the plans of sync $1 before $2 whose rows are not kept; $3 others are.
const oldPlans = `(select id from sweeps where sync = $1 and purpose = 'plan' and phase = 'done' and id < $2
    and id not in (select id from sweeps where sync = $1 and purpose = 'plan' and phase = 'done' and id < $2 order by id desc limit $3))`

// rowsDropped is how many rows one transaction drops: a million would take longer than
// a transaction may, and others wait for it.
const rowsDropped = 5000

// dropOldRows drops the rows of older plans. What is left when it fails goes when the
// next plan is made.
func (db *DB) dropOldRows(ctx context.Context, w Sweep) error {
	for {
		var n int64
		err := db.update(ctx, func(t *tx) (err error) {
			n, err = t.exec(`delete from plan_rows where (sweep, customer) in (select sweep, customer from plan_rows where sweep in `+oldPlans+" limit $4)",
				w.Sync, w.ID, plansKept-1, rowsDropped)
			return err
		})
		if err != nil || n < rowsDropped {
			return err
		}
	}
}
