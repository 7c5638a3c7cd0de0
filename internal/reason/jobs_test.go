package reason_test

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
	"github.com/trueup-sync/trueup/internal/reason"
)

func TestAJobSaysWhatItDoesOrCameTo(t *testing.T) {
	for _, tt := range []struct {
		name string
		job  reason.Job
		want string
	}{
		{"no process has begun", reason.Job{Makes: true, Waiting: true}, "Waiting to begin"},
		{"the source is read", reason.Job{Makes: true, Source: "Billing", Phase: reason.PhaseSource, Done: 12345}, "Reading Billing: 12,345 records so far"},
		{"one record of the target is read", reason.Job{Makes: true, Target: "CRM", Phase: reason.PhaseTarget, Done: 1}, "Reading CRM: 1 record so far"},
		{"customers are compared", reason.Job{Makes: true, Phase: reason.PhaseCompare, Done: 999}, "Comparing: 999 customers so far"},
		{"it is being stopped", reason.Job{Makes: true, Stopping: true, Phase: reason.PhaseCompare}, "Stopping"},
		{"a plan is made", reason.Job{Makes: true, Ended: true, Plan: "1f3a2b4c5d6e"}, "Plan 1f3a2b4c5d6e is made"},
		{"a comparison was stopped", reason.Job{Makes: true, Ended: true, Stopped: true, StoppedBy: "Ben"}, "The comparison was stopped by Ben; a new plan continues it"},
		{"a comparison failed", reason.Job{Makes: true, Ended: true, Failure: "billing answers 401"}, "No plan was made: billing answers 401"},
		{"a plan waits", reason.Job{Plan: "1f3a"}, "Waiting to begin"},
		{"a plan is being written", reason.Job{Plan: "1f3a", Rows: &reason.Rows{Total: 1500, Written: 1000, Refused: 2}}, "Writing plan 1f3a: 1,000 of 1,500 rows written, 2 refused"},
		{"a plan is applied", reason.Job{Ended: true, Plan: "1f3a", Rows: &reason.Rows{Total: 1, Written: 0, Failed: 1}}, "Plan 1f3a is applied: 0 of 1 row written, 1 failed"},
		{"an application was stopped", reason.Job{Ended: true, Stopped: true, StoppedBy: "Ben", Plan: "1f3a", Rows: &reason.Rows{Total: 4, Written: 3}}, "Plan 1f3a was stopped by Ben: 3 of 4 rows written"},
		{"an application ended early", reason.Job{Ended: true, Failure: "the disk is full", Plan: "1f3a"}, "Plan 1f3a ended early: 0 of 0 rows written; the disk is full"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.job.Sentence(); got != tt.want {
				t.Errorf("it says %q", got)
			}
			for _, found := range plain.Find(tt.job.Sentence()) {
				t.Error(found)
			}
		})
	}
}

func TestAJobSaysWhatItWaitsFor(t *testing.T) {
	if got := (reason.Job{WaitsFor: "CRM"}).Waits(); got != "CRM is at its rate limit or does not answer" {
		t.Errorf("it says %q", got)
	}
	if got := (reason.Job{WaitsFor: "CRM", Ended: true}).Waits(); got != "" {
		t.Errorf("one that is over waits: %q", got)
	}
}
