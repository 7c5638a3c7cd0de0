package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/overview"
	"trueup/internal/status"
	"trueup/internal/store"
)

func jobsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List, follow and stop what the service does about plans",
		Long: `List what people asked the service to do about plans, from a page or through the API:
make one, or apply one. trueup run works on it, even if no one looks. A command that makes or
applies a plan itself is not listed here.`,
		Example: `  trueup jobs
  trueup jobs follow 7
  trueup jobs stop 7
  trueup jobs --sync customer-status --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = withDatabase(func(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
		sync, err := syncOf(cmd, cfg)
		if err != nil {
			return err
		}
		found, err := db.PlanJobsBefore(cmd.Context(), sync, 0, mostJobs)
		if err != nil {
			return err
		}
		var rows []contract.PlanJob
		for _, j := range found {
			row, err := overview.PlanJob(cmd.Context(), db, j)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		at := clockOf(cmd.OutOrStdout())
		return list(cmd, rows, "nobody has asked the service for a plan", "NUMBER\tASKED\tBY\tSYNC\tWHAT\tSTATE\tHOW FAR", func(j contract.PlanJob) string {
			return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s", j.ID, at.when(*j.AskedAt), orDash(j.AskedBy), j.Sync, whatJob(j), j.State, orDash(howFar(j)))
		})
	})
	syncFlag(cmd)
	jsonFlag(cmd)
	cmd.AddCommand(jobFollowCommand(), jobStopCommand())
	return cmd
}

const (
	// mostJobs is how many jobs are listed.
	mostJobs = 50
	// jobLook is how often a job is looked at that is followed.
	jobLook = time.Second
)

func jobFollowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "follow NUMBER",
		Short: "Show how far a job is until it ends",
		Long: `Watch a job until it ends. Ctrl-C ends the watching, not the job. Exit 1: it failed or
was stopped. Exit 3: some rows were refused or failed.`,
		Example: `  trueup jobs follow 7
  trueup jobs follow 7 --json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = withDatabase(func(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
		ticker := time.NewTicker(jobLook)
		defer ticker.Stop()
		m := newMeter(cmd)
		for {
			j, err := jobNamed(cmd, db, args[0])
			if err != nil {
				return err
			}
			if j.EndedAt != nil {
				m.end()
				return ended(cmd, j)
			}
			m.say("job %d: %s, %s", j.ID, j.State, howFar(j))
			select {
			case <-ticker.C:
			case <-cmd.Context().Done():
				m.end()
				return &failure{err: fmt.Errorf("job %d is no longer watched; it continues", j.ID), hint: fmt.Sprintf("to end it: trueup jobs stop %d", j.ID), code: exitFailed}
			}
		}
	})
	jsonFlag(cmd)
	return cmd
}

func jobStopCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stop NUMBER",
		Short: "Stop a job: what is written stays written",
		Long: `Stop a job. Rows in progress are finished, and what is written stays written. A
comparison that is stopped continues when a plan is made again.`,
		Example: `  trueup jobs stop 7
  trueup jobs stop 7 --as ana@example.com --json`,
		Args: cobra.ExactArgs(1),
	}
	asFlag(cmd)
	jsonFlag(cmd)
	cmd.RunE = withStore(func(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
		who, err := whoIs(cmd)
		if err != nil {
			return err
		}
		named, err := jobNamed(cmd, db, args[0])
		if err != nil {
			return err
		}
		j, changed, err := db.StopJob(cmd.Context(), named.ID, who)
		if err != nil {
			return err
		}
		row, err := overview.PlanJob(cmd.Context(), db, j)
		if err != nil {
			return err
		}
		said := fmt.Sprintf("job %d is stopping: rows in progress are finished, and what is written stays written", row.ID)
		switch {
		case !changed && row.EndedAt != nil:
			said = fmt.Sprintf("job %d had already ended: %s", row.ID, row.State)
		case !changed:
			said = fmt.Sprintf("job %d is already stopping, because of %s", row.ID, row.StoppedBy)
		case row.EndedAt != nil:
			said = fmt.Sprintf("job %d is stopped", row.ID)
		}
		return done(cmd, struct {
			Changed bool             `json:"changed"`
			Job     contract.PlanJob `json:"job"`
		}{changed, row}, said)
	})
	return cmd
}

// jobNamed is the job that a person names by its number.
func jobNamed(cmd *cobra.Command, db *store.DB, word string) (contract.PlanJob, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return contract.PlanJob{}, usage("trueup jobs lists them", "%q is not the number of a job", word)
	}
	j, err := db.PlanJob(cmd.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return contract.PlanJob{}, &failure{err: fmt.Errorf("there is no job %d", id), hint: "trueup jobs lists them", code: exitFailed}
	}
	if err != nil {
		return contract.PlanJob{}, err
	}
	return overview.PlanJob(cmd.Context(), db, j)
}

// ended prints what a job came to.
func ended(cmd *cobra.Command, j contract.PlanJob) error {
	said := fmt.Sprintf("job %d is %s", j.ID, j.State)
	if text := howFar(j); text != "" {
		said += ": " + text
	}
	if err := done(cmd, j, said); err != nil {
		return err
	}
	switch {
	case j.State == contract.JobFailed:
		return &failure{err: fmt.Errorf("job %d failed: %s", j.ID, j.Failure), hint: "what was written stays written; ask for it again when the cause is mended", code: exitFailed}
	case j.State == contract.JobStopped:
		return &failure{err: fmt.Errorf("job %d was stopped by %s", j.ID, j.StoppedBy), hint: "what was written stays written", code: exitFailed}
	case j.Applying != nil && j.Applying.Refused+j.Applying.Failed > 0:
		return errPerson
	}
	return nil
}

func whatJob(j contract.PlanJob) string {
	switch {
	case j.Kind == store.MakeJob:
		return "make a plan"
	case len(j.Customers) > 0:
		return "apply " + shortHash(*j.Plan) + " to " + status.Plural(len(j.Customers), "customer")
	}
	return "apply " + shortHash(*j.Plan)
}

// howFar says how far a job is, "" where nobody knows yet.
func howFar(j contract.PlanJob) string {
	text := ""
	switch m, a := j.Making, j.Applying; {
	case a != nil:
		text = fmt.Sprintf("%d of %d rows written, %d refused, %d failed", a.Written, a.Total, a.Refused, a.Failed)
	case j.Kind == store.MakeJob && j.EndedAt != nil && j.Plan != nil:
		text = "plan " + shortHash(*j.Plan)
	case m != nil:
		text = map[store.Phase]string{store.PhaseSource: fmt.Sprintf("%d records of the source read", m.Source.Done),
			store.PhaseTarget: fmt.Sprintf("%d records of the target read", m.Target.Done), store.PhaseCompare: fmt.Sprintf("%d customers compared", m.Compared.Done)}[m.Phase]
	case j.State == contract.JobWaiting:
		text = "no process works on it yet"
	}
	if j.WaitsFor != "" && j.EndedAt == nil {
		text += "; " + j.WaitsFor + " is at its rate limit or does not answer"
	}
	return text
}
