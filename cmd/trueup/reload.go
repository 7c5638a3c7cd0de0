package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/app"
)

// lookEvery is how often the configuration's file is looked at. Asking the
// kernel instead would miss files that are mounted or replaced.
const lookEvery = time.Second

// watch goes on with the configuration when its file has changed, or when
// SIGHUP says so, until ctx ends.
func (f runFlags) watch(ctx context.Context, cmd *cobra.Command, a *app.App, log *slog.Logger) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return // there is such a flag
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	have, _ := os.ReadFile(path) // #nosec G304 -- the file that the person who runs this names; what cannot be read now is new once it can be
	var seen []byte
	for {
		changed := false
		select {
		case <-ctx.Done():
			return
		case <-asked:
			changed = true
		case <-ticker.C:
		}
		text, err := os.ReadFile(path) // #nosec G304 -- the same file
		if err == nil && !bytes.Equal(text, have) {
			// Whoever writes it may not have come to the end: two looks in a row
			// must see the same.
			if settled := bytes.Equal(text, seen); settled {
				have, changed = text, true
			}
		}
		seen = text
		if changed {
			f.reload(cmd, a, log)
		}
	}
}

// reload reads the configuration again. With a fault the old one stays.
func (f runFlags) reload(cmd *cobra.Command, a *app.App, log *slog.Logger) {
	cfg, warnings, err := loadConfig(cmd)
	if err == nil {
		// Its own time: a stop in the middle waits for it.
		ctx, cancel := context.WithTimeout(context.Background(), f.drain)
		defer cancel()
		err = a.Reload(ctx, cfg)
	}
	if err != nil {
		log.Error("the changed configuration is not used, the one before stays", slog.Any("error", err))
		return
	}
	for _, w := range warnings {
		log.Warn("configuration", slog.String("warning", w.String()))
	}
	log.Info("the configuration was read again", slog.String("file", cfg.Path))
}
