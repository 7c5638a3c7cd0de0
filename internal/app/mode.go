package app

import (
	"context"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
)

// PreviewMode is part of api.Service.
func (a *App) PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error) {
	c, err := a.editable().PreviewMode(r)
	return c.ModeChange, err
}

// SaveMode is part of api.Service. The file is read at once, and whoever asked
// learns whether it is in use.
func (a *App) SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error) {
	c, changed, err := a.editable().SaveMode(ctx, r, by, why)
	saved := contract.ModeSaved{ModeChange: c.ModeChange, Changed: changed}
	if err != nil {
		return saved, err
	}
	if changed {
		a.readAgain()
	}
	saved.InUse = a.soon(ctx, func() bool { return a.Syncs()[r.Sync].Mode == r.Mode })
	return saved, nil
}
