package mapchange

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// ModeRequest is which sync is to write, or to watch.
type ModeRequest struct{ Sync, Mode string }

// ModeChange is an edit of the file that was not made yet.
type ModeChange struct {
	contract.ModeChange
	path          string // behind links
	before, after []byte
}

// PreviewMode returns the change. The text of the file is read now.
func (f File) PreviewMode(r ModeRequest) (ModeChange, error) {
	c := ModeChange{ModeChange: contract.ModeChange{Sync: r.Sync, Mode: r.Mode, File: f.Path, Lines: []contract.FileLine{}}}
	path, text, cfg, err := f.open()
	c.path, c.File, c.before, c.after = path, path, text, text
	if err != nil {
		return c, err
	}
	c.Digest = cfg.Hash
	s, ok := cfg.Syncs[r.Sync]
	switch {
	case !ok:
		return c, &RefusedError{Unknown: true, Why: fmt.Sprintf("no sync %q in %s", r.Sync, cfg.Path), Hint: "see which syncs the file has"}
	case r.Mode != config.ModeLive && r.Mode != config.ModeWatch:
		return c, &RefusedError{Unknown: true, Why: fmt.Sprintf("there is no mode %q", r.Mode), Hint: "valid values: live, watch"}
	}
	c.Before = s.Mode
	if s.Mode == r.Mode {
		return c, nil
	}
	c.after, err = config.SetMode(c.before, r.Sync, r.Mode)
	if errors.Is(err, config.ErrByHand) {
		return c, f.modeByHand(fmt.Errorf("%s: %w", c.path, err), r)
	}
	if err != nil {
		return c, err
	}
	fresh, err := f.Parse(f.Path, c.after)
	if err != nil {
		return c, &RefusedError{Why: fmt.Sprintf("mode: %s would make the file invalid: %v", r.Mode, err), Hint: "nothing was changed; correct what it says first"}
	}
	c.Lines = lines(string(c.before), string(c.after), cfg, fresh)
	return c, nil
}

// SaveMode makes the change in the file, and notes who did so and why. It reports
// false when the file has the mode already.
func (f File) SaveMode(ctx context.Context, r ModeRequest, by Seen, why string) (c ModeChange, changed bool, err error) {
	why = strings.TrimSpace(why)
	switch {
	case by.Who == "":
		return c, false, &RefusedError{Why: "no user given", Hint: "name yourself with --as"}
	case why == "":
		return c, false, &RefusedError{Why: "no reason given", Hint: "write why the mode should change: it is kept"}
	}
	c, err = f.PreviewMode(r)
	switch {
	case err != nil || c.Before == r.Mode:
		return c, false, err
	case by.Digest != c.Digest:
		return c, false, f.moved(ctx, Change{path: c.path}, by.Digest)
	}
	err = config.ChangeFile(c.path, c.before, c.after)
	if errors.Is(err, config.ErrFileMoved) {
		return c, false, f.moved(ctx, Change{path: c.path}, by.Digest)
	}
	if err != nil {
		return c, false, f.modeByHand(err, r)
	}
	act := reason.ActWatched
	if r.Mode == config.ModeLive {
		act = reason.ActWentLive
	}
	if err := f.Store.Record(ctx, store.Activity{Who: by.Who, Sync: r.Sync, Why: why, Act: reason.Reason{Code: act, Facts: reason.Facts{Sync: r.Sync}}}); err != nil {
		return c, true, fmt.Errorf("%s was changed, but who did it could not be recorded: %w", f.Path, err)
	}
	return c, true, nil
}

func (f File) modeByHand(err error, r ModeRequest) error {
	return &RefusedError{Why: err.Error(), Hint: "change this line by hand; trueup run then reads the file automatically", Lines: fmt.Sprintf("syncs:\n  %s:\n    mode: %s", r.Sync, r.Mode)}
}
