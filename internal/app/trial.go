package app

import (
	"context"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

// Both is one customer as both tools have it.
type Both struct {
	Customer, TargetID string
	Source, Target     Side
}

// LookAtBoth reads the customers of some rows of a plan in both tools. A side that
// cannot be read says why.
func LookAtBoth(ctx context.Context, cfg *config.Config, db *store.DB, sync string, rows []store.PlanRow) ([]Both, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return nil, err
	}
	defer conns.close()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	all := make([]Both, len(rows))
	for i, r := range rows {
		b := Both{Customer: r.Customer, TargetID: r.TargetID, Source: sourceSide(ctx, s, r.Customer), Target: targetSide(ctx, s, r.TargetID)}
		if s.From.Source == nil { // its events are all that is known
			if c, err := db.Customer(ctx, sync, r.Customer); err == nil {
				b.Source.Value, b.Source.Error = c.Desired.SourceValue, ""
			}
		}
		all[i] = b
	}
	return all, nil
}

// targetSide is a record as the target has it now.
func targetSide(ctx context.Context, s pipeline.Sync, id string) Side {
	side := Side{Connection: s.To.Name, ID: id}
	r, err := s.To.Target.Read(ctx, id)
	if err != nil {
		side.Error = connector.FailureOf(err).Error()
		return side
	}
	side.Value = r.Value
	return side
}
