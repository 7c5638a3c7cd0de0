package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Purpose is what a comparison is for.
type Purpose string

// The purposes.
const (
	ForPlan  Purpose = "plan"  // somebody wants to see what would change
	ForSweep Purpose = "sweep" // the schedule asks whether both sides agree
)

// Phase is how far a comparison has got.
type Phase string

// The phases, in their order; PhaseFailed is the end of one that cannot go on.
const (
	PhaseSource  Phase = "source"  // reading all of the source
	PhaseTarget  Phase = "target"  // reading all of the target
	PhaseCompare Phase = "compare" // deciding customer by customer
	PhaseDone    Phase = "done"
	PhaseFailed  Phase = "failed"
)

// Sweep is one full comparison of both sides of a sync, and what it came to.
type Sweep struct {
	ID      int64
	Sync    string
	Purpose Purpose
	Phase   Phase
	// SourceCursor, TargetCursor and ComparedTo are where to go on.
	SourceCursor, TargetCursor, ComparedTo string
	// Rules is a hash of what the sync's configuration says about the decision:
	// a comparison under other rules begins anew.
	Rules   string
	BeganAt time.Time
	EndedAt time.Time
	Failure string
	// Hash names the rows of a plan that has ended.
	Hash    string
	Summary Summary
	Drift   Drift
	// Waiting is how many customers differ whom nothing was ever carried for, and
	// whose source changed before the sync went live: only a plan writes them.
	Waiting int
	// Repaired is how many customers the sweep had looked at again.
	Repaired int
	// SourceListed and TargetListed say that the tool could list its records. Of
	// a source that cannot only the customers that it told of were compared; of
	// a target that cannot it is not known which of its records are nobody's.
	SourceListed, TargetListed bool
	// SourceAside and TargetAside are how many records the lists set aside because
	// they cannot be read: nothing is known of them. Asides names the first ones.
	SourceAside, TargetAside int
	Asides                   []Aside

	fence int64
}

// Summary counts the customers of a comparison, each once.
type Summary struct {
	Sources         int // records of the source
	Targets         int // records of the target
	Agree           int
	Write           int // the target differs and would be written
	Held            int // a person's newer edit is left alone
	UnmatchedSource int
	UnmatchedTarget int // records of the target that are nobody's
	Ambiguous       int
	Unmapped        int
	Other           int // those that need a person for another reason
	NotCarried      int // ignored by the configuration, or without a status
}

// Carried is how many customers have a status that is to be carried.
func (s Summary) Carried() int {
	return s.Agree + s.Write + s.Held + s.UnmatchedSource + s.Ambiguous + s.Unmapped + s.Other
}

// Agreement is the share of carried customers whose target holds what the
// source says, nil when there are none: who compared nobody has proved nothing.
func (s Summary) Agreement() *float64 { return shareOf(s.Agree, s.Carried()) }

// shareOf is a part of a whole, nil when there is no whole.
func shareOf(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	share := float64(part) / float64(whole)
	return &share
}

// Drift counts, by cause, the customers whose two sides had come apart.
type Drift struct {
	LostEvent     int // the source changed and no event said so
	EditOutside   int // somebody changed the target
	DeletedRecord int // the linked record is gone
	Vocabulary    int // a word is not known, or not known any more
}

// ByCause returns the figures under their names.
func (d Drift) ByCause() map[string]int {
	return map[string]int{"lost_event": d.LostEvent, "edit_outside": d.EditOutside, "deleted_record": d.DeletedRecord, "vocabulary": d.Vocabulary}
}

// PlanRow is one customer that a plan would change, or that needs a person.
type PlanRow struct {
	Sweep    int64
	Customer string
	TargetID string
	Name     string // the customer's, for people
	Action   string // write, hold or park
	Kind     status.Kind
	Reason   reason.Reason
	Before   string    // what the target holds
	After    string    // what it would hold
	RecordAt time.Time // when the record was edited last, by the target's clock
	State    RowState
	Note     string
	EndedAt  time.Time
	Names    []string // those of Settlement, when it is stored
}

// RowState is what became of a plan's row.
type RowState string

// The states of a row; RowOpen is one that nobody has applied.
const (
	RowOpen    RowState = ""
	RowApplied RowState = "applied"
	RowRefused RowState = "refused" // its world has moved
	RowFailed  RowState = "failed"  // the tool refused, or did not answer
)

const sweepColumns = `id, sync, purpose, phase, source_cursor, target_cursor, compared_to, rules, began_at, ended_at, failure, hash,
    sources, targets, agree, differ, held, unmatched_source, unmatched_target, ambiguous, unmapped, other, not_carried,
    lost_event, edit_outside, deleted_record, vocabulary, waiting, repaired, source_listed, target_listed, source_aside, target_aside, asides, fence`

