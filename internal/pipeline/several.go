package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// several is the match rule by which several customers of the source are one: a tool
// that makes a customer at each checkout has one person many times. One of them, the
// one with the link, is synced for all, with the best of their statuses.
type several struct {
	rule identity.Rule
	rank map[string]int // of each word, the best is 0
}

// mostSharing bounds how many customers are read for one of them. An address that
// more have is a shop's own, and nobody's.
const mostSharing = 50

// severalOf is nil for a sync that asks people.
func severalOf(s Sync) *several {
	i := slices.IndexFunc(s.Config.Match, func(r config.MatchRule) bool { return r.Several == config.SeveralFold })
	if i < 0 || s.From.Source == nil || s.From.SourceFind == nil {
		return nil
	}
	out := &several{rule: s.Config.MatchRules()[i], rank: map[string]int{}}
	words := s.Config.Match[i].Precedence
	if len(words) == 0 {
		words = s.From.Precedence
	}
	for i, word := range words {
		out.rank[word] = i
	}
	return out
}

// together is what an attempt knows of the customers who are one with its own.
type together struct {
	sharing []shared
	decider string // whose status decides, "" while nobody shares
	count   int    // how many there are, then
	// left is one of those with whom the customer was one until its key changed:
	// theirs has to be decided without it.
	left string
}

// shared is another customer with the same key.
type shared struct {
	status.SourceRecord
	link *store.Link
}

// foldSeveral takes the best status of all customers who are one with this one. gone,
// when set, says that the source does not have this one any more. One who is not the
// linked one ends here: that one is woken, and decides for all.
func (a *attempt) foldSeveral(ctx context.Context, gone *connector.Failure) verdict {
	if a.several == nil {
		return a.alone(gone)
	}
	if v := a.readSharing(ctx); v.end != nil {
		return v
	}
	if with := a.decidesFor(gone); with != "" {
		return a.decidedWith(with)
	}
	// What people or rules have linked to a record of its own is one of its own.
	all := slices.DeleteFunc(slices.Clone(a.together.sharing), func(s shared) bool { return s.link != nil })
	if len(all) == 0 {
		return a.alone(gone)
	}
	a.foldBest(all, gone)
	return onward
}

// alone is an attempt with whom nobody shares.
func (a *attempt) alone(gone *connector.Failure) verdict {
	if gone != nil {
		return a.sourceGone(gone)
	}
	return onward
}

// decidesFor is the other customer who decides for one without a link, "" for none.
func (a *attempt) decidesFor(gone *connector.Failure) string {
	if a.work.Link != nil {
		return ""
	}
	var linked, living []string
	for _, s := range a.together.sharing {
		if s.link != nil {
			linked = append(linked, s.ID)
		}
		if a.keyOf(s.SourceRecord) != "" {
			living = append(living, s.ID)
		}
	}
	switch {
	case len(linked) == 1:
		return linked[0]
	case len(linked) == 0 && len(living) > 0 && (gone != nil || a.keyOf(a.source) == ""): // nothing can find its record
		return living[0]
	}
	return ""
}

// decidedWith ends the attempt at a customer for whom another one decides.
func (a *attempt) decidedWith(other string) verdict {
	a.mentions(other)
	e := ending{outcome: status.Ignored, action: actionNone, wake: other,
		reason: reason.Reason{Code: reason.DecidedWith, Facts: reason.Facts{Source: a.From.Name, Customer: other}}}
	if a.work.Unheard { // a look that only asks people makes nobody's history new
		e.wake = ""
	}
	if a.together.left != "" && e.wake != "" {
		// Two have to be woken: those whom it has left first. Its key is stored with that.
		e = ending{action: Wait, reason: e.reason, retry: time.Millisecond, attempts: a.work.Attempts, firstTry: a.work.FirstTry, failure: failureKeyChanged}
	}
	return end(e)
}

// shares reports whether another customer is one with this one.
func (a *attempt) shares(customer string) bool {
	return slices.ContainsFunc(a.together.sharing, func(s shared) bool { return s.ID == customer })
}

func (a *attempt) keyOf(r status.SourceRecord) string {
	return a.several.rule.Normalize(r.Keys[a.several.rule.Source])
}

// readSharing reads all other customers with the key, as they are now: those whom the
// source finds, and those who were last seen with it, who may show none any more. One
// who cannot be read could have the best status, so that nothing is decided without.
func (a *attempt) readSharing(ctx context.Context) verdict {
	was, err := a.lastKey(ctx)
	if err != nil {
		return a.storeFailed(err)
	}
	own := a.source.Keys[a.several.rule.Source]
	key := cmp.Or(a.keyOf(a.source), was)
	if key == "" {
		return onward
	}
	known, err := a.known(ctx, key)
	if err == nil && was != "" && was != key {
		err = a.leaves(ctx, was)
	}
	if err != nil {
		return a.storeFailed(err)
	}
	ids := slices.Collect(maps.Keys(known))
	for _, spelling := range a.several.rule.Spellings(cmp.Or(own, key)) {
		found, err := a.From.SourceFind.Find(ctx, a.several.rule.Source, spelling)
		if err != nil {
			return a.failed(err, a.From.Name, reason.ReadingCustomer)
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == a.work.Customer })
	if len(ids) > mostSharing {
		return a.failed(&connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Detail: fmt.Sprintf(
			"more than %d customers have the same %s, which cannot be one person", mostSharing, a.several.rule.Source)}, a.From.Name, reason.ReadingCustomer)
	}
	for _, id := range ids {
		if v := a.readShared(ctx, id, key, known); v.end != nil {
			return v
		}
	}
	return onward
}

