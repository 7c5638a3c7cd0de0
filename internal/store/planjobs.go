package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// PlanJob is what a person has asked the service to do about a plan. It belongs to
// the database: whichever node has the time does it, and another one goes on when
// that node ends.
type PlanJob struct {
	ID   int64
	Sync string
	Kind JobKind
	// Plan is the one that is applied, or the one that was made, 0 until it is.
	Plan int64
	Hash string // of Plan
	// Customers are the only ones to write; nil is all of the plan.
	Customers []string
	// ApprovedBy is who approves overwriting values that Trueup did not write, "" for
	// no one.
	ApprovedBy string
	AskedBy    string
	AskedAt    time.Time
	StoppedBy  string
	StopAt     time.Time // zero: it is to go on
	BeganAt    time.Time
	// Working says that a process is at it, until LeaseUntil if it says nothing more.
	Working    bool
	LeaseUntil time.Time
	PlanProgress
	EndedAt time.Time // zero: it is open
	Outcome JobOutcome
	Failure string // why it failed, or what it left

	fence int64
}

// WroteNamed reports whether a job has written customers of a sync who were named.
func (db *DB) WroteNamed(ctx context.Context, sync string) (bool, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) },
		"select count(*) from (select 1 as one from plan_jobs where sync = $1 and kind = 'apply' and customers <> '' and written > 0 limit 1) found", sync)
	if err != nil {
		return false, fmt.Errorf("look whether customers of %s were written by name: %w", sync, err)
	}
	return n > 0, nil
}

// PlanProgress is how far a job is.
type PlanProgress struct {
	// Waits is the connection that is waited for, until Until; "" is none.
	Waits string
	Until time.Time
	// Total are the rows that a plan is applied with, and the others what became of them.
	Total, Written, Refused, Failed int
}

// PlanAsk is a person's wish that the service makes a plan, or applies one.
type PlanAsk struct {
	Sync string
	// Hash is the whole hash of the plan to apply; "" makes one.
	Hash string
	// Only are the customers whose rows are applied, by the source's id; nil is all rows.
	Only []string
	// ApproveFirst also overwrites values that Trueup did not write, as the plan shows them.
	ApproveFirst bool
	Who          string
	Key          string // makes a repeated request one; "" is none
}

// MostNamed is how many customers one request can name.
const MostNamed = 200

// JobKind is what a job does.
type JobKind string

// The kinds of job.
const (
	MakeJob  JobKind = "make"
	ApplyJob JobKind = "apply"
)

// JobOutcome is how a job ended.
type JobOutcome string

// The outcomes; JobOpen is that of a job that has not ended.
const (
	JobOpen    JobOutcome = ""
	JobDone    JobOutcome = "done"
	JobStopped JobOutcome = "stopped"
	JobFailed  JobOutcome = "failed"
)

// JobOpenError means that the sync has another job that has not ended.
type JobOpenError struct{ Job PlanJob }

func (e *JobOpenError) Error() string {
	return map[JobKind]string{MakeJob: "a plan of " + e.Job.Sync + " is being made already", ApplyJob: "a plan of " + e.Job.Sync + " is being applied already"}[e.Job.Kind]
}

// ErrJobTaken means that a job is not ours any more: nothing was changed.
var ErrJobTaken = errors.New("another process has taken over the job, or it has ended")

// same reports whether two jobs ask for the same.
func (j PlanJob) same(o PlanJob) bool {
	return j.Sync == o.Sync && j.Kind == o.Kind && (j.Kind == MakeJob || j.Plan == o.Plan) && j.ApprovedBy == o.ApprovedBy && slices.Equal(j.Customers, o.Customers)
}

// jobKey is an idempotency key as it is kept.
func jobKey(who, sync, key string) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(who + "\x00" + sync + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

// AskedJob returns the job that was asked for under a key, or ErrNotFound.
func (db *DB) AskedJob(ctx context.Context, who, sync, key string) (PlanJob, error) {
	found, err := db.planJobs(ctx, "where j.request_key = $1 and $1 <> ''", jobKey(who, sync, key))
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return PlanJob{}, err
	}
	return found[0], nil
}

