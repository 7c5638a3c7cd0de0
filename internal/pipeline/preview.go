package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Preview shows what the path would do with a customer, by the path's own stages up to the
// decision. It claims nothing, stores nothing and writes to no tool, whatever mode the sync is in.
type Preview struct {
	store   Store
	options Options
	flow    flow
}

// NewPreview returns the Preview of a sync. It stores nothing, except that a connection rests if
// its tool asks for it.
func NewPreview(s Sync, from Store) *Preview {
	s.Config.Mode = config.ModeLive // what would be written, not that it is not
	p := New(Options{Syncs: []Sync{s}})
	return &Preview{store: from, options: p.Options, flow: *p.flows[s.Config.Name]}
}

// Subject is one customer, and where to read its two records: from the tools, or from lists that
// were read earlier.
type Subject struct {
	Work *store.Work
	// Source is nil for a tool that cannot be read: its stored events tell its state.
	Source connector.Source
	// SourceFind finds the customers who are one with it, where a sync folds several;
	// nil is the tool itself.
	SourceFind connector.SourceFind
	// Target is never written to.
	Target connector.Target
	// SourceAt is when the source's record was asked for, by the database's clock, and TargetAt
	// when a record of the target was.
	SourceAt time.Time
	TargetAt func(id string) time.Time
	// Owner returns whose a record of the target is, "" if it is no one's.
	Owner func(ctx context.Context, targetID string) (customer string, err error)
	// BelieveStale accepts a record that looks older than what it was proved to hold.
	BelieveStale bool
}

// Outlook is what the path would do.
type Outlook struct {
	// Action is write, hold, park, none, or wait when a call failed or an answer
	// was too old; Reason says why.
	Action  string
	Reason  reason.Reason
	Outcome status.Outcome // "" for write and wait
	Stage   status.Stage
	Kind    status.Kind // of the exception that a hold or park would open
	// Row is the row of the decision table, 0 if the path ended before it.
	Row        int
	Confidence float64
	Candidates []status.Candidate
	// Link is the customer's, or the one that would be made.
	Link *store.Link
	// Source is the record that was read; Desired what it comes to.
	Source  status.SourceRecord
	Desired store.Desired
	// Target is the record that was read, with a zero ID if none was.
	Target status.TargetRecord
	// Names are the other ids in its sentences, as in store.Settlement.
	Names []string
	// Explained: a write of ours accounts for what the target holds.
	Explained bool
}

// Wait is the action of an Outlook that cannot be given now.
const Wait = "wait"

// TargetID is the record's id, "" if none was found.
func (o Outlook) TargetID() string {
	if o.Link == nil {
		return ""
	}
	return o.Link.TargetID
}

// ByTransitions reports whether only the sync's transitions keep it from being written.
func (o Outlook) ByTransitions() bool {
	return o.Reason.Code == decide.ChangeWaits || o.Reason.Code == decide.ChangeAsks || o.Reason.Code == decide.ChangeForbidden
}

// Of walks one customer up to the decision.
func (p *Preview) Of(ctx context.Context, s Subject) Outlook {
	clock := s.SourceAt
	o := p.options
	o.Store = onlyReads{Store: p.store, owner: s.Owner}
	o.Now = func() time.Time { return clock }
	f := p.flow
	f.Pipeline, f.From.Source, f.To.Target = &Pipeline{Options: o, paces: p.flow.paces}, s.Source, s.Target
	if s.SourceFind != nil {
		f.From.SourceFind = s.SourceFind
	}
	work := *s.Work
	work.Now, work.Unheard = clock, false
	if s.BelieveStale {
		work.Attempts, work.FirstTry = 1, clock.Add(-o.Retry.Patience)
	}
	a := &attempt{flow: &f, work: &work, window: claimWindow{sent: clock, answered: clock}, started: clock, believesStale: s.BelieveStale, preview: true, noRetry: true}
	// As attempt.walk does, but only up to the decision, and with the clock of the two lists.
	for i := 0; i < indexOf(path, status.StageWrite); i++ {
		step := path[i]
		a.stage = step.stage
		if step.stage == status.StageReadTarget && s.TargetAt != nil {
			clock = s.TargetAt(a.link.TargetID)
		}
		switch v := step.run(a, ctx); {
		case v.end != nil:
			return a.outlook(v.end)
		case v.reread: // at the survivor of a merge
			if a.redecided++; a.redecided > maxRedecisions {
				return a.outlook(a.keepsMoving().end)
			}
			i = indexOf(path, status.StageReadTarget) - 1
		}
	}
	return a.outlook(&ending{action: actionWrite, reason: reason.Reason{Code: a.decision.Reason}})
}

func (a *attempt) outlook(e *ending) Outlook {
	if e.failure == "" {
		a.answered()
	}
	o := Outlook{Action: e.action, Reason: a.withDecider(e.reason), Outcome: e.outcome, Stage: a.stage, Row: a.decision.Row, Confidence: a.decision.Confidence,
		Link: a.link, Source: a.source, Desired: a.desired, Target: a.target, Names: a.mentioned}
	if e.unsettled {
		o.Action = Wait
	}
	if e.park != nil {
		o.Kind, o.Confidence, o.Candidates = e.park.Kind, e.park.Confidence, e.park.Candidates
	}
	if a.target.ID != "" {
		_, o.Explained = a.facts().Explained()
	}
	return o
}

// onlyReads is a store in which nothing changes.
type onlyReads struct {
	Store
	owner func(ctx context.Context, targetID string) (string, error)
}

var errOnlyReads = errors.New("a preview changes nothing")

// SaveLink only says whether the record is another customer's.
func (o onlyReads) SaveLink(ctx context.Context, _ *store.Work, l store.Link) error {
	owner, err := o.owner(ctx, l.TargetID)
	if err != nil {
		return fmt.Errorf("look whose record %s is: %w", l.TargetID, err)
	}
	if owner != "" && owner != l.Customer {
		return &store.DuplicateLinkError{Sync: l.Sync, TargetID: l.TargetID, Customer: owner}
	}
	return nil
}

// FollowLink only says whether the survivor is another customer's, and which
// link would be made.
func (o onlyReads) FollowLink(ctx context.Context, w *store.Work, _, to string) (store.Link, error) {
	l := store.Link{Sync: w.Sync, Customer: w.Customer, TargetID: to, Rule: store.SurvivorRule, Confidence: w.Link.Confidence, By: "trueup"}
	return l, o.SaveLink(ctx, w, l)
}

// BeginWrite implements Store.
func (onlyReads) BeginWrite(context.Context, *store.Work, store.Intent, store.Limits) (store.Intent, error) {
	return store.Intent{}, errOnlyReads
}

// Settle implements Store.
func (onlyReads) Settle(context.Context, *store.Work, store.Settlement) error { return errOnlyReads }

// Claim implements Store.
func (onlyReads) Claim(context.Context, string, int, time.Duration) ([]store.Work, error) {
	return nil, errOnlyReads
}
