package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

// planInService has the running service make a plan, as a page does, and follows it. A
// plan that is being made already is followed.
func planInService(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string) (store.Sweep, error) {
	who, err := whoIs(cmd)
	if err != nil {
		return store.Sweep{}, err
	}
	ctx := store.By(cmd.Context(), who, store.ByCommand)
	j, made, err := db.AskJob(ctx, store.PlanJob{Sync: sync, Kind: store.MakeJob, AskedBy: who}, "")
	var open *store.JobOpenError
	switch {
	case errors.As(err, &open):
		return store.Sweep{}, &failure{err: err, hint: fmt.Sprintf("wait until it has ended: trueup jobs follow %d", open.Job.ID), code: exitFailed}
	case err != nil:
		return store.Sweep{}, err
	case !made:
		fmt.Fprintf(cmd.ErrOrStderr(), "job %d, which %s asked for, makes a plan already; following it\n", j.ID, j.AskedBy)
	default:
		fmt.Fprintf(cmd.ErrOrStderr(), "job %d makes the plan in the service\n", j.ID)
	}
	if err := warnOfNoService(cmd, db); err != nil {
		return store.Sweep{}, err
	}
	row, err := followJob(cmd, cfg, db, j.ID)
	if err == nil {
		err = jobFailure(row)
	}
	if err != nil {
		return store.Sweep{}, err
	}
	return planNamed(cmd.Context(), db, sync, *row.Plan)
}

// warnOfNoService says that nobody works on a job at the moment.
func warnOfNoService(cmd *cobra.Command, db *store.DB) error {
	nodes, err := db.Nodes(cmd.Context())
	if err != nil {
		return err
	}
	now, err := db.Now(cmd.Context())
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if overview.Works(n, now) {
			return nil
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "no trueup run works on this database at the moment; the job waits until one does")
	return nil
}