// AskJob notes what a person asks for. A request that was noted before, under its key
// or by a job that is open, gets that job; made is false then. ErrKeyReused and a
// *JobOpenError change nothing.
func (db *DB) AskJob(ctx context.Context, j PlanJob, idempotency string) (asked PlanJob, made bool, err error) {
	j.Customers = slices.Compact(slices.Sorted(slices.Values(j.Customers)))
	requestKey := jobKey(j.AskedBy, j.Sync, idempotency)
	err = db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		made = false
		if t.renamed(j.Sync) {
			return ErrRenamed
		}
		var before, open *PlanJob
		err := t.query(func(s scanner) error {
			key := ""
			found, err := scanJob(t.now)(more{s, []any{&key}})
			if requestKey != "" && key == requestKey {
				before = &found
			} else {
				open = &found
			}
			return err
		}, "select "+jobColumns+", j.request_key "+jobTables+" where j.request_key = $1 and $1 <> '' or j.sync = $2 and j.ended_at = 0", requestKey, j.Sync)
		switch {
		case err != nil:
			return err
		case before != nil && !before.same(j):
			return ErrKeyReused
		case before != nil:
			asked = *before
			return nil
		case open != nil && open.same(j):
			asked = *open
			return nil
		case open != nil:
			return &JobOpenError{*open}
		}
		customers := ""
		if len(j.Customers) > 0 {
			text, err := json.Marshal(j.Customers)
			if err != nil {
				return err
			}
			customers = string(text)
		}
		asked, made = j, true
		asked.AskedAt = t.now
		err = t.query(func(s scanner) error { return s.Scan(&asked.ID) }, `
insert into plan_jobs (sync, kind, sweep, customers, approved_by, requested_by, requested_at, request_key) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
			j.Sync, string(j.Kind), j.Plan, customers, j.ApprovedBy, j.AskedBy, ms(t.now), requestKey)
		if err != nil || j.Kind == MakeJob {
			return err
		}
		return t.recordApply(ctx, j.AskedBy, Sweep{ID: j.Plan, Sync: j.Sync, Hash: j.Hash}, len(j.Customers) > 0)
	}})
	if err != nil {
		return PlanJob{}, false, fmt.Errorf("ask for a plan of %s: %w", j.Sync, err)
	}
	return asked, made, nil
}

// TakeJob takes an open job that nobody is at, for the time of the lease. ok is false
// when another process was first.
func (db *DB) TakeJob(ctx context.Context, j PlanJob, lease time.Duration) (taken PlanJob, ok bool, err error) {
	holder, err := db.place(ctx)
	if err == nil {
		err = db.update(ctx, func(t *tx) error {
			n, err := t.exec(`update plan_jobs set fence = fence + 1, lease_until = $3, holder = $4, began_at = case when began_at = 0 then $5 else began_at end
where id = $1 and fence = $2 and lease_until <= $5 and ended_at = 0`, j.ID, j.fence, ms(t.now.Add(lease)), holder, ms(t.now))
			ok = n > 0
			if ok {
				j.BeganAt = cmp.Or(j.BeganAt, t.now)
			}
			return err
		})
	}
	if err != nil {
		return PlanJob{}, false, fmt.Errorf("take a job of %s: %w", j.Sync, err)
	}
	j.fence++
	return j, ok, nil
}

// KeepJob stores how far a job is and prolongs its lease. stop says that a person wants
// it to end. ErrJobTaken means that it is not ours any more.
func (db *DB) KeepJob(ctx context.Context, j PlanJob, p PlanProgress, lease time.Duration) (stop bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		var at, found int64
		err := t.query(func(s scanner) error { found++; return s.Scan(&at) }, `
update plan_jobs set lease_until = $3, waits = $4, waits_until = $5, total = $6, written = $7, refused = $8, failed = $9
where id = $1 and fence = $2 and ended_at = 0 returning stop_at`,
			j.ID, j.fence, ms(t.now.Add(lease)), p.Waits, ms(p.Until), p.Total, p.Written, p.Refused, p.Failed)
		stop = at > 0
		if err == nil && found == 0 {
			err = ErrJobTaken
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep a job of %s: %w", j.Sync, err)
	}
	return stop, nil
}

// ReleaseJob lets the next process go on with a job.
func (db *DB) ReleaseJob(ctx context.Context, j PlanJob) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update plan_jobs set lease_until = 0, holder = 0 where id = $1 and fence = $2 and ended_at = 0", j.ID, j.fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave a job of %s: %w", j.Sync, err)
	}
	return nil
}

// EndJob ends a job as it says of itself. ErrJobTaken means that it was not ours.
func (db *DB) EndJob(ctx context.Context, j PlanJob) error {
	err := db.update(ctx, func(t *tx) error {
		n, err := t.exec(`update plan_jobs set lease_until = 0, holder = 0, waits = '', waits_until = 0, sweep = $3, total = $4, written = $5, refused = $6, failed = $7,
    ended_at = $8, outcome = $9, failure = $10 where id = $1 and fence = $2 and ended_at = 0`,
			j.ID, j.fence, j.Plan, j.Total, j.Written, j.Refused, j.Failed, ms(t.now), string(j.Outcome), j.Failure)
		if err == nil && n == 0 {
			err = ErrJobTaken
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("end a job of %s: %w", j.Sync, err)
	}
	return nil
}

// StopJob asks a job to end: what is written stays written. One that nobody is at ends
// at once. changed is false when it was to end already, or has ended.
func (db *DB) StopJob(ctx context.Context, id int64, who string) (j PlanJob, changed bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		changed = false
		var kind JobKind
		act := Activity{Who: who}
		err := t.query(func(s scanner) error { changed = true; return s.Scan(&kind, &act.Sync) },
			"update plan_jobs set stop_at = $2, stopped_by = $3 where id = $1 and ended_at = 0 and stop_at = 0 returning kind, sync", id, ms(t.now), who)
		if err == nil && changed {
			act.Act.Code = map[JobKind]reason.Code{MakeJob: reason.ActPlanningStopped, ApplyJob: reason.ActApplyingStopped}[kind]
			err = t.record(ctx, act)
		}
		if err == nil {
			_, err = t.exec("update plan_jobs set ended_at = $2, outcome = 'stopped', lease_until = 0 where id = $1 and ended_at = 0 and stop_at > 0 and lease_until <= $2", id, ms(t.now))
		}
		return err
	})
	if err == nil {
		j, err = db.PlanJob(ctx, id)
	}
	if err != nil {
		return PlanJob{}, false, fmt.Errorf("stop job %d: %w", id, err)
	}
	return j, changed, nil
}

const (
	jobColumns = `j.id, j.sync, j.kind, j.sweep, coalesce(w.hash, ''), j.customers, j.approved_by, j.requested_by, j.requested_at, j.stopped_by, j.stop_at, j.began_at,
    j.lease_until, j.waits, j.waits_until, j.total, j.written, j.refused, j.failed, j.ended_at, j.outcome, j.failure, j.fence`
	jobTables = "from plan_jobs j left join sweeps w on w.id = j.sweep"
)

// scanJob reads a job as it is at a time.
func scanJob(now time.Time) func(scanner) (PlanJob, error) {
	return func(s scanner) (PlanJob, error) {
		var j PlanJob
		var asked, stop, began, lease, until, ended int64
		var customers []byte
		err := s.Scan(&j.ID, &j.Sync, &j.Kind, &j.Plan, &j.Hash, &customers, &j.ApprovedBy, &j.AskedBy, &asked, &j.StoppedBy, &stop, &began,
			&lease, &j.Waits, &until, &j.Total, &j.Written, &j.Refused, &j.Failed, &ended, &j.Outcome, &j.Failure, &j.fence)
		if err == nil && len(customers) > 0 {
			err = json.Unmarshal(customers, &j.Customers)
		}
		j.AskedAt, j.StopAt, j.BeganAt, j.Until, j.EndedAt = at(asked), at(stop), at(began), at(until), at(ended)
		j.Working, j.LeaseUntil = lease > ms(now), at(lease)
		return j, err
	}
}

// planJobs returns the jobs that a condition chooses.
func (db *DB) planJobs(ctx context.Context, which string, args ...any) ([]PlanJob, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	var found []PlanJob
	scan := scanJob(now)
	err = db.view(ctx, func(s scanner) error {
		j, err := scan(s)
		found = append(found, j)
		return err
	}, "select "+jobColumns+" "+jobTables+" "+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read the jobs of plans: %w", err)
	}
	return found, nil
}

// PlanJob returns a job, or ErrNotFound.
func (db *DB) PlanJob(ctx context.Context, id int64) (PlanJob, error) {
	found, err := db.planJobs(ctx, "where j.id = $1", id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("job %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return PlanJob{}, err
	}
	return found[0], nil
}

// OpenPlanJobs returns the jobs that have not ended, by sync; "" is all syncs.
func (db *DB) OpenPlanJobs(ctx context.Context, sync string) ([]PlanJob, error) {
	return db.planJobs(ctx, "where j.ended_at = 0 and ($1 = '' or j.sync = $1) order by j.sync", sync)
}

// PlanJobsBefore returns up to limit jobs of a sync, the latest first and only those
// before the given number; 0 begins, and "" is all syncs.
func (db *DB) PlanJobsBefore(ctx context.Context, sync string, before int64, limit int) ([]PlanJob, error) {
	return db.planJobs(ctx, "where ($1 = '' or j.sync = $1) and ($2 = 0 or j.id < $2) order by j.id desc limit $3", sync, before, limit)
}

// JobOfPlan returns the latest job that applied a plan, or ErrNotFound.
func (db *DB) JobOfPlan(ctx context.Context, plan int64, sync string) (PlanJob, error) {
	found, err := db.planJobs(ctx, "where j.sync = $2 and j.kind = 'apply' and j.sweep = $1 order by j.id desc limit 1", plan, sync)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return PlanJob{}, err
	}
	return found[0], nil
}

// forgetInJobs puts a pseudonym in the place of a customer whom a job names.
func (t *tx) forgetInJobs(sync, customer, pseudonym string) error {
	old, err := json.Marshal(customer)
	if err != nil {
		return err
	}
	_, err = t.exec("update plan_jobs set customers = replace(customers, $2, $3) where sync = $1 and customers <> ''", sync, string(old), `"`+pseudonym+`"`)
	return err
}

// soughtLength is how much of a name a row is found by.
const soughtLength = 100

// soughtAs is what a row of a plan is found by.
func soughtAs(r PlanRow) string {
	called := []rune(strings.ToLower(strings.TrimSpace(cmp.Or(r.Name, r.Customer))))
	return string(called[:min(len(called), soughtLength)])
}
