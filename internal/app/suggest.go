package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/pipeline"
	"trueup/internal/status"
	"trueup/internal/store"
	"trueup/internal/suggest"
)

const (
	// suggestEvery is how often candidates are looked for; the target's whole
	// list is read for it, once for all customers.
	suggestEvery = time.Hour
	// suggestTime bounds one look, suggestLease is how long no other node looks:
	// longer, so that what one came to is stored while it is its turn.
	suggestTime  = 30 * time.Minute
	suggestLease = suggestTime + 5*time.Minute
	// suggestMost bounds for how many customers one look is: each is read in the
	// source and compared with every record of the target.
	suggestMost = 200
)

// suggester looks for candidates of unmatched customers of one sync, one node
// at a time.
type suggester struct {
	db  *store.DB
	log *slog.Logger
	suggest.Suggester
}

// suggesters returns one for each sync whose target can list its records.
func suggesters(syncs []pipeline.Sync, db *store.DB, log *slog.Logger) []*suggester {
	var all []*suggester
	for _, s := range syncs {
		if s.Target.TargetList != nil {
			all = append(all, &suggester{db, log, suggest.Suggester{Store: db, Sync: s.Config.Name, Source: s.Source, Target: s.Target, Most: suggestMost}})
		}
	}
	return all
}

func (s *suggester) run(ctx context.Context) {
	ticker := time.NewTicker(suggestEvery / 12)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("could not search for candidates", slog.String("sync", s.Sync), slog.Any("error", err))
		}
	}
}

// look looks unless another node does or has done so lately.
func (s *suggester) look(ctx context.Context) error {
	waiting, err := s.db.WithoutCandidates(ctx, s.Sync)
	if err != nil || len(waiting) == 0 {
		return err
	}
	turn := store.Turn{Kind: store.CandidatesTurn, Name: s.Sync}
	cursor, fence, ok, err := s.db.TakeTurn(ctx, turn, suggestEvery, suggestLease)
	if err != nil || !ok {
		return err
	}
	if s.After, err = strconv.ParseInt(cmp.Or(cursor, "0"), 10, 64); err != nil {
		s.After = 0 // whoever wrote it, it is no exception's number
	}
	within, cancel := context.WithTimeout(ctx, suggestTime)
	defer cancel()
	result, err := s.Run(within)
	ends := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		return s.db.LeaveTurn(ends, turn, fence) // whoever comes next looks
	}
	// After a fault not at once again either: the list may be long, and the tool
	// busy.
	err = errors.Join(err, s.db.SaveTurn(ends, turn, fence, strconv.FormatInt(result.Last, 10), true))
	if err != nil {
		return err
	}
	s.log.Info("searched for candidates", slog.String("sync", s.Sync), slog.Int("customers", result.Customers),
		slog.Int("found", result.Found), slog.Int("records", result.Records))
	return nil
}

// Suggest looks for candidates of a sync's unmatched customers, now.
func Suggest(ctx context.Context, cfg *config.Config, db *store.DB, sync string, progress func(records int)) (suggest.Result, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return suggest.Result{}, err
	}
	defer conns.close()
	return (&suggest.Suggester{Store: db, Sync: sync, Source: s.Source, Target: s.Target, Progress: progress}).Run(ctx)
}

// oneSync opens the two sides of a sync.
func oneSync(cfg *config.Config, db *store.DB, sync string) (pipeline.Sync, *connections, error) {
	conns, err := openConnections(cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return pipeline.Sync{}, nil, err
	}
	for _, s := range conns.syncs {
		if s.Config.Name == sync {
			return s, conns, nil
		}
	}
	return pipeline.Sync{}, nil, fmt.Errorf("no sync %s", sync)
}

// Side is one record as a tool holds it now.
type Side struct {
	Connection string            `json:"connection"`
	ID         string            `json:"id"`
	Value      string            `json:"value"`
	Keys       map[string]string `json:"keys"`
	Confidence float64           `json:"confidence,omitempty"`
	Linked     bool              `json:"linked,omitempty"` // it is the customer's
	Error      string            `json:"error,omitempty"`  // why it could not be read
}

// Compare reads an exception's customer in the source, and in the target the
// record that it is linked to and its candidates, for a person to see side by side.
func Compare(ctx context.Context, cfg *config.Config, db *store.DB, x store.Exception) (source Side, candidates []Side, err error) {
	s, conns, err := oneSync(cfg, db, x.Sync)
	if err != nil {
		return Side{}, nil, err
	}
	defer conns.close()
	source = sourceSide(ctx, s, x.Customer)
	if source.Error != "" {
		source.Value = x.SourceValue
	}
	all := x.Candidates
	link, err := db.Link(ctx, x.Sync, x.Customer)
	switch {
	case err == nil: // what the decision was about comes first
		all = slices.DeleteFunc(slices.Clone(all), func(c status.Candidate) bool { return c.TargetID == link.TargetID })
		all = slices.Insert(all, 0, status.Candidate{TargetID: link.TargetID, Confidence: link.Confidence})
	case !errors.Is(err, store.ErrNotFound):
		return Side{}, nil, err
	}
	for _, c := range all {
		side := Side{Connection: s.Target.Name, ID: c.TargetID, Confidence: c.Confidence, Linked: c.TargetID == link.TargetID}
		var r status.TargetRecord
		if r, err = s.Target.Target.Read(ctx, c.TargetID); err != nil {
			side.Error = connector.FailureOf(err).Error()
		} else {
			side.Value, side.Keys = r.Value, r.Keys
		}
		candidates = append(candidates, side)
	}
	return source, candidates, nil
}
