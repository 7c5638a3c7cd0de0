package app

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/suggest"
)

const (
	// suggestEvery is how often candidates are searched for; this reads the target's
	// whole list, once for all customers. suggestCheck is how often a node checks
	// whether it is time.
	suggestEvery = time.Hour
	suggestCheck = suggestEvery / 12
	// suggestTime bounds one search. suggestLease, during which no other node
	// searches, is longer: the result is stored within it.
	suggestTime  = 30 * time.Minute
	suggestLease = suggestTime + 5*time.Minute
	// suggestMost bounds the customers of one search: each is read in the source
	// and compared with every record of the target.
	suggestMost = 200
)

// suggester searches for candidates of the unmatched customers of one sync.
type suggester struct {
	db  *store.DB
	log *slog.Logger
	suggest.Suggester
}

// suggesters returns one for each sync whose target can list its records.
func suggesters(syncs []pipeline.Sync, db *store.DB, log *slog.Logger) []*suggester {
	var all []*suggester
	for _, s := range syncs {
		if s.To.TargetList != nil {
			all = append(all, &suggester{db, log, suggest.Suggester{Store: db, Sync: s.Config.Name, Source: s.From, Target: s.To, Most: suggestMost}})
		}
	}
	return all
}

// run searches, if it is this node's turn.
func (s *suggester) run(ctx context.Context) error {
	waiting, err := s.db.WithoutCandidates(ctx, s.Sync)
	if err != nil || len(waiting) == 0 {
		return err
	}
	turn := store.Turn{Kind: store.CandidatesTurn, Name: s.Sync}
	return inTurn(ctx, s.db, turn, suggestEvery, suggestLease, func(cursor string) (next string, done bool, err error) {
		if s.After, err = strconv.ParseInt(cmp.Or(cursor, "0"), 10, 64); err != nil {
			s.After = 0 // not the number of an exception, whatever wrote it
		}
		within, cancel := context.WithTimeout(ctx, suggestTime)
		defer cancel()
		result, err := s.Run(within)
		if ctx.Err() != nil {
			return "", false, nil
		}
		if err == nil {
			s.log.Info("searched for candidates", slog.String("sync", s.Sync), slog.Int("customers", result.Customers),
				slog.Int("found", result.Found), slog.Int("records", result.Records))
		}
		// Done also after a failure: the list may be long, and the tool busy.
		return strconv.FormatInt(result.Last, 10), true, err
	})
}

// Suggest searches for candidates of a sync's unmatched customers, now.
func Suggest(ctx context.Context, cfg *config.Config, db *store.DB, sync string, progress func(records int)) (suggest.Result, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return suggest.Result{}, err
	}
	defer conns.close()
	return (&suggest.Suggester{Store: db, Sync: sync, Source: s.From, Target: s.To, Progress: progress}).Run(ctx)
}
