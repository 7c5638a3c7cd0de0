package standing

import (
	"context"
	"fmt"

	"trueup/internal/config"
	"trueup/internal/store"
)

// Left returns what the database holds under names that the configuration does
// not have, that nobody has ended, and that it does not give to another name
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

// OfLeft says of what was left what it holds, and what to do.
func OfLeft(h store.Holding) string {
	return fmt.Sprintf("the %s %s is not in the file any more, and nothing carries what is held of it: %s; put it back, give its memory to another name "+
		"(trueup sync rename %s NEW), or end it: trueup sync remove %s", h.Kind, h.Name, h, h.Name, h.Name)
}
