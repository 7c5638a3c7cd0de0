package exceptions

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// Store keeps exceptions; it is *store.DB.
type Store interface {
	Exception(ctx context.Context, id int64) (store.Exception, error)
	Exceptions(ctx context.Context, f store.ExceptionFilter) ([]store.Exception, error)
	Actions(ctx context.Context, exception int64) ([]store.Action, error)
	Act(ctx context.Context, a store.Act) (changed bool, err error)
	Answered(ctx context.Context, key string) (bool, error)
}

// Actions does what people decide.
type Actions struct {
	Store Store
	// Watching reports whether a sync only watches.
	Watching func(sync string) bool
	// MayLink is asked before a customer is linked to a record; nil asks nothing.
	MayLink MayLink
}

// Request is what a person wants done about an exception.
type Request struct {
	Verb store.Verb
	Who  string
	// Key makes a repeated request one; "" is none. It counts for Who and the
	// exception: the same key with another verb or other fields is refused.
	Key      string
	Owner    string        // for Assign
	Ignored  store.Ignored // for Ignore; "" is until the source changes
	Until    time.Time     // for KeepTarget; zero is until the source changes
	TargetID string        // for LinkTo
	Force    bool          // for LinkTo: also a record that shows another customer's key
	// Saw and SawSource are the target's and the source's value that were shown,
	// for UseSource and KeepTarget; nil is what the exception says now.
	Saw, SawSource *string
	// SawHistory is the last entry of the history that was shown; see store.Act.
	SawHistory *int64
}

// RefusedError is a request that an exception does not allow. It changed
// nothing.
type RefusedError struct {
	Exception int64 // 0: it is about a sync
	Why       string
	Hint      string        // what to do instead, in words
	Remedy    reason.Remedy // the same with its arguments; zero when it has no verb
	// First is what another person did in the meantime, where that is why.
	First *store.Action
}

func (e *RefusedError) Error() string {
	if e.Exception == 0 {
		return e.Why
	}
	return fmt.Sprintf("exception %d: %s", e.Exception, e.Why)
}

// Done is what a request came to.
type Done struct {
	Exception store.Exception // as it is now
	Changed   bool            // false: it had been done already
	// Saw and SawSource are the values that a decision was about.
	Saw, SawSource string
	// First is who had done the same before, when it had been done already.
	First *store.Action
	// Refused is why nothing was done about one of a group.
	Refused *RefusedError
}

// Do does one thing about one exception. store.ErrNotFound means that there is
// none with this number.
func (acts Actions) Do(ctx context.Context, id int64, r Request) (Done, error) {
	x, err := acts.Store.Exception(ctx, id)
	if err != nil {
		return Done{}, err
	}
	return acts.do(ctx, x, r)
}

func (acts Actions) do(ctx context.Context, x store.Exception, r Request) (Done, error) {
	a, err := r.act(x)
	if err == nil && a.Verb == store.UseSource && acts.Watching(x.Sync) {
		err = &RefusedError{Exception: x.ID, Why: fmt.Sprintf("%s is in mode: watch and writes nothing: your decision would wait and take effect when it goes live", x.Sync),
			Hint: fmt.Sprintf("set mode: live for %s in trueup.yaml first, then decide", x.Sync)}
	}
	if err == nil && a.Verb == store.LinkTo {
		err = acts.mayLink(ctx, x, a, r)
	}
	if err != nil {
		return Done{}, err
	}
	changed, err := acts.Store.Act(ctx, a)
	if err != nil {
		return Done{}, explained(x, r, err)
	}
	done := Done{Changed: changed, Saw: a.Saw, SawSource: a.SawSource}
	if !changed {
		if done.First, err = acts.first(ctx, x.ID, r.Verb); err != nil {
			return Done{}, err
		}
	}
	done.Exception, err = acts.Store.Exception(ctx, x.ID)
	return done, err
}

// first is the latest act of a verb, nil when there was none.
func (acts Actions) first(ctx context.Context, id int64, verb store.Verb) (*store.Action, error) {
	history, err := acts.Store.Actions(ctx, id)
	for _, a := range slices.Backward(history) {
		if a.Verb == string(verb) {
			return &a, err
		}
	}
	return nil, err
}

// GroupLimit is how many exceptions of a group are acted on at once.
const GroupLimit = 200

// GroupDone is what a request about a group came to.
type GroupDone struct {
	Done []Done
	// More, unless 0, says that there are others: they have lower numbers.
	More int64
}

// DoGroup does the same about all open exceptions of one's cause, or, beyond
// GroupLimit, about the ones with the highest numbers below before, 0 being all.
// Those that are refused are told and do not stop the others; when all are, the
// first refusal is the error. Another error comes with what was done before it.
func (acts Actions) DoGroup(ctx context.Context, id int64, r Request, before int64) (all GroupDone, err error) {
	if r.Verb == store.LinkTo {
		return all, &RefusedError{Exception: id, Why: "a record belongs to one customer, so link one exception at a time", Hint: "leave out the group"}
	}
	first, err := acts.Store.Exception(ctx, id)
	if err != nil {
		return all, err
	}
	return acts.DoAll(ctx, store.ExceptionFilter{Sync: first.Sync, Kind: first.Kind, Cause: first.Cause, States: store.NeedPerson}, r, before)
}

