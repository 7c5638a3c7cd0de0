// Package suggest finds the target's records that are most like the customers that
// no match rule matched, so that a person has something to choose from. It links
// nothing.
//
// Main type: Suggester. Main function: Suggester.Run, which goes through the
// target's list once for all customers of a sync.
//
// Invariants: it only reads from the tools; what it holds of the list at a time
// is one page; a customer it could not read is skipped and tried again the next
// time.
//
// It must not import a vendor's package.
package suggest

import (
	"context"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Store keeps exceptions and events; it is *store.DB.
type Store interface {
	WithoutCandidates(ctx context.Context, sync string) ([]store.Exception, error)
	SetCandidates(ctx context.Context, exception int64, candidates []status.Candidate) error
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
}

// Suggester looks for candidates in one sync.
type Suggester struct {
	Store  Store
	Sync   string
	Source connector.Connection
	Target connector.Connection
	// Most is how many customers are looked for in one run, 0 is all; After is
	// the exception to go on behind, Result.Last of the run before.
	Most  int
	After int64
	// Progress receives how many records were read; it may be nil.
	Progress func(records int)
}

// Result is what a run came to.
type Result struct {
	Customers int `json:"customers"` // who were looked for
	Found     int `json:"found"`     // who have a candidate now
	Records   int `json:"records"`   // of the target that were read
	PassedBy  int `json:"passed_by"` // customers who could not be read
	// SetAside are records of the target that its list could not read: one of them may
	// be the record that is looked for. nil is none.
	SetAside *SetAside `json:"set_aside,omitempty"`
	// Last is the last exception whose turn it was.
	Last int64 `json:"-"`
}

// SetAside counts records that could not be read, and names the first ones.
type SetAside struct {
	Records int      `json:"records"`
	IDs     []string `json:"ids"`
	// Problem is what is wrong with the first.
	Problem string `json:"problem"`
}

// Text says so of a connection.
func (a SetAside) Text(connection string) string {
	return reason.SetAside(a.Records, connection, a.IDs, a.Problem)
}

// asidesNamed is how many of them are named.
const asidesNamed = 20

func (r *Result) setAside(a connector.Aside) {
	if r.SetAside == nil {
		r.SetAside = &SetAside{IDs: []string{}, Problem: a.Problem}
	}
	r.SetAside.Records++
	if len(r.SetAside.IDs) < asidesNamed {
		r.SetAside.IDs = append(r.SetAside.IDs, a.ID)
	}
}

// Run looks for candidates for the unmatched customers that have none yet.
func (s *Suggester) Run(ctx context.Context) (Result, error) {
	ctx = connector.Background(ctx)
	result := Result{Last: s.After}
	waiting, err := s.Store.WithoutCandidates(ctx, s.Sync)
	if err != nil || len(waiting) == 0 {
		return result, err
	}
	if s.Target.TargetList == nil {
		return result, fmt.Errorf("%s cannot list its records, so there is nothing to compare", s.Target.Name)
	}
	wanted := map[int64]*identity.Nearest{}
	for _, x := range s.turn(waiting) {
		keys, err := s.keys(ctx, x.Customer)
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		result.Last = x.ID
		if err != nil {
			result.PassedBy++
			continue
		}
		wanted[x.ID] = identity.NewNearest(keys)
	}
	if len(wanted) == 0 {
		return result, nil
	}
	if result.Records, err = s.walk(connector.WithAsides(ctx, result.setAside), wanted); err != nil {
		return result, fmt.Errorf("list the records of %s: %w", s.Target.Name, err)
	}
	for id, near := range wanted {
		candidates := near.Candidates()
		if err := s.Store.SetCandidates(ctx, id, candidates); err != nil {
			return result, err
		}
		result.Customers++
		if len(candidates) > 0 {
			result.Found++
		}
	}
	return result, nil
}

// turn is whose turn it is: those behind After first, so that customers who can
// never be read do not keep the others from theirs.
func (s *Suggester) turn(waiting []store.Exception) []store.Exception {
	at := slices.IndexFunc(waiting, func(x store.Exception) bool { return x.ID > s.After })
	if at > 0 {
		waiting = slices.Concat(waiting[at:], waiting[:at])
	}
	if s.Most > 0 {
		waiting = waiting[:min(len(waiting), s.Most)]
	}
	return waiting
}

// walk goes through the target's list.
func (s *Suggester) walk(ctx context.Context, wanted map[int64]*identity.Nearest) (records int, err error) {
	cursor := ""
	var circle connector.Circle
	for {
		if circle.Turn(cursor) {
			return records, connector.Endless()
		}
		found, next, err := s.Target.TargetList.List(ctx, cursor)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return records, err
		}
		for _, r := range found {
			for _, near := range wanted {
				near.Add(r)
			}
		}
		records += len(found)
		if s.Progress != nil {
			s.Progress(records)
		}
		if next == "" {
			return records, nil
		}
		cursor = next
	}
}

// keys are what the source knows of a customer.
func (s *Suggester) keys(ctx context.Context, customer string) (map[string]string, error) {
	if s.Source.Source != nil {
		r, err := s.Source.Source.Read(ctx, customer)
		return r.Keys, err
	}
	events, err := s.Store.Events(ctx, store.EventFilter{Sync: s.Sync, Customer: customer, Connection: s.Source.Name, Limit: 1})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(events, func(e store.Event) bool { return e.Side == store.SourceSide })
	if i < 0 || s.Source.EventSource == nil {
		return nil, fmt.Errorf("no events from %s for customer %s", s.Source.Name, customer)
	}
	r, err := s.Source.EventSource.Record(events[i].Payload)
	return r.Keys, err
}