func scanSweep(s scanner) (Sweep, error) {
	var w Sweep
	var began, ended, sources, targets int64
	var asides string
	m, d := &w.Summary, &w.Drift
	err := s.Scan(&w.ID, &w.Sync, &w.Purpose, &w.Phase, &w.SourceCursor, &w.TargetCursor, &w.ComparedTo, &w.Rules, &began, &ended, &w.Failure, &w.Hash,
		&m.Sources, &m.Targets, &m.Agree, &m.Write, &m.Held, &m.UnmatchedSource, &m.UnmatchedTarget, &m.Ambiguous, &m.Unmapped, &m.Other, &m.NotCarried,
		&d.LostEvent, &d.EditOutside, &d.DeletedRecord, &d.Vocabulary, &w.Waiting, &w.Repaired, &sources, &targets, &w.SourceAside, &w.TargetAside, &asides, &w.fence)
	if err == nil {
		w.Asides, err = asidesOf(asides)
	}
	w.BeganAt, w.EndedAt = at(began), at(ended)
	w.SourceListed, w.TargetListed = sources == 1, targets == 1
	return w, err
}

// Sweeps returns the latest comparisons of a sync that were finished, the
// latest first.
func (db *DB) Sweeps(ctx context.Context, sync string, limit int) ([]Sweep, error) {
	var found []Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = append(found, w)
		return err
	}, "select "+sweepColumns+" from sweeps where sync = $1 and phase = 'done' order by id desc limit $2", sync, limit)
	if err != nil {
		return nil, fmt.Errorf("read the sweeps of %s: %w", sync, err)
	}
	return found, nil
}

// LastSweep returns the last comparison of a sync for a purpose that came to its
// end, or ErrNotFound.
func (db *DB) LastSweep(ctx context.Context, sync string, purpose Purpose) (Sweep, error) {
	var found *Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = &w
		return err
	}, "select "+sweepColumns+" from sweeps where sync = $1 and purpose = $2 and phase = 'done' order by id desc limit 1", sync, string(purpose))
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("read the last comparison of %s: %w", sync, err)
	}
	return *found, nil
}

// Plan returns the plan of a sync whose hash begins with the given text, or
// ErrNotFound; "" is any sync.
func (db *DB) Plan(ctx context.Context, sync, hash string) (Sweep, error) {
	var found []Sweep
	err := db.view(ctx, func(s scanner) error {
		w, err := scanSweep(s)
		found = append(found, w)
		return err
	}, "select "+sweepColumns+" from sweeps where ($1 = '' or sync = $1) and hash <> '' and phase = 'done' and substr(hash, 1, $3) = $2 order by id desc limit 2", sync, hash, len(hash))
	// The same rows have the same hash: the latest is the one that counts.
	if err == nil && (len(found) == 0 || len(found) == 2 && found[0].Hash != found[1].Hash) {
		err = ErrNotFound
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("plan %s of %s: %w", hash, sync, err)
	}
	return found[0], nil
}

// PlanRows returns up to limit rows of a plan by customer, those after the given
// one; "" begins.
func (db *DB) PlanRows(ctx context.Context, sweep int64, after string, limit int) ([]PlanRow, error) {
	return db.planRows(ctx, "customer > $2 order by customer limit $3", sweep, after, limit)
}

// PlanRowOf returns a customer's row of a plan, nil when there is none.
func (db *DB) PlanRowOf(ctx context.Context, sweep int64, customer string) (*PlanRow, error) {
	found, err := db.planRows(ctx, "customer = $2", sweep, customer)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (db *DB) planRows(ctx context.Context, which string, sweep int64, args ...any) ([]PlanRow, error) {
	var found []PlanRow
	err := db.view(ctx, func(s scanner) error {
		r := PlanRow{Sweep: sweep}
		var edited, ended int64
		var why kept
		err := s.Scan(&r.Customer, &r.TargetID, &r.Name, &r.Action, &r.Kind, &why.text, &why.code, &why.facts, &r.Before, &r.After, &edited, &r.State, &r.Note, &ended)
		r.Reason = why.reason()
		r.RecordAt, r.EndedAt = at(edited), at(ended)
		found = append(found, r)
		return err
	}, `select customer, target_id, name, action, kind, reason, reason_code, reason_facts, before, after, record_at, state, note, ended_at
from plan_rows where sweep = $1 and `+which, append([]any{sweep}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read the rows of a plan: %w", err)
	}
	return found, nil
}
