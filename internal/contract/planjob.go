package contract

import (
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// PlanJob is what a person has asked the service to do about a plan, and how far it is.
type PlanJob struct {
	ID   int64         `json:"id"`
	Sync string        `json:"sync"`
	Kind store.JobKind `json:"kind" enum:"make,apply"`
	// Plan is null until one is made.
	Plan       *string    `json:"plan" doc:"The hash of the plan that is applied, or of the plan that was made; null until it is made."`
	Customers  []string   `json:"customers" doc:"The only customers to write; empty means all rows."`
	ApprovedBy string     `json:"approved_by" doc:"Who approved overwriting values that Trueup did not write; empty for no one."`
	AskedBy    string     `json:"asked_by"`
	AskedAt    *time.Time `json:"asked_at"`
	BeganAt    *time.Time `json:"began_at"`
	State      JobState   `json:"state" enum:"waiting,running,stopping,done,stopped,failed" doc:"waiting: no process works on it yet, or the one that did has ended; another one continues."`
	StoppedBy  string     `json:"stopped_by"`
	EndedAt    *time.Time `json:"ended_at"`
	Failure    string     `json:"failure" doc:"Why it failed."`
	WaitsFor   string     `json:"waits_for" doc:"The connection that is at its rate limit or does not answer."`
	WaitsUntil *time.Time `json:"waits_until"`
	// Only the one of its kind is there.
	Making   *Making   `json:"making,omitempty" doc:"How far the comparison is, while a plan is being made."`
	Applying *Applying `json:"applying,omitempty" doc:"How far the rows are, of a plan that is applied."`
}

// JobState is how a job stands.
type JobState string

// The states of a job.
const (
	JobWaiting  JobState = "waiting"
	JobRunning  JobState = "running"
	JobStopping JobState = "stopping"
	JobDone     JobState = "done"
	JobStopped  JobState = "stopped"
	JobFailed   JobState = "failed"
)

// Making is how far a comparison is.
type Making struct {
	Phase    store.Phase `json:"phase" enum:"source,target,compare" doc:"What is being done: reading the source, reading the target, or deciding."`
	Source   Portion     `json:"source" doc:"Records of the source that were read."`
	Target   Portion     `json:"target" doc:"Records of the target that were read."`
	Compared Portion     `json:"compared" doc:"Customers that were compared."`
}

// Portion is a part of something. Of is null where nobody knows how much there is.
type Portion struct {
	Done int  `json:"done"`
	Of   *int `json:"of" doc:"About how many there are; null if that is not known."`
}

// Applying counts the rows of a plan that is applied.
type Applying struct {
	Total   int `json:"total"`
	Written int `json:"written"`
	Refused int `json:"refused" doc:"Something changed after the plan was made: these were left as they were."`
	Failed  int `json:"failed"`
	ToGo    int `json:"to_go"`
}

// PlanJobOf converts a job.
func PlanJobOf(j store.PlanJob) PlanJob {
	c := PlanJob{ID: j.ID, Sync: j.Sync, Kind: j.Kind, Customers: append([]string{}, j.Customers...), ApprovedBy: j.ApprovedBy, AskedBy: j.AskedBy,
		AskedAt: Stamp(j.AskedAt), BeganAt: Stamp(j.BeganAt), State: jobState(j), StoppedBy: j.StoppedBy, EndedAt: Stamp(j.EndedAt), Failure: j.Failure,
		WaitsFor: j.Waits, WaitsUntil: Stamp(j.Until)}
	if j.Hash != "" {
		c.Plan = &j.Hash
	}
	if j.Kind == store.ApplyJob && (j.Total > 0 || !j.EndedAt.IsZero()) {
		c.Applying = &Applying{Total: j.Total, Written: j.Written, Refused: j.Refused, Failed: j.Failed, ToGo: max(0, j.Total-j.Written-j.Refused-j.Failed)}
	}
	return c
}

// Told is the job as the catalogue words it; source and target are what people call
// the sync's connections, named what they call any.
func (j PlanJob) Told(source, target string, named func(string) string) reason.Job {
	t := reason.Job{Makes: j.Kind == store.MakeJob, Stopping: j.State == JobStopping, Ended: j.EndedAt != nil, Stopped: j.State == JobStopped, StoppedBy: j.StoppedBy,
		Failure: j.Failure, Waiting: j.State == JobWaiting, Source: source, Target: target, WaitsFor: named(j.WaitsFor)}
	if j.Plan != nil {
		t.Plan = (*j.Plan)[:min(len(*j.Plan), shortHash)]
	}
	if a := j.Applying; a != nil {
		t.Rows = &reason.Rows{Total: a.Total, Written: a.Written, Refused: a.Refused, Failed: a.Failed}
	}
	if m := j.Making; m != nil {
		t.Phase = string(m.Phase)
		t.Done = map[store.Phase]int{store.PhaseSource: m.Source.Done, store.PhaseTarget: m.Target.Done, store.PhaseCompare: m.Compared.Done}[m.Phase]
	}
	return t
}

// shortHash is how much of a plan's hash people read.
const shortHash = 12

func jobState(j store.PlanJob) JobState {
	switch {
	case !j.EndedAt.IsZero():
		return map[store.JobOutcome]JobState{store.JobDone: JobDone, store.JobStopped: JobStopped}[j.Outcome].or(JobFailed)
	case !j.StopAt.IsZero():
		return JobStopping
	case j.Working:
		return JobRunning
	}
	return JobWaiting
}

func (s JobState) or(other JobState) JobState {
	if s == "" {
		return other
	}
	return s
}

// MakingOf is how far a comparison is. last is the one before, from which is known
// about how many there are.
func MakingOf(w, last store.Sweep) *Making {
	about := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	m, was := w.Summary, last.Summary
	p := Making{Phase: w.Phase, Source: Portion{m.Sources, about(was.Sources)}, Target: Portion{m.Targets, about(was.Targets)},
		Compared: Portion{m.Carried() + m.NotCarried, about(m.Sources)}}
	if w.Phase != store.PhaseSource {
		p.Source.Of = about(m.Sources)
	}
	if w.Phase == store.PhaseCompare {
		p.Target.Of = about(m.Targets)
	}
	if !w.SourceListed {
		p.Compared.Of = about(was.Carried() + was.NotCarried)
	}
	return &p
}

// PlanChange is one kind of change in a plan, and how many customers it is about.
type PlanChange struct {
	Change       string        `json:"change" doc:"The value for change in GET /plans/{hash}."`
	Action       string        `json:"action"`
	Kind         status.Kind   `json:"kind"`
	Before       string        `json:"before"`
	BeforeStatus status.Status `json:"before_status" doc:"The status that the value before has in the configuration; empty if none."`
	After        string        `json:"after"`
	AfterStatus  status.Status `json:"after_status"`
	Customers    int           `json:"customers"`
	Guarded      bool          `json:"guarded" doc:"It writes a status whose changes limits.mass_change counts."`
}

// ChangeName is a kind of change in an address.
func ChangeName(id int64) string { return strconv.FormatInt(id, 36) }

// ChangeID reads what ChangeName has written.
func ChangeID(name string) (int64, error) { return strconv.ParseInt(name, 36, 64) }
