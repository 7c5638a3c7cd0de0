package app

import (
	"context"
	"errors"
	"slices"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/pipeline"
	"trueup/internal/status"
	"trueup/internal/store"
)

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
		side := Side{Connection: s.To.Name, ID: c.TargetID, Confidence: c.Confidence, Linked: c.TargetID == link.TargetID}
		var r status.TargetRecord
		if r, err = s.To.Target.Read(ctx, c.TargetID); err != nil {
			side.Error = connector.FailureOf(err).Error()
		} else {
			side.Value, side.Keys = r.Value, r.Keys
		}
		candidates = append(candidates, side)
	}
	return source, candidates, nil
}

// sourceSide is a customer as the source has it now.
func sourceSide(ctx context.Context, s pipeline.Sync, customer string) Side {
	side := Side{Connection: s.From.Name, ID: customer}
	if s.From.Source == nil {
		side.Error = "the source cannot be read; trueup events show has what it sent"
	} else if r, err := s.From.Source.Read(ctx, customer); err != nil {
		side.Error = connector.FailureOf(err).Error()
	} else {
		side.Value, side.Keys = r.Value, r.Keys
	}
	return side
}
