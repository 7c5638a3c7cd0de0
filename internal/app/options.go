package app

import (
	"context"
	"log/slog"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
)

// FieldOptions returns the values that the fields of each sync may hold, where their
// tools list them. One that could not be asked is left out: its probe says why.
func FieldOptions(ctx context.Context, cfg *config.Config, log *slog.Logger) map[string]overview.Options {
	all := map[string]overview.Options{}
	db, err := tokenStore(ctx, cfg)
	if db != nil {
		defer db.Close() // it was only read
	}
	if err != nil {
		return all
	}
	for name, s := range cfg.Syncs {
		all[name] = overview.Options{Source: optionsOf(ctx, cfg, db, s.Source.Connection, sourceUse(s), log),
			Target: optionsOf(ctx, cfg, db, s.Target.Connection, targetUse(s), log)}
	}
	return all
}

// optionsOf asks for the options of one side. Where the file has all values of a
// source, it was compared with them when it was read.
func optionsOf(ctx context.Context, cfg *config.Config, db *store.DB, connection string, use connector.Use, log *slog.Logger) []string {
	c := cfg.Connections[connection]
	client := dialguard.Client(c.Name, c.AlsoAllow)
	defer client.CloseIdleConnections()
	kept, err := tokens(cfg, c, db)
	if err != nil {
		return nil
	}
	opened, err := registry.Open(c, connector.Deps{HTTP: client, Tokens: kept, Log: log, Use: use})
	switch {
	case err != nil || opened.Options == nil && !use.Target:
		return nil
	case opened.Options == nil:
		return opened.Values
	}
	defer opened.Closed()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	options, err := opened.Options.Options(ctx)
	if err != nil {
		return nil
	}
	return options
}
