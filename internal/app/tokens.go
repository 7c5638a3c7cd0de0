package app

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/token"
)

// keepsTokens reports whether a connection keeps its tokens in the database.
func keepsTokens(c config.Connection) bool {
	s, ok := c.Settings.(config.HasTokens)
	return ok && s.KeepsTokens()
}

// tokens returns what keeps a connection's tokens, nil when nothing does.
func tokens(cfg *config.Config, c config.Connection, db *store.DB) (connector.Tokens, error) {
	if db == nil || !keepsTokens(c) {
		return nil, nil
	}
	return token.New(db, cfg.Key(), c.Name)
}

// tokenStore opens the database when a connection keeps its tokens there. It is
// nil when none does, and when there is no database yet.
func tokenStore(ctx context.Context, cfg *config.Config) (*store.DB, error) {
	for _, c := range cfg.Connections {
		if keepsTokens(c) {
			db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal()})
			if errors.Is(err, store.ErrMissing) {
				return nil, nil
			}
			return db, err
		}
	}
	return nil, nil
}
