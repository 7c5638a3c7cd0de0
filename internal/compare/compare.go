package compare

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// compare asks of each customer what the path would do, a batch a transaction,
// and ends the comparison.
func (r *run) compare(ctx context.Context) (err error) {
	if r.listed, err = r.index(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.listed.Close()) }()
	size := batch
	if !r.w.TargetListed || !r.w.SourceListed && r.Sync.From.Source != nil {
		size = fewBatch
	}
	if r.batch > 0 {
		size = r.batch
	}
	for {
		customers, err := r.listed.Customers(ctx, r.w.ComparedTo, size)
		if err != nil {
			return err
		}
		if len(customers) == 0 {
			return r.finish(ctx)
		}
		if err := r.compareBatch(ctx, customers); err != nil {
			return err
		}
	}
}

func (r *run) compareBatch(ctx context.Context, customers []string) error {
	b, err := r.gather(ctx, customers)
	if err != nil {
		return err
	}
	w, p := r.w, store.SweepPart{Seen: map[string]store.Seen{}, Ask: map[string]int64{}}
	for _, customer := range customers {
		k := b.known[customer]
		if _, ok := b.sources[customer]; !ok && r.w.SourceListed && (k.Link == nil || r.unknown()) {
			continue // without a link: it was taken away since the comparison of customers began
		}
		j, err := b.judged(ctx, k)
		if err != nil {
			return fmt.Errorf("compare customer %s: %w", customer, err)
		}
		count(&w.Summary, j)
		if k.Desired.SourceValue == "" && j.Source.ID != "" && !j.Source.NoStatus {
			p.Seen[customer] = store.Seen{Value: j.Source.Value, At: j.Desired.SeenAt}
		}
		if r.Sync.Config.Mode == config.ModeWatch && k.Stored {
			p.Watched = append(p.Watched, store.WatchedLook{Customer: customer, Watched: watched(k, j)})
		}
		apart := j.Action != string(decide.None)
		if row := rowOf(k, j); apart && r.Purpose == store.ForPlan {
			p.Rows = append(p.Rows, row)
		}
		switch {
		case r.neverCarried(k, j):
			if apart {
				w.Waiting++
			}
			if r.Ask && k.DueAt.IsZero() && r.toAsk(k, j) {
				p.Ask[customer] = k.Generation
			}
			continue
		case apart:
			drift(&w.Drift, k, j)
		}
		if r.Repair && r.worthALook(k, j) || r.Ask && r.toAsk(k, j) && !dueSoon(k) {
			p.Wake = append(p.Wake, customer)
		}
	}
	p.Taken = b.taken
	if r.Repair {
		w.Repaired += len(p.Wake)
	}
	w.ComparedTo = customers[len(customers)-1]
	if err := r.save(ctx, w, p); err != nil {
		return err
	}
	return r.listed.Take(ctx, p.Taken)
}

// watched is what a look at a customer says of a write that was not made. That
// a write would be made is for the path to find, which knows of every event.
func watched(k *store.Snapshot, j pipeline.Outlook) store.Watched {
	return store.Watched{Desired: j.Desired.Value, Looked: j.Target.ID != "" && !j.Explained && j.Target.Actor != status.ActorUs,
		Observed: j.Target.Value, ObservedAt: j.Target.EditedAt, AsOf: k.Now}
}

// neverCarried reports whether nothing was ever carried for a customer whose
// source changed before the sync went live: that is history, which only a plan
// carries. One who was only watched until then is history as well.
func (r *run) neverCarried(k *store.Snapshot, j pipeline.Outlook) bool {
	changed := j.Source.ValueAt
	if changed.IsZero() {
		changed = j.Source.UpdatedAt
	}
	before := func(at time.Time) bool { return r.live.IsZero() || at.Before(r.live) }
	// That both sides agreed while it was watched makes a write of today no less history.
	history := !k.Base.Known || j.Action == string(decide.Write) || j.ByTransitions()
	return (!k.Stored || k.Unheard || history && before(k.Desired.SeenAt)) && (changed.IsZero() || before(changed))
}

// soon is how long a customer may wait for his next look without one being asked
// for: pauses after failures, and for what is not there yet, last up to an hour.
const soon = time.Minute

// worthALook reports whether the path has something to do that it does not know
// of: the sides are apart and no person was told why, or they agree and an
// exception says that they do not, or only the target has said so until now.
func (r *run) worthALook(k *store.Snapshot, j pipeline.Outlook) bool {
	switch {
	case dueSoon(k):
		return false // it is looked at anyway
	case k.Waits && j.Desired.Value == k.Desired.Value:
		return false // trueup resume lets it through
	case j.Action == string(decide.None):
		return len(k.Open) > 0 || k.Base.Unverified
	case j.Action == string(decide.Write):
		return true
	}
	if j.Reason.Code == decide.ChangeWaits { // its time runs from the first look on
		return k.DueAt.IsZero() || k.DueAt.After(j.Reason.Facts.Until) || k.Desired.SourceValue != j.Source.Value
	}
	return r.asks(j) && !slices.Contains(k.Shown, j.Kind)
}

