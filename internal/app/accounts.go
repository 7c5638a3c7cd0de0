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
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// AccountMovedError says that a sync reaches another account than the one whose
// records its customers are linked to: nothing of it is carried.
type AccountMovedError struct {
	Sync  string
	Moved []store.AccountMoved
}

func (e *AccountMovedError) Error() string {
	return accountMoved(e.Sync, e.Moved) + "; nothing is synced"
}

func accountMoved(sync string, moved []store.AccountMoved) string {
	var parts []string
	for _, m := range moved {
		parts = append(parts, overview.AccountSentence(m))
	}
	return sync + ": " + strings.Join(parts, "; ")
}

// noteSync notes which accounts a sync reaches, and by which rules it is looked
// at, before a command compares or carries anything of it. An *AccountMovedError
// says that the accounts are others than those noted.
func noteSync(ctx context.Context, cfg *config.Config, db *store.DB, sync string) error {
	moved, err := db.NoteAccounts(ctx, sync, overview.Accounts(cfg.Syncs[sync]))
	if err == nil && len(moved) > 0 {
		err = &AccountMovedError{Sync: sync, Moved: moved}
	}
	if err != nil {
		return err
	}
	return db.NoteLooks(ctx, sync, looksOf(cfg.Syncs[sync]))
}

func looksOf(s config.Sync) store.Looks {
	return store.Looks{Rules: s.Looks(), Target: s.Target.Kept, Policy: s.Policy()}
}

// barred is why a sync's customers are left where they are, "" for no reason. It
// is asked each time that customers are claimed: another process may have a file
// with another account, and a person may say at any time that it is the same, or
// pause the sync.
func barred(cfg *config.Config, db *store.DB) func(ctx context.Context, sync string) (string, error) {
	return func(ctx context.Context, sync string) (string, error) {
		paused, err := db.SyncPaused(ctx, sync)
		if err != nil || !paused.Since.IsZero() {
			return pausedSince(sync, paused), err
		}
		noted, err := db.Accounts(ctx, sync)
		if err != nil {
			return "", err
		}
		var moved []store.AccountMoved
		for _, now := range overview.Accounts(cfg.Syncs[sync]) {
			if was, ok := noted[now.Side]; ok && was.Key != now.Key {
				moved = append(moved, store.AccountMoved{Was: was, Now: now})
			}
		}
		if len(moved) == 0 {
			return "", nil
		}
		return (&AccountMovedError{Sync: sync, Moved: moved}).Error(), nil
	}
}

// noteAccounts notes the accounts of each sync, and by which rules it is looked
// at, at a start and when the file has changed. It asks a person where the
// accounts are others than those of the links.
func (a *App) noteAccounts(ctx context.Context, cfg *config.Config) error {
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		moved, err := a.store.NoteAccounts(ctx, name, overview.Accounts(s))
		if err != nil {
			return err
		}
		if err := a.store.NoteLooks(ctx, name, looksOf(s)); err != nil {
			return err
		}
		if len(moved) == 0 {
			if _, err := a.store.CloseExceptions(ctx, name, "", status.ConnectionFailed, store.AskAboutAccounts); err != nil {
				return err
			}
			continue
		}
		why := reason.Reason{Code: reason.AccountsChanged, Facts: reason.Facts{Sync: name}}
		for _, m := range moved {
			why.Facts.Accounts = append(why.Facts.Accounts, overview.Account(m))
		}
		a.log.Error("another account: nothing of the sync is carried", slog.String("sync", name), slog.String("reason", why.Sentence()), slog.String("remedy", why.Advice()))
		if _, err := a.store.OpenException(ctx, store.NewException{Sync: name, Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: why,
			LastAction: store.AskAboutAccounts, Confidence: 1, Owner: s.Owner(status.ConnectionFailed)}); err != nil {
			return fmt.Errorf("ask about the account of %s: %w", name, err)
		}
	}
	return nil
}

// sourceMoved reports whether the source of one of the syncs is another account
// by now: what is listed there is not theirs.
func sourceMoved(db *store.DB, syncs []pipeline.Sync) func(ctx context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		for _, s := range syncs {
			noted, err := db.Accounts(ctx, s.Config.Name)
			if err != nil {
				return false, err
			}
			if was, ok := noted[store.SourceSide]; ok && was.Key != s.Config.Source.Identity.Key {
				return true, nil
			}
		}
		return false, nil
	}
}

// movedAccounts counts the sides that reach another account, for the metrics.
func (a *App) movedAccounts(ctx context.Context) (map[string]int, error) {
	all := map[string]int{}
	for name, s := range a.wiring.Load().config.Syncs {
		moved, err := a.store.MovedAccounts(ctx, name, overview.Accounts(s))
		if err != nil {
			return nil, err
		}
		all[name] = len(moved)
	}
	return all, nil
}

// pausedSince says since when a sync is paused and why, "" when it is not. By whom is not for the
// log, which has this text too.
func pausedSince(sync string, p store.SyncPause) string {
	if p.Since.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s is paused since %s: %s", sync, p.Since.UTC().Format("2006-01-02 15:04Z"), p.Reason)
}
