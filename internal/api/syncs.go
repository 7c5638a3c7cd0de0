package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) syncRoutes() {
	route(s, store.Viewer, get("get-status", "/status", "Show the status of everything",
		"The same as trueup status --json: each sync, names no longer in the file, each connection and each process, and what needs a person."),
		func(ctx context.Context, _ *struct{}) (contract.Status, error) { return s.Status(ctx) })
	route(s, store.Viewer, get("list-syncs", "/syncs", "List the syncs",
		"All syncs in the configuration, by name, each with its status, on one page."), s.listSyncs)
	route(s, store.Viewer, get("get-sync", "/syncs/{sync}", "Show one sync", ""), s.getSync)
	route(s, store.Viewer, get("get-sync-details", "/syncs/{sync}/details", "Show what stands behind a sync",
		"Its links by match rule, what its two connections can tell, and how far its limits are used up now."), s.getDetails)
	route(s, store.Viewer, get("list-watched", "/syncs/{sync}/watched", "List the writes that watching did not make",
		"The latest first: what a sync in watch mode would have written since it began to watch, and what people did. A live sync has none."), s.listWatched)
	route(s, store.Viewer, get("preview-mode", "/syncs/{sync}/mode", "Show what changing a sync's mode would change",
		"The lines of trueup.yaml that would change, and the digest of the file: send it with the change."), s.previewMode)
	route(s, store.Operator, huma.Operation{OperationID: "set-mode", Method: http.MethodPut, Path: "/syncs/{sync}/mode",
		Summary: "Take a sync live, or back to watching",
		Description: "Edits mode in trueup.yaml in place and keeps its comments; the service then reads the file. live needs the role admin. " +
			"409 if the file was edited since the digest was shown: nothing was written over. If the file has the mode already, the answer has changed: false."}, s.setMode)
	route(s, store.Operator, huma.Operation{OperationID: "pause-sync", Method: http.MethodPost, Path: "/syncs/{sync}/pause",
		Summary: "Pause a sync",
		Description: "Stops the sync's writes until it is resumed. Webhooks are answered and events are stored; each customer that changed meanwhile is synced once, as it is then, after the sync is resumed. " +
			"A write that has already begun is finished. If the sync is paused already, the answer has changed: false."}, s.pause)
	route(s, store.Operator, huma.Operation{OperationID: "resume-sync", Method: http.MethodPost, Path: "/syncs/{sync}/resume",
		Summary: "Resume a sync that is paused or halted by mass_change",
		Description: "Ends a pause. Lets through all waiting customers without counting them; counting starts again with later ones. The mass_change exception closes and records who did it and why. " +
			"If the sync is neither paused nor halted, the answer has changed: false."}, s.resume)
}

// SyncPath is the address of one sync.
type SyncPath struct {
	Sync string `path:"sync"`
}

// ResumeRequest says why a sync is resumed.
type ResumeRequest struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"^[^\\x00-\\x08\\x0b-\\x1f\\x7f]*$" doc:"Why the waiting customers should be written."`
	As     string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) resume(ctx context.Context, in *struct {
	SyncPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice. Sent again with the same key, the request changes nothing, even if the sync was halted again in the meantime; with a different reason the key is refused."`
	Body ResumeRequest
}) (contract.Resumed, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.Resumed{}, err
	}
	done, err := exceptions.Resume(ctx, s.Store, store.Resume{Sync: in.Sync, Who: who(ctx, in.Body.As), Reason: in.Body.Reason, Key: in.Key})
	return contract.Resumed{Sync: in.Sync, Changed: done.Changed, LetThrough: done.Through, Unpaused: done.Unpaused}, err
}