// readShared reads one of them, and passes over who does not have the key, or is gone.
func (a *attempt) readShared(ctx context.Context, id, key string, known map[string]*store.Link) verdict {
	link, seen := known[id]
	record, err := a.From.Source.Read(ctx, id)
	switch {
	case err == nil:
	case connector.FailureOf(err).Kind != connector.Gone:
		return a.failed(err, a.From.Name, reason.ReadingCustomer)
	case link != nil: // it decides for the others all the same
		a.together.sharing = append(a.together.sharing, shared{SourceRecord: status.SourceRecord{ID: id}, link: link})
		return onward
	default:
		return onward
	}
	if has := a.keyOf(record); has != key && (has != "" || !seen) {
		return onward
	}
	if !seen {
		if link, err = a.linkOf(ctx, id); err != nil {
			return a.storeFailed(err)
		}
	}
	a.together.sharing = append(a.together.sharing, shared{SourceRecord: inMilliseconds(record), link: link})
	return onward
}

// lastKey is the key with which the customer was last seen.
func (a *attempt) lastKey(ctx context.Context) (string, error) {
	found, err := a.Store.Customers(ctx, a.Config.Name, a.work.Customer)
	for _, c := range found {
		if c.Customer == a.work.Customer {
			return a.several.rule.Normalize(c.Email), err
		}
	}
	return "", err
}

// known returns the customers who were last seen with a key, with their links.
func (a *attempt) known(ctx context.Context, key string) (map[string]*store.Link, error) {
	found, err := a.Store.Customers(ctx, a.Config.Name, key)
	all := map[string]*store.Link{}
	for _, c := range found {
		if a.several.rule.Normalize(c.Email) == key {
			all[c.Customer] = c.Link
		}
	}
	return all, err
}

// linkOf is a customer's link, nil for none.
func (a *attempt) linkOf(ctx context.Context, customer string) (*store.Link, error) {
	found, err := a.Store.Customers(ctx, a.Config.Name, customer)
	for _, c := range found {
		if c.Customer == customer {
			return c.Link, err
		}
	}
	return nil, err
}

// leaves notes whom the customer has left by another key: the linked one, or any.
func (a *attempt) leaves(ctx context.Context, was string) error {
	others, err := a.known(ctx, was)
	delete(others, a.work.Customer)
	for _, id := range slices.Sorted(maps.Keys(others)) {
		if a.together.left == "" || others[id] != nil {
			a.together.left = id
		}
	}
	if a.work.Unheard || a.preview {
		a.together.left = ""
	}
	return err
}

// foldBest makes the record that of all customers together. A word that has no place
// may mean anything, so it decides unless somebody has the best one, beside which
// nothing matters; the map then asks a person about it.
func (a *attempt) foldBest(others []shared, gone *connector.Failure) {
	all := []status.SourceRecord{a.source}
	if gone != nil {
		all = nil
		a.source = status.SourceRecord{ID: a.work.Customer}
	}
	for _, s := range others {
		all = append(all, s.SourceRecord)
	}
	rank := func(r status.SourceRecord) int {
		place, known := a.several.rank[r.Value]
		switch {
		case r.NoStatus:
			return len(a.several.rank) + 1
		case known && place == 0:
			return -1
		case known:
			return place
		}
		return 0 // before every word but the best
	}
	best := slices.MinFunc(all, func(x, y status.SourceRecord) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.Value, y.Value), y.ValueAt.Compare(x.ValueAt), cmp.Compare(x.ID, y.ID))
	})
	a.together.decider, a.together.count = best.ID, len(all)
	a.mentions(best.ID)
	a.source.Value, a.source.NoStatus, a.source.ValueAt = best.Value, best.NoStatus, bestSince(best, all)
	for _, r := range all {
		a.source.UpdatedAt = later(a.source.UpdatedAt, r.UpdatedAt)
	}
	a.events.ordered = nil // they tell of one of them
}

// bestSince is since when the best of all statuses is so: that of the one who has it,
// zero where another may have been better until later, or as good. A time that is too
// late would let a person's edit be written over.
func bestSince(best status.SourceRecord, all []status.SourceRecord) time.Time {
	for _, r := range all {
		if r.ID != best.ID && (r.Value == best.Value || r.NoStatus || r.ValueAt.IsZero() || r.ValueAt.After(best.ValueAt)) {
			return time.Time{}
		}
	}
	return best.ValueAt
}

// withDecider adds to a reason whose status has decided.
func (a *attempt) withDecider(r reason.Reason) reason.Reason {
	if a.together.decider != "" && r.Code != "" {
		r.Facts.Decider, r.Facts.Sharing = a.together.decider, a.together.count
	}
	return r
}
