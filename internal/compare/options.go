package compare

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// checkOptions compares the words that may be written with those that the
// target's field knows now. Somebody who renames an option tells nobody; the
// owner hears of it here, before a write of it fails. There is one exception of
// the sync for all such words, and it closes when all of them are known again.
func (r *run) checkOptions(ctx context.Context) error {
	if r.Sync.To.Options == nil {
		return nil
	}
	known, err := call(ctx, r, r.Sync.To.Name, "reading the options of the field in", r.Sync.To.Options.Options)
	if err != nil {
		return err
	}
	cfg := r.Sync.Config
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Statuses)) {
		if word := cfg.Statuses[name].To; !slices.Contains(known, word) && !slices.Contains(missing, word) {
			missing = append(missing, word)
		}
	}
	if len(missing) == 0 {
		_, err := r.Store.CloseExceptions(ctx, cfg.Name, "", status.WriteFailed, "")
		return err
	}
	_, err = r.Store.OpenException(ctx, store.NewException{Sync: cfg.Name, Kind: status.WriteFailed, Stage: status.StageWrite,
		Reason:      reason.Reason{Code: reason.OptionsMissing, Facts: reason.Facts{Target: r.Sync.To.Name, Missing: missing, Values: known}},
		TargetValue: missing[0], LastAction: string(reason.DidOptions), Confidence: 1, Owner: cfg.Owner(status.WriteFailed), Cause: store.OptionsOfField})
	return err
}

// agreed is the agreement for the log, nothing when nobody was compared.
func agreed(s store.Summary) slog.Attr {
	share := s.Agreement()
	if share == nil {
		return slog.Attr{}
	}
	return slog.Float64("agreement", *share)
}
