package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/token"
)

// NamesError is a file that cannot be used because of what the database holds
// under other names. It can be as soon as a person has said what is what.
type NamesError struct{ config.Faults }

func (e *NamesError) Unwrap() error { return e.Faults }

// CheckNames returns a NamesError when a configuration leaves open whose memory
// is whose: the database holds something of a name that the file does not have,
// and the file has a name that the database has never heard of. Everybody would be
// new to it, so nothing may be written.
func CheckNames(ctx context.Context, cfg *config.Config, db *store.DB) error {
	known, err := db.Names(ctx)
	if err != nil {
		return err
	}
	left, err := overview.Left(ctx, db, cfg)
	if err != nil {
		return err
	}
	n := naming{cfg: cfg, known: known, left: left}
	for _, kind := range []store.NameKind{store.ConnectionName, store.SyncName} {
		was := wasOf(cfg, kind)
		for _, name := range slices.Sorted(maps.Keys(was)) {
			if err := n.check(ctx, db, kind, name, was[name]); err != nil {
				return err
			}
		}
	}
	if len(n.faults) > 0 {
		return &NamesError{n.faults}
	}
	return nil
}

// wasOf says of each name of a kind which one it had before, as the file has it.
func wasOf(cfg *config.Config, kind store.NameKind) map[string]string {
	was := map[string]string{}
	if kind == store.ConnectionName {
		for name, c := range cfg.Connections {
			was[name] = c.Was
		}
		return was
	}
	for name, s := range cfg.Syncs {
		was[name] = s.Was
	}
	return was
}

// naming compares the names of a file with those of the database.
type naming struct {
	cfg    *config.Config
	known  []store.Named
	left   []store.Holding
	faults config.Faults
}

func (n *naming) check(ctx context.Context, db *store.DB, kind store.NameKind, name, was string) error {
	path := string(kind) + "s." + name
	fault := func(problem, remedy string) { n.faults = append(n.faults, n.cfg.Fault(path, problem, remedy)) }
	have, known := store.Find(n.known, kind, name)
	switch {
	case was == config.WasNone:
	case known && have.Became != "" && was == "":
		fault(fmt.Sprintf("this %s was renamed to %s", kind, have.Became),
			fmt.Sprintf("write %s, or if this is a different one, add was: %s to it", have.Became, config.WasNone))
	case was == "" && !known:
		for _, h := range n.left {
			if n.mayBe(h, kind, name) {
				fault(fmt.Sprintf("the database does not know this %s, but has data of %s, which is no longer in the file: %s", kind, h.Name, h),
					fmt.Sprintf("if it is %[1]s under a new name, add was: %[1]s to it or run trueup sync rename %[1]s %[2]s; if it is new, add was: %[3]s", h.Name, name, config.WasNone))
			}
		}
	case was != "" && kind == store.SyncName:
		own, err := db.Holding(ctx, kind, name)
		if err != nil {
			return err
		}
		if before, ok := store.Find(n.known, kind, was); ok && before.Became == "" && have.Became == "" && !own.Empty() {
			fault(fmt.Sprintf("%s has data of its own (%s), and the data of %s cannot be merged into it", name, own, was),
				fmt.Sprintf("remove was, then either run trueup sync remove %[1]s or name this sync %[1]s again", was))
		}
	}
	return nil
}

// mayBe reports whether a name may be what another was called before; of
// connections, both must have the same part.
func (n *naming) mayBe(h store.Holding, kind store.NameKind, name string) bool {
	if h.Kind != kind {
		return false
	}
	if kind == store.SyncName {
		return true
	}
	for _, s := range n.cfg.Syncs {
		if s.Source.Connection == name && (h.AsSource || h.Tokens) || s.Target.Connection == name && (h.AsTarget || h.Tokens) {
			return true
		}
	}
	return false
}

// renames are what a configuration says was called otherwise before, and the
// database still has under that name: connections first.
func renames(ctx context.Context, cfg *config.Config, db *store.DB) ([]store.Rename, error) {
	known, err := db.Names(ctx)
	if err != nil {
		return nil, err
	}
	var all []store.Rename
	for _, kind := range []store.NameKind{store.ConnectionName, store.SyncName} {
		was := wasOf(cfg, kind)
		for _, name := range slices.Sorted(maps.Keys(was)) {
			if old, ok := store.Find(known, kind, was[name]); ok && old.Became == "" && was[name] != config.WasNone {
				all = append(all, NewRename(cfg, kind, was[name], name))
			}
		}
	}
	return all, nil
}

// NewRename is a rename with what only the configuration knows: the key that a
// connection's tokens are sealed with.
func NewRename(cfg *config.Config, kind store.NameKind, old, name string) store.Rename {
	r := store.Rename{Kind: kind, Old: old, New: name}
	if c := cfg.Connections[name]; kind == store.ConnectionName && keepsTokens(c) {
		r.Reseal = func(sealed string) (string, error) { return token.Reseal(cfg.Key(), old, name, sealed) }
	}
	return r
}

// rename does what a configuration says of names, and notes them.
func (a *App) rename(ctx context.Context, cfg *config.Config, all []store.Rename) error {
	for _, r := range all {
		moved, err := a.store.Rename(store.By(ctx, "", store.ByFile), r)
		if err != nil {
			return err
		}
		a.log.Info("renamed", slog.String("what", string(r.Kind)), slog.String("old", r.Old), slog.String("new", r.New), slog.String("moved", moved.String()))
	}
	var named []store.Named
	for name := range cfg.Connections {
		named = append(named, store.Named{Kind: store.ConnectionName, Name: name})
	}
	for name, s := range cfg.Syncs {
		named = append(named, store.Named{Kind: store.SyncName, Name: name, Source: s.Source.Connection, Target: s.Target.Connection})
	}
	slices.SortFunc(named, func(a, b store.Named) int { return strings.Compare(string(a.Kind)+a.Name, string(b.Kind)+b.Name) })
	return a.store.NoteNames(ctx, named)
}

// warnOfLeft logs what the database holds under names that the file does not have.
func (a *App) warnOfLeft(ctx context.Context, cfg *config.Config) error {
	left, err := overview.Left(ctx, a.store, cfg)
	for _, h := range left {
		a.log.Warn("configuration", slog.String("warning", overview.OfLeft(h)))
	}
	return err
}
