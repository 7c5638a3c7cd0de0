package exceptions

import (
	"context"
	"errors"
	"strings"

	"github.com/trueup-sync/trueup/internal/store"
)

// Resumer lets through what waits at a halted sync; it is *store.DB.
type Resumer interface {
	Resume(ctx context.Context, r store.Resume) (store.Resumed, error)
}

// Pauser stops the writes of a sync; it is *store.DB.
type Pauser interface {
	PauseSync(ctx context.Context, sync, who, why string) (now store.SyncPause, changed bool, err error)
}

// Pause stops the writes of a sync until Resume. Whoever does it says why.
func Pause(ctx context.Context, at Pauser, sync, who, why string) (now store.SyncPause, changed bool, err error) {
	why = strings.TrimSpace(why)
	switch {
	case who == "":
		return now, false, &RefusedError{Why: "no user given", Hint: "name yourself with --as"}
	case why == "":
		return now, false, &RefusedError{Why: "no reason given", Hint: "write why nothing should be written: it is shown with the sync"}
	}
	return at.PauseSync(ctx, sync, who, why)
}

// Resume ends a pause, and lets through what waits at a halted sync. It is done about
// the sync and not about its exception: it lets through every customer that waits, and
// the person gives a reason.
func Resume(ctx context.Context, at Resumer, r store.Resume) (store.Resumed, error) {
	r.Reason = strings.TrimSpace(r.Reason)
	switch {
	case r.Who == "":
		return store.Resumed{}, &RefusedError{Why: "no user given", Hint: "name yourself with --as"}
	case r.Reason == "":
		return store.Resumed{}, &RefusedError{Why: "no reason given", Hint: "write why these changes are right: it is kept with the exception"}
	}
	if r.Key != "" {
		r.Key, r.Asked = hashOf(r.Who, store.ResumeSync, r.Sync, r.Key), hashOf(r.Reason)
	}
	done, err := at.Resume(ctx, r)
	if errors.Is(err, store.ErrPlanFirst) {
		return done, &RefusedError{Why: r.Sync + " is paused because its database may be an older copy, and no plan has been made since",
			Hint: "make a plan and read it: it shows where the two tools differ now"}
	}
	if errors.Is(err, store.ErrWatching) {
		return done, &RefusedError{Why: r.Sync + " is in mode: watch: customers let through now would be checked, but nothing would be written",
			Hint: "set mode: live in trueup.yaml first; waiting customers keep waiting until then"}
	}
	return done, err
}
