package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
)

const (
	// readTime is how long whoever saved a file waits for it to be in use, and
	// readPause how often that is looked at.
	readTime  = 5 * time.Second
	readPause = 20 * time.Millisecond
)

// editable is trueup.yaml as this service reads it.
func (a *App) editable() mapchange.File {
	return mapchange.File{Path: a.options.Config.Path, Parse: a.parse, Store: a.store}
}

func (a *App) parse(path string, text []byte) (*config.Config, error) {
	env := a.options.Env
	if env == nil {
		env = os.LookupEnv
	}
	return config.Parse(path, text, filepath.Dir(path), Types(), env)
}

// PreviewMeaning is part of api.Service.
func (a *App) PreviewMeaning(ctx context.Context, r mapchange.Request) (contract.MapChange, error) {
	c, err := a.editable().Preview(ctx, r)
	return c.MapChange, err
}

// SaveMeaning is part of api.Service. The file is read at once, and whoever asked
// learns whether it is in use.
func (a *App) SaveMeaning(ctx context.Context, r mapchange.Request, by mapchange.Seen) (contract.MapSaved, error) {
	c, changed, err := a.editable().Save(ctx, r, by)
	saved := contract.MapSaved{MapChange: c.MapChange, Changed: changed}
	if err != nil {
		return saved, err
	}
	if changed {
		a.readAgain()
	}
	saved.InUse = a.soon(ctx, func() bool { return mapchange.Lists(a.Syncs()[r.Sync], r) })
	return saved, nil
}

// readAgain has the file read now, by whoever watches it or else here.
func (a *App) readAgain() {
	if a.options.FileChanged != nil {
		a.options.FileChanged()
		return
	}
	// On its own: a stop keeps it waiting for ever, and the caller is waited for.
	go func() {
		text, err := config.Read(a.options.Config.Path)
		if err != nil {
			a.FileRefused("", err)
			return
		}
		cfg, err := a.parse(a.options.Config.Path, text)
		if err != nil {
			a.FileRefused(config.HashOf(text), err)
			return
		}
		a.warn(context.Background(), "the changed configuration is not used", a.Reload(context.Background(), cfg))
	}()
}

// soon waits until the configuration in use is as it was saved.
func (a *App) soon(ctx context.Context, inUse func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	for !inUse() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(readPause):
		}
	}
	return true
}