// PauseRequest says why a sync is paused.
type PauseRequest struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"^[^\\x00-\\x08\\x0b-\\x1f\\x7f]*$" doc:"Why nothing should be written for now. It is shown with the sync."`
	As     string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) pause(ctx context.Context, in *struct {
	SyncPath
	Body PauseRequest
}) (contract.PausedSync, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.PausedSync{}, err
	}
	now, changed, err := exceptions.Pause(ctx, s.Store, in.Sync, who(ctx, in.Body.As), in.Body.Reason)
	return contract.PausedSync{Sync: in.Sync, Changed: changed, Paused: contract.PauseOf(now)}, err
}

func (s *server) listSyncs(ctx context.Context, _ *struct{}) (List[contract.Sync], error) {
	items, err := overview.Syncs(ctx, s.Store, s.Syncs())
	return List[contract.Sync]{Items: items}, err
}

func (s *server) getSync(ctx context.Context, in *SyncPath) (contract.Sync, error) {
	c, err := s.addressedSync(in.Sync)
	if err != nil {
		return contract.Sync{}, err
	}
	return overview.Sync(ctx, s.Store, in.Sync, c)
}

func (s *server) getDetails(ctx context.Context, in *SyncPath) (contract.SyncDetails, error) {
	c, err := s.addressedSync(in.Sync)
	if err != nil {
		return contract.SyncDetails{}, err
	}
	return overview.Details(ctx, s.Store, in.Sync, c, s.Promises(in.Sync))
}

func (s *server) listWatched(ctx context.Context, in *struct {
	SyncPath
	Page
	People string `query:"people" enum:"same,otherwise,not_yet,overtaken" doc:"Only those of which this became."`
}) (List[contract.WatchedWrite], error) {
	var none List[contract.WatchedWrite]
	c, err := s.addressedSync(in.Sync)
	if err != nil {
		return none, err
	}
	f := store.WatchedFilter{Sync: in.Sync}
	if err := in.place(&f.Before); err != nil {
		return none, err
	}
	if in.People != "" {
		f.Verdict = new(contract.VerdictOf(in.People))
	}
	rows, err := overview.Watched(ctx, s.Store, c, f, in.Limit+1)
	if err != nil {
		return none, err
	}
	return listOf(in.Page, rows, contract.WatchedWriteOf, func(w store.WatchedWrite) any { return w.ID })
}

// ModeRequest is the mode that a sync is to have, and why.
type ModeRequest struct {
	Mode   string `json:"mode" enum:"live,watch" doc:"live needs the role admin."`
	Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"^[^\\x00-\\x08\\x0b-\\x1f\\x7f]*$" doc:"Why the mode should change. It is kept."`
	Digest string `json:"digest" maxLength:"100" doc:"Of the file, as GET showed it."`
	As     string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

func (s *server) previewMode(_ context.Context, in *struct {
	SyncPath
	Mode string `query:"mode" enum:"live,watch" required:"true" doc:"The mode that the sync would have."`
}) (contract.ModeChange, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.ModeChange{}, err
	}
	c, err := s.PreviewMode(mapchange.ModeRequest{Sync: in.Sync, Mode: in.Mode})
	return c, refusedMode(err)
}

func (s *server) setMode(ctx context.Context, in *struct {
	SyncPath
	Body ModeRequest
}) (contract.ModeSaved, error) {
	if _, err := s.addressedSync(in.Sync); err != nil {
		return contract.ModeSaved{}, err
	}
	if a := holder(ctx); in.Body.Mode == config.ModeLive && !a.Role.Covers(store.Admin) {
		return contract.ModeSaved{}, problem(http.StatusForbidden, fmt.Sprintf("mode: live needs the role %s; the token %s has the role %s", store.Admin, a.Name, a.Role), "use another token, or have an admin do it")
	}
	saved, err := s.SaveMode(ctx, mapchange.ModeRequest{Sync: in.Sync, Mode: in.Body.Mode}, mapchange.Seen{Who: who(ctx, in.Body.As), Digest: in.Body.Digest}, in.Body.Reason)
	return saved, refusedMode(err)
}

// refusedMode is a file that is not edited, as a problem.
func refusedMode(err error) error {
	var refused *mapchange.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	hint := refused.Hint
	if refused.Lines != "" {
		hint += ":\n\n" + refused.Lines
	}
	return problem(http.StatusConflict, refused.Why, hint)
}
