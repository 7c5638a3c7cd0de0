package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/mapchange"
)

const (
	// modeTime is how long whoever changed a mode waits for it to be in use, and
	// modePause how often that is looked at.
	modeTime  = 5 * time.Second
	modePause = 50 * time.Millisecond
)

// modeFile is trueup.yaml as this service reads it.
func (a *App) modeFile() mapchange.File {
	return mapchange.File{Path: a.options.Config.Path, Store: a.store, Parse: func(path string, text []byte) (*config.Config, error) {
		return config.Parse(path, text, filepath.Dir(path), Types(), os.LookupEnv)
	}}
}

// PreviewMode is part of api.Service.
func (a *App) PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error) {
	c, err := a.modeFile().PreviewMode(r)
	return c.ModeChange, err
}

// SaveMode is part of api.Service. Whoever asked learns whether the file was
// read and is in use.
func (a *App) SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error) {
	c, changed, err := a.modeFile().SaveMode(ctx, r, by, why)
	saved := contract.ModeSaved{ModeChange: c.ModeChange, Changed: changed}
	if err != nil {
		return saved, err
	}
	ctx, cancel := context.WithTimeout(ctx, modeTime)
	defer cancel()
	for saved.InUse = a.Syncs()[r.Sync].Mode == r.Mode; !saved.InUse && ctx.Err() == nil; saved.InUse = a.Syncs()[r.Sync].Mode == r.Mode {
		select {
		case <-ctx.Done():
		case <-time.After(modePause):
		}
	}
	return saved, nil
}
