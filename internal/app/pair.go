package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// lookTime bounds reading both sides while a person waits.
const lookTime = 15 * time.Second

// Pair is what a link would join, as the tools hold it now.
type Pair struct {
	Source, Target Side
	// So is set when the link is there already: nothing was read.
	So bool
	// Unasked is why the target could not be asked; the link is made anyway. A customer
	// that was linked to a record that is not there is parked as broken_link.
	Unasked error
}

// LookAtPair reads both sides of a link that a person wants to make. The error is
// why it may not be made, as exceptions.MayLink has it; the sides come with it
// where they were read.
func LookAtPair(ctx context.Context, cfg *config.Config, db *store.DB, sync, customer, targetID string, force bool) (Pair, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return Pair{}, err
	}
	defer conns.close()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	p, err := lookAtRecord(ctx, db, s, customer, targetID, force)
	if !p.So && p.Target.ID != "" {
		p.Source = sourceSide(ctx, s, customer)
	}
	return p, err
}

// MayLink is part of api.Service.
func (a *App) MayLink(ctx context.Context, sync, customer, targetID string, force bool) error {
	for _, s := range a.wiring.Load().conns.syncs {
		if s.Config.Name != sync {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		p, err := lookAtRecord(ctx, a.store, s, customer, targetID, force)
		if p.Unasked != nil {
			a.log.Warn("a customer is linked to a record that could not be read", slog.String("sync", sync), slog.Any("error", p.Unasked))
		}
		return err
	}
	return nil
}

// lookAtRecord reads the record of a link that a person wants to make, and
// decides whether it may be made.
func lookAtRecord(ctx context.Context, db *store.DB, s pipeline.Sync, customer, targetID string, force bool) (p Pair, err error) {
	// What is so already is no change, also when the record has gone since.
	if l, err := db.Link(ctx, s.Config.Name, customer); err == nil && l.TargetID == targetID {
		return Pair{So: true}, nil
	}
	if err := db.LinkedTo(ctx, s.Config.Name, customer, targetID); err != nil {
		return p, err
	}
	record, err := s.To.Target.Read(ctx, targetID)
	if err != nil {
		switch f := connector.FailureOf(err); {
		case f.Kind == connector.Gone && f.Survivor != "":
			return p, &exceptions.MissingRecordError{Why: fmt.Sprintf("record %s was merged into %s in %s", targetID, f.Survivor, s.To.Name)}
		case f.Kind == connector.Gone:
			return p, &exceptions.MissingRecordError{Why: fmt.Sprintf("%s has no record %s", s.To.Name, targetID)}
		default:
			p.Unasked = fmt.Errorf("could not read record %[2]s from %[1]s: %[3]w", s.To.Name, targetID, f)
		}
		record = status.TargetRecord{ID: targetID}
	}
	p.Target = Side{Connection: s.To.Name, ID: targetID, Value: record.Value, Keys: record.Keys}
	if p.Unasked != nil {
		p.Target.Error = connector.FailureOf(err).Error()
	}
	if force {
		return p, nil
	}
	why, err := anothers(ctx, db, s, customer, record)
	if err == nil && why != "" {
		err = exceptions.Anothers(customer, why)
	}
	return p, err
}

// anothers says by which key a record is another customer's, as far as that is
// known: the source is asked by id only, and of the customers that were carried
// the id and the address are kept. What a key holds is not said.
func anothers(ctx context.Context, db *store.DB, s pipeline.Sync, customer string, record status.TargetRecord) (why string, err error) {
	rules := map[string]bool{}
	for _, r := range s.Config.MatchRules() {
		rules[r.String()] = true
		has := record.Keys[r.Target]
		if r.Target == "id" {
			has = record.ID
		}
		if has = r.Normalize(has); has == "" {
			continue
		}
		other, err := db.OtherCustomer(ctx, s.Config.Name, customer, r.Source, has)
		if err != nil {
			return "", err
		}
		if other == "" && r.Source == "id" && has != r.Normalize(customer) && s.From.Source != nil {
			if _, err := s.From.Source.Read(ctx, has); err == nil {
				other = has
			}
		}
		if other != "" {
			return fmt.Sprintf("record %s has the %s of customer %s, which matches it by %s", record.ID, r.Target, other, r), nil
		}
	}
	// Who waits for a person because of this record matches it by whatever key.
	for _, kind := range []status.Kind{status.AmbiguousMatch, status.LowConfidence, status.DuplicateLink} {
		waiting, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: s.Config.Name, Kind: kind, States: []status.State{status.Open, status.Acknowledged}})
		if err != nil {
			return "", err
		}
		for _, x := range waiting {
			i := slices.IndexFunc(x.Candidates, func(c status.Candidate) bool { return c.TargetID == record.ID && rules[c.Rule] })
			if x.Customer != customer && i >= 0 {
				return fmt.Sprintf("record %s matches customer %s by %s, whose exception %d (%s) is open", record.ID, x.Customer, x.Candidates[i].Rule, x.ID, kind), nil
			}
		}
	}
	return "", nil
}
