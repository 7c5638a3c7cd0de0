package compare

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/compare/index"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// records are a batch of customers with what is known and was listed of them.
type records struct {
	*run
	known   map[string]*store.Snapshot
	sources map[string]index.Source
	targets map[string]index.Target
	under   map[[2]string][]string // ids of the target's records, by key and value
	owners  map[string]string
	looked  map[string]bool // ids of the target's records that targets and owners tell of
	taken   []store.Taken   // by this batch
	now     time.Time
	// failed is why a call did not succeed that says nothing of the customer, and
	// noAnswer that one of the customer's had no answer, tried often.
	failed   error
	noAnswer bool
}

// gather reads a batch.
func (r *run) gather(ctx context.Context, customers []string) (*records, error) {
	b := &records{run: r, under: map[[2]string][]string{}, owners: map[string]string{}, looked: map[string]bool{}}
	var err error
	if b.known, err = r.Store.Snapshots(ctx, r.w.Sync, customers); err != nil {
		return nil, err
	}
	b.now = b.known[customers[0]].Now
	if b.sources, err = r.listed.Sources(ctx, customers); err != nil {
		return nil, err
	}
	if !r.w.TargetListed {
		return b, nil
	}
	var ids []string
	wanted := map[string][]string{} // values by key
	for _, customer := range customers {
		if l := b.known[customer].Link; l != nil {
			ids = append(ids, l.TargetID)
			continue
		}
		for _, m := range r.Sync.Config.MatchRules() {
			value := customer
			if m.Source != "id" {
				value = b.sources[customer].Record.Keys[m.Source]
			}
			switch value = m.Normalize(value); {
			case value == "":
			case m.Target == "id":
				ids = append(ids, value)
			default:
				wanted[m.Target] = append(wanted[m.Target], value)
			}
		}
	}
	for name, values := range wanted {
		found, err := r.listed.Under(ctx, name, values)
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			b.under[[2]string{name, value}] = found[value]
			ids = append(ids, found[value]...)
		}
	}
	if b.targets, err = r.listed.Targets(ctx, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		b.looked[id] = true
	}
	b.owners, err = r.ownersOf(ctx, ids)
	return b, err
}

// look looks for records of the target that gather could not know of: the
// source was asked, or the target told of a merge.
func (b *records) look(ctx context.Context, ids ...string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return b.looked[id] })
	if len(ids) == 0 {
		return nil
	}
	targets, err := b.listed.Targets(ctx, ids)
	if err != nil {
		return err
	}
	owners, err := b.ownersOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		b.looked[id] = true
		if _, ours := b.owners[id]; ours { // found by this batch
			delete(owners, id)
		}
	}
	maps.Copy(b.targets, targets)
	maps.Copy(b.owners, owners)
	return nil
}

// ownersOf returns which customers have records of the target: by a link, or
// because the match rules found them earlier in the comparison.
func (r *run) ownersOf(ctx context.Context, ids []string) (map[string]string, error) {
	owners, err := r.listed.Owners(ctx, ids)
	if err != nil {
		return nil, err
	}
	linked, err := r.Store.LinkOwners(ctx, r.w.Sync, ids)
	maps.Copy(owners, linked)
	return owners, err
}

// judged asks what the path would do with a customer. What was listed is too
// old when the path has looked later, or when its answer is older than what the
// record was proved to hold: then the tools are asked.
func (b *records) judged(ctx context.Context, k *store.Snapshot) (pipeline.Outlook, error) {
	var j pipeline.Outlook
	for _, how := range []struct{ fresh, insist bool }{{b.older(k), false}, {true, false}, {true, true}} {
		s := pipeline.Subject{Work: &k.Work, Owner: b.owner, BelieveStale: how.insist, SourceAt: b.now}
		if l, ok := b.sources[k.Customer]; ok && !how.fresh {
			s.SourceAt = l.ReadAt
		}
		if b.w.SourceListed || b.Sync.From.Source != nil {
			s.Source = source{b, k, how.fresh}
			s.SourceFind = sourceFind{b}
		}
		s.Target = target{b, k, how.fresh}
		s.TargetAt = func(id string) time.Time {
			if l, ok := b.targets[id]; ok && !how.fresh {
				return l.ReadAt
			}
			return b.now
		}
		if j = b.judge.Of(ctx, s); b.failed != nil || j.Action != pipeline.Wait {
			break
		}
	}
	if b.noAnswer {
		b.noAnswer = false
		b.silent++
	}
	switch {
	case b.failed != nil:
		return j, b.failed
	case j.Action == pipeline.Wait:
		return j, errors.New(j.Reason.Sentence())
	case k.Link == nil && j.Link != nil:
		b.owners[j.Link.TargetID] = k.Customer
		b.taken = append(b.taken, store.Taken{TargetID: j.Link.TargetID, Customer: k.Customer})
	}
	return j, nil
}

