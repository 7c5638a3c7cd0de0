package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) planJobRoutes() {
	accepted := func(op huma.Operation) huma.Operation {
		op.Method, op.DefaultStatus = http.MethodPost, http.StatusAccepted
		return op
	}
	route(s, store.Operator, accepted(huma.Operation{OperationID: "make-plan", Path: "/syncs/{sync}/plans", Summary: "Make a plan",
		Description: "Compares both sides, as trueup plan does, and writes nothing. The answer is a job: GET /jobs/{id} shows how far it is, and the plan's hash once it is made. " +
			"A sync has one job at a time; who asks for the same again gets the job that is open."}), s.makePlan)
	route(s, store.Operator, accepted(huma.Operation{OperationID: "apply-plan", Path: "/plans/{hash}/apply", Summary: "Apply a plan",
		Description: "Writes the plan's rows and nothing else, as trueup apply does: for each row both sides are read again, and the row is refused if anything changed after the plan was made. " +
			"The answer is a job. Only the latest plan of a sync can be applied. A sync in mode: watch writes only the customers in only, 10 at most. No row is written twice, however often this is sent."}), s.applyPlan)
	route(s, store.Viewer, get("list-jobs", "/jobs", "List the jobs", "What people asked the service to do about plans. Latest first."), s.listJobs)
	route(s, store.Viewer, get("get-job", "/jobs/{id}", "Show a job, and how far it is", ""), s.getJob)
	route(s, store.Operator, huma.Operation{OperationID: "stop-job", Method: http.MethodPost, Path: "/jobs/{id}/stop", Summary: "Stop a job",
		Description: "Rows in progress are finished, and what is written stays written. A comparison that is stopped continues when a plan is made again. If it was stopped already or has ended, the answer has changed: false."}, s.stopJob)
	route(s, store.Operator, huma.Operation{OperationID: "undo-write", Method: http.MethodPost, Path: "/customers/{sync}/{customer}/undo", Summary: "Undo Trueup's last write to a customer",
		Description: "The same as trueup undo: writes back the value that the target had before, if the target still has what Trueup wrote and no one has edited the record since. " +
			"The same value is not written to this customer again until the source changes, or the customer is named in apply-plan. 409 says why nothing was written."}, s.undo)
}

// Asking is on whose behalf something is done.
type Asking struct {
	As string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

// JobKey makes a repeated request one.
type JobKey struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice. Sent again with the same key, the request changes nothing and returns the first job; for something else the key is refused."`
}

// ApplyRequest says which rows of a plan to apply.
type ApplyRequest struct {
	Only                []string `json:"only,omitempty" maxItems:"200" doc:"Only these customers, by the source's id (default: all rows)."`
	ApproveFirstContact bool     `json:"approve_first_contact,omitempty" doc:"Also overwrite values that Trueup did not write, exactly those that the plan shows."`
	Asking
}

func (s *server) makePlan(ctx context.Context, in *struct {
	SyncPath
	JobKey
	Body Asking
}) (contract.PlanJob, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.PlanJob{}, err
	}
	return s.askPlan(ctx, store.PlanAsk{Sync: in.Sync, Who: who(ctx, in.Body.As), Key: in.Key})
}

func (s *server) applyPlan(ctx context.Context, in *struct {
	Hash string `path:"hash" minLength:"64" maxLength:"64" doc:"The plan's whole hash."`
	JobKey
	Body ApplyRequest
}) (contract.PlanJob, error) {
	return s.askPlan(ctx, store.PlanAsk{Hash: in.Hash, Only: in.Body.Only, ApproveFirst: in.Body.ApproveFirstContact, Who: who(ctx, in.Body.As), Key: in.Key})
}

func (s *server) askPlan(ctx context.Context, ask store.PlanAsk) (contract.PlanJob, error) {
	j, err := s.AskPlan(ctx, ask)
	if err != nil {
		return contract.PlanJob{}, err
	}
	return overview.PlanJob(ctx, s.Store, j)
}

// jobPlace is the number of the job that a page ends with.
type jobPlace struct {
	Job int64 `json:"job"`
}

func (s *server) listJobs(ctx context.Context, in *struct {
	SyncFilter
	Page
}) (List[contract.PlanJob], error) {
	var place jobPlace
	if err := s.listable(in.Sync, in.Page, &place); err != nil {
		return List[contract.PlanJob]{}, err
	}
	found, err := s.Store.PlanJobsBefore(ctx, in.Sync, place.Job, in.Limit+1)
	if err != nil {
		return List[contract.PlanJob]{}, err
	}
	return listOf(in.Page, found, contract.PlanJobOf, func(j store.PlanJob) any { return jobPlace{j.ID} })
}

// JobPath is the address of a job.
type JobPath struct {
	ID int64 `path:"id" minimum:"1"`
}

func (s *server) getJob(ctx context.Context, in *JobPath) (contract.PlanJob, error) {
	j, err := s.Store.PlanJob(ctx, in.ID)
	if err != nil {
		return contract.PlanJob{}, err
	}
	return overview.PlanJob(ctx, s.Store, j)
}

// StoppedJob is a job that was to stop.
type StoppedJob struct {
	Changed bool             `json:"changed" doc:"false: it was stopped already, or has ended."`
	Job     contract.PlanJob `json:"job"`
}

func (s *server) stopJob(ctx context.Context, in *struct {
	JobPath
	Body Asking
}) (StoppedJob, error) {
	j, changed, err := s.Store.StopJob(ctx, in.ID, who(ctx, in.Body.As))
	if err != nil {
		return StoppedJob{}, err
	}
	c, err := overview.PlanJob(ctx, s.Store, j)
	return StoppedJob{Changed: changed, Job: c}, err
}

func (s *server) undo(ctx context.Context, in *struct {
	CustomerPath
	Body Asking
}) (contract.Undone, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.Undone{}, err
	}
	return s.Undo(ctx, in.Sync, in.Customer, who(ctx, in.Body.As))
}