// DoAll is DoGroup for the exceptions that a filter chooses.
func (acts Actions) DoAll(ctx context.Context, f store.ExceptionFilter, r Request, before int64) (all GroupDone, err error) {
	f.Before, f.Limit = before, GroupLimit+1
	group, err := acts.Store.Exceptions(ctx, f)
	if err != nil {
		return all, err
	}
	var refusal *RefusedError
	refusals := 0
	ctx = store.Together(ctx)
	for i, x := range group {
		if i == GroupLimit {
			all.More = group[i-1].ID
			break
		}
		done, err := acts.do(ctx, x, r)
		var refused *RefusedError
		switch {
		case errors.As(err, &refused):
			done = Done{Exception: x, Refused: refused}
			refusal = cmp.Or(refusal, refused)
			refusals++
		case err != nil && i > 0:
			all.More = group[i-1].ID
			return all, err
		case err != nil:
			return all, err
		}
		all.Done = append(all.Done, done)
	}
	if refusal != nil && refusals == len(all.Done) {
		return GroupDone{}, refusal
	}
	return all, nil
}

// asked is the request as a hash, to tell whether a key is given to another one.
func (r Request) asked() string {
	values := []any{r.Verb, r.Owner, r.Ignored, r.Until.UnixMilli(), r.TargetID, r.Saw, r.SawSource}
	if r.Force { // left out otherwise: requests from before there was a force keep their hash
		values = append(values, r.Force)
	}
	return hashOf(values...)
}

// hashOf is a hash of some values. Requests are kept by it: what they say may
// be personal.
func hashOf(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// act checks a request against the exception it is about.
func (r Request) act(x store.Exception) (store.Act, error) {
	refuse := func(why, hint string) error { return &RefusedError{Exception: x.ID, Why: why, Hint: hint} }
	a := store.Act{Exception: x.ID, Verb: r.Verb, Who: r.Who, Owner: r.Owner, Ignored: r.Ignored, Until: r.Until, TargetID: r.TargetID,
		Saw: x.TargetValue, SawSource: x.SourceValue, SawHistory: r.SawHistory}
	if r.Saw != nil {
		a.Saw = *r.Saw
	}
	if r.SawSource != nil {
		a.SawSource = *r.SawSource
	}
	if r.Key != "" {
		a.Key, a.Asked = hashOf(r.Who, x.ID, r.Key), r.asked()
	}
	switch {
	case !offered(x.Kind, r.Verb):
		return a, instead(x, fmt.Sprintf("%s is not offered for %s", Command(r.Verb), x.Kind), reason.Remedy{Verb: reason.Show, Text: "see what is offered"})
	case r.Verb == store.ResumeSync:
		return a, instead(x, "a halt is not released by its exception", reason.Remedy{Verb: reason.Resume, Text: "resume the whole sync, with a reason"})
	case r.Who == "":
		return a, refuse("no user given", "name yourself with --as")
	case r.Verb == store.Assign && r.Owner == "":
		return a, refuse("no owner given", "give an owner, such as ops@example.com")
	case r.Verb == store.LinkTo && r.TargetID == "":
		return a, refuse("no record given", "give the target's id, such as one of the candidates")
	case r.Verb == store.Ignore && r.Ignored == "":
		a.Ignored = store.IgnoredUntilChange
	}
	return a, nil
}

// First says who acted first, when, and how.
func First(a store.Action) string {
	return fmt.Sprintf("%s was first, at %s: %s", a.Who, a.At.UTC().Format(time.DateTime+"Z"), cmp.Or(strings.TrimSuffix(reason.Offers[reason.Verb(a.Verb)].Done, ","), a.Verb))
}

// instead is a refusal with what can be done in place of the request.
func instead(x store.Exception, why string, todo reason.Remedy) error {
	if todo.Sync == "" {
		todo.Sync = x.Sync
	}
	return &RefusedError{Exception: x.ID, Why: why, Hint: todo.Text, Remedy: todo}
}

// explained turns a refusal of the store into one for people.
func explained(x store.Exception, r Request, err error) error {
	var taken *store.DuplicateLinkError
	var changed *store.ChangedError
	var pinned *store.PinnedError
	var first *store.ActedError
	switch {
	case errors.As(err, &first):
		again := reason.Remedy{Verb: reason.Show, Text: "look at it again before deciding"}
		return &RefusedError{Exception: x.ID, Why: First(first.Action) + "; nothing was changed", Hint: again.Text, Remedy: again, First: &first.Action}
	case errors.As(err, &pinned):
		p := pinned.Pin
		return instead(x, fmt.Sprintf("the customer is pinned by %s, so nothing is written: %s", p.By, p.Reason), reason.Remedy{Verb: reason.Unpin, Customer: x.Customer, Text: "unpin the customer first"})
	case errors.Is(err, store.ErrNoCustomer):
		return instead(x, store.ErrNoCustomer.Error(), reason.Remedy{Verb: reason.Show, Text: "see its cause"})
	case errors.As(err, &changed):
		return instead(x, changed.Error(), reason.Remedy{Verb: reason.Explain, Customer: x.Customer, Text: "see the current values"})
	case errors.Is(err, store.ErrKeyReused):
		return &RefusedError{Exception: x.ID, Why: store.ErrKeyReused.Error(), Hint: "give each request a key of its own"}
	case errors.As(err, &taken):
		return instead(x, taken.Error(), reason.Remedy{Verb: reason.LinksRemove, Sync: taken.Sync, Customer: taken.Customer, Text: "remove that link first"})
	case errors.Is(err, store.ErrNotFound):
		return &RefusedError{Exception: x.ID, Why: "the customer is not known yet", Hint: "it will be checked with its first event"}
	}
	return fmt.Errorf("%s: %w", r.Verb, err)
}