// older reports whether the path has read one of the two sides later than it
// was listed.
func (b *records) older(k *store.Snapshot) bool {
	s, ok := b.sources[k.Customer]
	if ok && k.Desired.SeenAt.After(s.ReadAt) {
		return true
	}
	if k.Link == nil {
		return false
	}
	t, ok := b.targets[k.Link.TargetID]
	return ok && (k.Observed.SeenAt.After(t.ReadAt) || k.Base.SeenAt.After(t.ReadAt))
}

func (b *records) owner(ctx context.Context, id string) (string, error) {
	if owner, ok := b.owners[id]; ok || b.w.TargetListed {
		return owner, nil
	}
	found, err := b.ownersOf(ctx, []string{id})
	return found[id], err
}

// source is the source of one customer: what was listed, or the tool.
type source struct {
	*records
	k     *store.Snapshot
	fresh bool
}

// Read implements connector.Source. A customer who is missing in the list may
// have been passed over, so the tool is asked; but not again once a person was
// told.
func (s source) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	listed, ok := s.sources[customer]
	real := s.Sync.From.Source
	switch {
	case ok && (!s.fresh || real == nil):
		return listed.Record, nil
	case !ok && s.w.SourceListed && (real == nil || slices.Contains(s.k.Shown, status.BrokenLink)):
		return status.SourceRecord{}, gone("the source lists no such customer")
	}
	return ask(ctx, s.records, s.Sync.From.Name, "reading a customer in", func(ctx context.Context) (status.SourceRecord, error) { return real.Read(ctx, customer) })
}

// sourceFind finds the customers who are one, among those that were listed.
type sourceFind struct{ *records }

// Find implements connector.SourceFind. Whom it finds is known to source from then on.
func (f sourceFind) Find(ctx context.Context, key, value string) ([]string, error) {
	real := f.Sync.From.SourceFind
	if !f.w.SourceListed || key != "email" {
		return ask(ctx, f.records, f.Sync.From.Name, "searching", func(ctx context.Context) ([]string, error) { return real.Find(ctx, key, value) })
	}
	found, err := f.listed.Sharing(ctx, value)
	var more map[string]index.Source
	if err == nil {
		more, err = f.listed.Sources(ctx, found)
	}
	if err != nil {
		f.failed = err
		return nil, err
	}
	maps.Copy(f.sources, more)
	return found, nil
}

// target is the target for one customer: what was listed, or the tool.
type target struct {
	*records
	k     *store.Snapshot
	fresh bool
}

// Find implements connector.Target.
func (t target) Find(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
	if !t.w.TargetListed {
		real := t.Sync.To.Target
		return ask(ctx, t.records, t.Sync.To.Name, "searching", func(ctx context.Context) ([]status.TargetRecord, error) { return real.Find(ctx, key, value) })
	}
	value = identity.Normalizer(t.Sync.Config.MatchRules())(key, value) // the index knows no spellings
	ids, ok := t.under[[2]string{key, value}]
	if !ok { // the source was asked, and says another value than it listed
		some, err := t.listed.Under(ctx, key, []string{value})
		if err == nil {
			err = t.look(ctx, some[value]...)
		}
		if err != nil {
			t.failed = err
			return nil, err
		}
		ids = some[value]
		t.under[[2]string{key, value}] = ids
	}
	var found []status.TargetRecord
	for _, id := range ids {
		found = append(found, t.targets[id].Record)
	}
	return found, nil
}

// Read implements connector.Target. A linked record that is missing in the list
// is asked for, as a customer of the source is.
func (t target) Read(ctx context.Context, id string) (status.TargetRecord, error) {
	if t.w.TargetListed {
		if err := t.look(ctx, id); err != nil {
			t.failed = err
			return status.TargetRecord{}, err
		}
	}
	listed, ok := t.targets[id]
	linked := t.k.Link != nil && t.k.Link.TargetID == id
	switch {
	case ok && !t.fresh:
		return listed.Record, nil
	case !ok && t.w.TargetListed && (!linked || slices.Contains(t.k.Shown, status.BrokenLink)):
		return status.TargetRecord{}, gone("the target lists no such record")
	}
	real := t.Sync.To.Target
	return ask(ctx, t.records, t.Sync.To.Name, "reading a record in", func(ctx context.Context) (status.TargetRecord, error) { return real.Read(ctx, id) })
}

// Write implements connector.Target; a comparison writes nothing (invariant 2).
func (t target) Write(context.Context, status.TargetRecord, string) (*status.TargetRecord, error) {
	return nil, errors.New("a comparison writes nothing")
}

func gone(detail string) error {
	return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: detail}
}

// ask calls the tool. What says something of the customer goes on to the judge;
// anything else ends the comparison.
func ask[T any](ctx context.Context, b *records, connection, doing string, do func(context.Context) (T, error)) (T, error) {
	result, err := call(ctx, b.run, connection, doing, do)
	if err != nil {
		var f *connector.Failure
		isFailure := errors.As(err, &f)
		switch {
		case isFailure && (f.Kind == connector.Gone || f.Kind == connector.Refused || f.Kind == connector.Misconfigured):
		case isFailure && f.Kind == connector.Transient && b.silent < mostSilent:
			b.noAnswer = true // one record that always fails must not keep all others from being compared
		default:
			b.failed = err
		}
	}
	return result, err
}
