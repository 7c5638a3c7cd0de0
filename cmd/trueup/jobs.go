package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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
			return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s", j.ID, at.when(*j.AskedAt), orDash(j.AskedBy), j.Sync, whatJob(j), j.State, howFar(cfg, j))
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
	cmd.RunE = withDatabase(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		j, err := jobNamed(cmd, db, args[0])
		if err != nil {
			return err
		}
		if j, err = followJob(cmd, cfg, db, j.ID); err != nil {
			return err
		}
		return ended(cmd, cfg, j)
	})
	jsonFlag(cmd)
	return cmd
}

// followJob tells how far a job is until it ends, and returns what it came to.
func followJob(cmd *cobra.Command, cfg *config.Config, db *store.DB, id int64) (contract.PlanJob, error) {
	ticker := time.NewTicker(jobLook)
	defer ticker.Stop()
	m := newMeter(cmd)
	defer m.end()
	for {
		j, err := jobNamed(cmd, db, strconv.FormatInt(id, 10))
		if err != nil || j.EndedAt != nil {
			return j, err
		}
		m.say("job %d: %s", j.ID, howFar(cfg, j))
		select {
		case <-ticker.C:
		case <-cmd.Context().Done():
			return j, &failure{err: fmt.Errorf("job %d is no longer watched; it continues", j.ID), hint: fmt.Sprintf("to follow it again: trueup jobs follow %d; to end it: trueup jobs stop %d", j.ID, j.ID), code: exitFailed}
		}
	}
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
func ended(cmd *cobra.Command, cfg *config.Config, j contract.PlanJob) error {
	if err := done(cmd, j, fmt.Sprintf("job %d: %s", j.ID, howFar(cfg, j))); err != nil {
		return err
	}
	return jobFailure(j)
}

// jobFailure is the error of a job that did not do all that it was asked for.
func jobFailure(j contract.PlanJob) error {
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

// howFar says what a job does, or what it came to. Connections are called what the file
// calls them; one that is no longer in it is the source, or the target.
func howFar(cfg *config.Config, j contract.PlanJob) string {
	s := cfg.Syncs[j.Sync]
	told := j.Told(cmp.Or(s.Source.Connection, "the source"), cmp.Or(s.Target.Connection, "the target"), func(name string) string { return name })
	text := told.Sentence()
	if waits := told.Waits(); waits != "" {
		text += "; " + waits
	}
	return text
}
