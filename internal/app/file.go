package app

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

// mostFaults is how many faults of a file are kept for people.
const mostFaults = 20

// enter notes that this process works, and on which file.
func (a *App) enter(ctx context.Context) error {
	now, err := a.store.Now(ctx)
	if err != nil {
		return err
	}
	a.file.Store(&store.NodeFile{ReadAt: now, Hash: a.options.Config.Hash})
	older, err := NoticeCopy(ctx, a.options.Config, a.store)
	if err != nil {
		return err
	}
	if older != nil {
		a.log.Warn("the database may be an older copy, so nothing is written until a plan was made and the sync resumed",
			slog.String("why", older.Why.Sentence()), slog.Any("paused", older.Paused), slog.Int("events", older.Waiting))
	}
	if a.node, err = a.store.EnterNode(ctx, nodeName(a.listener), a.options.Version); err != nil {
		return err
	}
	a.noteConfig(ctx, nil, a.options.Config)
	err = a.store.SeeNode(ctx, a.seenAs())
	if errors.Is(err, store.ErrNoMark) {
		a.warn(ctx, "could not mark the database", err)
		return nil
	}
	return err
}

// noteConfig notes the configuration that is used from now on. before is the one
// that was used until now, nil at the start: what of it is secret only this process
// can compare.
func (a *App) noteConfig(ctx context.Context, before, now *config.Config) {
	r := store.ConfigReading{Digest: now.Hash, Node: a.node.Name, Settings: map[string]string{}}
	for _, s := range now.Written {
		r.Settings[s.Path] = s.Text
	}
	if before != nil {
		r.Secrets = config.SecretsChanged(before.Written, now.Written)
	}
	a.warn(ctx, "could not record the configuration that is used", a.store.NoteConfig(ctx, r))
}

// seenAs is this process with its file as it is known now.
func (a *App) seenAs() store.Node {
	n := a.node
	n.File = *a.file.Load()
	if w := a.wiring.Load(); w != nil {
		n.Unsent = w.heartbeats.unsent()
	}
	return n
}

// FileRefused records that a changed file cannot be used, so that people see it
// outside the log too. digest is of its text, "" when it cannot even be read.
func (a *App) FileRefused(digest string, err error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.fileRefused(digest, err)
}

func (a *App) fileRefused(digest string, err error) {
	now := *a.file.Load()
	now.Faults, now.FaultsAt = nil, time.Now()
	refusal := store.ConfigRefusal{Digest: digest, Node: a.node.Name}
	var faults config.Faults
	if errors.As(err, &faults) {
		for _, f := range faults[:min(len(faults), mostFaults)] {
			text := f.Problem
			if f.Remedy != "" {
				text += "; " + f.Remedy
			}
			now.Faults = append(now.Faults, store.FileFault{Line: f.Line, Path: f.Path, Text: text})
			refusal.Faults = append(refusal.Faults, store.FaultPlace{Line: f.Line, Path: keysOnly(f.Path)})
		}
	} else {
		now.Faults = []store.FileFault{{Text: err.Error()}}
	}
	a.noteFile(now)
	if digest == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	a.warn(ctx, "could not record the configuration that is refused", a.store.NoteRefusal(ctx, refusal))
}

// key is what a key of the file, or a name that people give in it, looks like.
var key = regexp.MustCompile(`^[A-Za-z0-9_-]{1,30}(\[\d+\])*$`)

// keysOnly is a path without what is no key: whoever forgets a colon has made one of
// a value, which may be a secret.
func keysOnly(path string) string {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		if part != "" && !key.MatchString(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, ".")
}

// fileUsed says that the file on disk is the one in use.
func (a *App) fileUsed(before, cfg *config.Config) {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	a.noteConfig(ctx, before, cfg)
	a.noteFile(store.NodeFile{ReadAt: time.Now(), Hash: cfg.Hash})
}

func (a *App) noteFile(f store.NodeFile) {
	a.file.Store(&f)
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	a.warn(ctx, "could not record which file is used", a.store.SeeNode(ctx, a.seenAs()))
}

// fileFault reports to any caller that the file on disk is not used, "" when it is.
func (a *App) fileFault() string { return overview.OfFile(*a.file.Load(), false) }

// fileNow is the file as it is known now, for the metrics.
func (a *App) fileNow() store.NodeFile { return *a.file.Load() }