// asks reports whether the path would ask people. A sync that only watches asks no
// one to confirm a change.
func (r *run) asks(j pipeline.Outlook) bool {
	return j.Kind != "" && (j.Kind != status.ConfirmChange || r.Sync.Config.Mode != config.ModeWatch)
}

// toAsk reports whether people have to be told something of a customer that the
// path has not told them: that it needs one, or that it needs none any more.
func (r *run) toAsk(k *store.Snapshot, j pipeline.Outlook) bool {
	if j.Kind == "" {
		return len(k.Open) > 0 && (j.Action == string(decide.None) || j.Action == string(decide.Write))
	}
	return r.asks(j) && !slices.Contains(k.Shown, j.Kind) && !k.Settled[j.Kind].Holds(j.Source.Value, j.Target.Value)
}

func dueSoon(k *store.Snapshot) bool { return !k.DueAt.IsZero() && !k.DueAt.After(k.Now.Add(soon)) }

func rowOf(k *store.Snapshot, j pipeline.Outlook) store.PlanRow {
	return store.PlanRow{Customer: k.Customer, TargetID: j.TargetID(), Name: j.Source.Name(), Action: j.Action, Kind: j.Kind, Reason: j.Reason,
		Before: j.Target.Value, After: j.Desired.Value, RecordAt: j.Target.EditedAt, Names: j.Names}
}

// count adds a customer to the figures, once.
func count(s *store.Summary, j pipeline.Outlook) {
	switch {
	case j.Outcome == status.AlreadyEqual:
		s.Agree++
	case j.Action == string(decide.None):
		s.NotCarried++
	case j.Action == string(decide.Write):
		s.Write++
	case j.Action == string(decide.Hold):
		s.Held++
	case j.Kind == status.Unmatched:
		s.UnmatchedSource++
	case j.Kind == status.AmbiguousMatch:
		s.Ambiguous++
	case j.Kind == status.UnmappedStatus:
		s.Unmapped++
	default:
		s.Other++
	}
}

// drift counts why the sides of a customer have come apart, by one cause. An
// event that waits is no drift: it is on its way.
func drift(d *store.Drift, k *store.Snapshot, j pipeline.Outlook) {
	lost := !k.Stored || k.Desired.SourceValue != j.Source.Value && !j.Desired.SeenAt.Before(k.Desired.SeenAt)
	switch {
	case len(k.Events) > 0:
	case j.Kind == status.UnmappedStatus:
		d.Vocabulary++
	case j.Kind == status.BrokenLink:
		d.DeletedRecord++
	case lost:
		d.LostEvent++
	case editedOutside(k, j):
		d.EditOutside++
	}
}

// editedOutside reports whether somebody else changed the target since it was
// proved, or else seen, to hold something.
func editedOutside(k *store.Snapshot, j pipeline.Outlook) bool {
	switch {
	case j.Target.ID == "" || j.Explained:
		return false
	case k.Base.Known && k.Base.RecordID == j.Target.ID:
		return k.Base.Value != j.Target.Value
	}
	return k.Link != nil && !k.Observed.SeenAt.IsZero() && k.Observed.Value != j.Target.Value
}

// finish ends the comparison with its hash and the vocabulary.
func (r *run) finish(ctx context.Context) error {
	w := r.w
	sources, targets, nobodys, err := r.figures(ctx)
	if err != nil {
		return err
	}
	if w.SourceListed {
		w.Summary.Sources = sources
	} else {
		w.Summary.Sources = w.Summary.Carried() + w.Summary.NotCarried
	}
	if w.TargetListed {
		w.Summary.Targets, w.Summary.UnmatchedTarget = targets, nobodys
	}
	words, err := r.words(ctx)
	if err != nil {
		return err
	}
	if w.Purpose == store.ForPlan {
		if w.Hash, err = hashOf(ctx, r.Store, w); err != nil {
			return err
		}
	}
	w.Phase = store.PhaseDone
	if err := r.save(ctx, w, store.SweepPart{Vocabulary: words}); err != nil {
		return err
	}
	s, d := r.w.Summary, r.w.Drift
	r.Log.Info("both sides compared", slog.String("sync", w.Sync), slog.String("purpose", string(w.Purpose)), agreed(s),
		slog.Int("carried", s.Carried()), slog.Int("agree", s.Agree), slog.Int("write", s.Write), slog.Int("held", s.Held),
		slog.Int("unmatched", s.UnmatchedSource), slog.Int("ambiguous", s.Ambiguous), slog.Int("unmapped", s.Unmapped), slog.Int("other", s.Other),
		slog.Int("lost_event", d.LostEvent), slog.Int("edit_outside", d.EditOutside), slog.Int("deleted_record", d.DeletedRecord),
		slog.Int("repaired", r.w.Repaired), slog.Int("waiting", r.w.Waiting), slog.Duration("took", r.w.EndedAt.Sub(r.w.BeganAt)))
	return nil
}
