package overview

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// Left returns what the database holds under names that the configuration does
// not have, that no person has ended, and that it does not give to another name
// either: those are moved when it is used.
func Left(ctx context.Context, db *store.DB, cfg *config.Config) ([]store.Holding, error) {
	return db.Left(ctx, func(kind store.NameKind, name string) bool {
		if kind == store.ConnectionName {
			for has, c := range cfg.Connections {
				if has == name || c.Was == name {
					return true
				}
			}
			return false
		}
		for has, s := range cfg.Syncs {
			if has == name || s.Was == name {
				return true
			}
		}
		return false
	})
}

// ofDatabase stands in for a configuration with faults: its syncs and connections
// are those that the database knows. What the file says of each is not known.
func ofDatabase(ctx context.Context, db *store.DB, cfg *config.Config) (*config.Config, error) {
	names, err := db.Names(ctx)
	if err != nil {
		return nil, err
	}
	modes, err := db.Modes(ctx)
	if err != nil {
		return nil, err
	}
	known := *cfg
	known.Syncs, known.Connections = map[string]config.Sync{}, map[string]config.Connection{}
	for _, n := range names {
		switch {
		case n.Became != "" || n.Ended:
		case n.Kind == store.ConnectionName:
			known.Connections[n.Name] = config.Connection{Name: n.Name}
		default:
			known.Syncs[n.Name] = config.Sync{Name: n.Name, Mode: modes[n.Name].Mode, RemindAfter: 24 * time.Hour,
				Source: config.Source{Connection: n.Source}, Target: config.Target{Connection: n.Target}}
		}
	}
	return &known, nil
}

// OfLeft says of what was left what it holds, and what to do.
func OfLeft(h store.Holding) string {
	return fmt.Sprintf("the %s %s is no longer in the file, and nothing is synced for what the database has of it: %s; put it back, rename it "+
		"(trueup sync rename %s NEW), or remove it: trueup sync remove %s", h.Kind, h.Name, h, h.Name, h.Name)
}
