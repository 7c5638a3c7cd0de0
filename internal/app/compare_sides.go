package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// compareTime bounds reading both tools while a person waits.
	compareTime = 8 * time.Second
	// mostCompared is how many records are read beside the customer.
	mostCompared = 5
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

	at time.Time // as of when
}

// Compare reads an exception's customer in the source, and in the target the
// record that it is linked to and its candidates, for a person to see side by side.
func Compare(ctx context.Context, cfg *config.Config, db *store.DB, x store.Exception) (contract.Comparison, error) {
	if err := aboutCustomer(x); err != nil {
		return contract.Comparison{}, err
	}
	s, conns, err := oneSync(cfg, db, x.Sync)
	if err != nil {
		return contract.Comparison{}, err
	}
	defer conns.close()
	return compareSides(ctx, s, db, x)
}

// Compare is part of api.Service.
func (a *App) Compare(ctx context.Context, x store.Exception) (contract.Comparison, error) {
	if err := aboutCustomer(x); err != nil {
		return contract.Comparison{}, err
	}
	for _, s := range a.wiring.Load().conns.syncs {
		if s.Config.Name == x.Sync {
			return compareSides(ctx, s, a.store, x)
		}
	}
	return contract.Comparison{}, &exceptions.RefusedError{Exception: x.ID, Why: x.Sync + " is no longer in trueup.yaml, so its tools cannot be read", Hint: "add the sync to the file again"}
}

func aboutCustomer(x store.Exception) error {
	if x.Customer == "" {
		details := reason.Remedy{Verb: reason.Show, Text: "see its details"}
		return &exceptions.RefusedError{Exception: x.ID, Why: "it is not about a single customer", Hint: details.Text, Remedy: details}
	}
	return nil
}

// compareSides reads all of them at once. What does not answer in time is said, and
// the rest is shown.
func compareSides(ctx context.Context, s pipeline.Sync, db *store.DB, x store.Exception) (contract.Comparison, error) {
	all := x.Candidates
	link, err := db.Link(ctx, x.Sync, x.Customer)
	switch {
	case err == nil: // what the decision was about comes first
		all = slices.DeleteFunc(slices.Clone(all), func(c status.Candidate) bool { return c.TargetID == link.TargetID })
		all = slices.Insert(all, 0, status.Candidate{TargetID: link.TargetID, Confidence: link.Confidence})
	case !errors.Is(err, store.ErrNotFound):
		return contract.Comparison{}, err
	}
	all = all[:min(len(all), mostCompared)]
	now, err := db.Now(ctx)
	if err != nil {
		return contract.Comparison{}, err
	}
	within, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	var source Side
	sides := make([]Side, len(all))
	var reading sync.WaitGroup
	reading.Go(func() { source = customerSide(within, s, db, x, now) })
	for i, c := range all {
		reading.Go(func() { sides[i] = recordSide(within, s, c, c.TargetID == link.TargetID, now) })
	}
	reading.Wait()
	if ctx.Err() != nil { // who asked has gone
		return contract.Comparison{}, ctx.Err()
	}
	return sideBySide(ctx, s, db, x, source, sides)
}

func recordSide(ctx context.Context, s pipeline.Sync, c status.Candidate, linked bool, now time.Time) Side {
	side := Side{Connection: s.To.Name, ID: c.TargetID, Confidence: c.Confidence, Linked: linked, at: now}
	if r, err := s.To.Target.Read(ctx, c.TargetID); err != nil {
		side.Error = unread(ctx, s.To.Name, err)
	} else {
		side.Value, side.Keys = r.Value, r.Keys
	}
	return side
}

// customerSide is a customer as the source has it now, or as the latest event of a
// source that cannot be asked had it.
func customerSide(ctx context.Context, s pipeline.Sync, db *store.DB, x store.Exception, now time.Time) Side {
	if s.From.Source != nil || s.From.EventSource == nil {
		side := sourceSide(ctx, s, x.Customer)
		side.at = now
		if side.Error != "" {
			side.Value = x.SourceValue
		}
		return side
	}
	side := Side{Connection: s.From.Name, ID: x.Customer, Value: x.SourceValue}
	events, err := db.Events(ctx, store.EventFilter{Sync: x.Sync, Customer: x.Customer, Connection: s.From.Name, Limit: 5})
	if err != nil {
		side.Error = "its events could not be read"
		return side
	}
	for _, e := range events {
		if e.Side != store.SourceSide {
			continue
		}
		if r, err := s.From.EventSource.Record(e.Payload); err == nil {
			side.Value, side.Keys, side.at = r.Value, r.Keys, e.ReceivedAt
			return side
		}
	}
	side.Error = fmt.Sprintf("%s cannot be asked, and no event of this customer is kept", s.From.Name)
	return side
}

// sourceSide is a customer as the source has it now.
func sourceSide(ctx context.Context, s pipeline.Sync, customer string) Side {
	side := Side{Connection: s.From.Name, ID: customer}
	if s.From.Source == nil {
		side.Error = "the source cannot be read; trueup events show has what it sent"
	} else if r, err := s.From.Source.Read(ctx, customer); err != nil {
		side.Error = unread(ctx, s.From.Name, err)
	} else {
		side.Value, side.Keys = r.Value, r.Keys
	}
	return side
}

// unread is why a record could not be read.
func unread(ctx context.Context, connection string, err error) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return connection + " did not answer in time"
	}
	return connector.FailureOf(err).Error()
}

// sideBySide lines the fields up and says how like they are.
func sideBySide(ctx context.Context, s pipeline.Sync, db *store.DB, x store.Exception, source Side, sides []Side) (contract.Comparison, error) {
	c := contract.Comparison{Exception: x.ID, Sync: x.Sync, Candidates: []contract.ComparedRecord{}}
	lines := linesOf(s.Config.MatchRules(), source, sides)
	words := overview.Words(s.Config)
	c.Customer = compared(source, sourceCells(lines, source))
	if r, err := words.Source(source.Value); err == nil {
		c.Customer.Status = r.Status
	}
	var missing []string
	if source.Error != "" {
		missing = append(missing, source.Error)
	}
	for _, side := range sides {
		r := compared(side, likenesses(lines, source, side))
		r.Status, r.Linked, r.Confidence = words.Target(side.Value), side.Linked, side.Confidence
		var taken *store.DuplicateLinkError
		if err := db.LinkedTo(ctx, x.Sync, x.Customer, side.ID); errors.As(err, &taken) {
			r.LinkedTo = taken.Customer
		} else if err != nil {
			return c, err
		}
		if side.Error != "" && !slices.Contains(missing, side.Error) {
			missing = append(missing, side.Error)
		}
		c.Candidates = append(c.Candidates, r)
	}
	if len(missing) > 0 {
		c.Partial = "Not everything could be read: " + strings.Join(missing, "; ") + "."
	}
	return c, nil
}
