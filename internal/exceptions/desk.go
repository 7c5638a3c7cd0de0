package exceptions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// Store keeps exceptions; it is *store.DB.
type Store interface {
	Exception(ctx context.Context, id int64) (store.Exception, error)
	Exceptions(ctx context.Context, f store.ExceptionFilter) ([]store.Exception, error)
	Act(ctx context.Context, a store.Act) (changed bool, err error)
}

// Desk does what people decide.
type Desk struct{ Store Store }

// Request is what somebody wants done about an exception.
type Request struct {
	Verb store.Verb
	Who  string
	// Key makes a repeated request one; "" is none.
	Key      string
	Owner    string        // for Assign
	Ignored  store.Ignored // for Ignore; "" is until the source changes
	Until    time.Time     // for KeepTheirs; zero is until the source changes
	TargetID string        // for LinkTo
	// Saw is the target's value that was shown, for ApplyOurs and KeepTheirs;
	// nil is what the exception says now.
	Saw *string
}

// RefusedError is a request that an exception does not allow. It changed
// nothing.
type RefusedError struct {
	Exception int64
	Why       string
	Hint      string // what to do instead
}

func (e *RefusedError) Error() string { return fmt.Sprintf("exception %d: %s", e.Exception, e.Why) }

// Done is what a request came to.
type Done struct {
	Exception store.Exception // as it is now
	Changed   bool            // false: it had been done already
}

// Do does one thing about one exception. store.ErrNotFound means that there is
// none with this number.
func (d Desk) Do(ctx context.Context, id int64, r Request) (Done, error) {
	x, err := d.Store.Exception(ctx, id)
	if err != nil {
		return Done{}, err
	}
	a, err := r.act(x)
	if err != nil {
		return Done{}, err
	}
	changed, err := d.Store.Act(ctx, a)
	if err != nil {
		return Done{}, explained(x, r, err)
	}
	x, err = d.Store.Exception(ctx, id)
	return Done{Exception: x, Changed: changed}, err
}

// DoGroup does the same about an exception and all open ones of its cause.
func (d Desk) DoGroup(ctx context.Context, id int64, r Request) ([]Done, error) {
	first, err := d.Store.Exception(ctx, id)
	if err != nil {
		return nil, err
	}
	group, err := d.Store.Exceptions(ctx, store.ExceptionFilter{Sync: first.Sync, Kind: first.Kind, Cause: first.Cause,
		States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return nil, err
	}
	key := r.Key
	var all []Done
	for _, x := range group {
		if key != "" {
			r.Key = fmt.Sprintf("%s/%d", key, x.ID)
		}
		done, err := d.Do(ctx, x.ID, r)
		if err != nil {
			return all, fmt.Errorf("after %d of %d: %w", len(all), len(group), err)
		}
		all = append(all, done)
	}
	return all, nil
}

// act checks a request against the exception it is about.
func (r Request) act(x store.Exception) (store.Act, error) {
	refuse := func(why, hint string) error { return &RefusedError{Exception: x.ID, Why: why, Hint: hint} }
	a := store.Act{Exception: x.ID, Verb: r.Verb, Who: r.Who, Key: r.Key, Owner: r.Owner, Ignored: r.Ignored, Until: r.Until, TargetID: r.TargetID, Saw: x.TargetValue}
	if r.Saw != nil {
		a.Saw = *r.Saw
	}
	switch {
	case !offered(x.Kind, r.Verb):
		return a, refuse(fmt.Sprintf("%s is not offered for %s", r.Verb, x.Kind), "trueup exceptions show says what is")
	case r.Who == "":
		return a, refuse("nobody is named who does it", "say who you are")
	case r.Verb == store.Assign && r.Owner == "":
		return a, refuse("no owner is named", "name one, such as ops@example.com")
	case r.Verb == store.LinkTo && r.TargetID == "":
		return a, refuse("no record is named", "name the target's id, one of the candidates for instance")
	case r.Verb == store.Ignore && r.Ignored == "":
		a.Ignored = store.IgnoredUntilChange
	}
	return a, nil
}

// explained says what a refusal of the store means for whoever asked.
func explained(x store.Exception, r Request, err error) error {
	var taken *store.DuplicateLinkError
	switch {
	case errors.Is(err, store.ErrNoCustomer):
		return &RefusedError{Exception: x.ID, Why: store.ErrNoCustomer.Error(), Hint: "trueup exceptions show says what its cause is"}
	case errors.Is(err, store.ErrChanged):
		return &RefusedError{Exception: x.ID, Why: store.ErrChanged.Error(), Hint: fmt.Sprintf("trueup explain %s %s shows what it holds now", x.Sync, x.Customer)}
	case errors.As(err, &taken):
		return &RefusedError{Exception: x.ID, Why: taken.Error(), Hint: fmt.Sprintf("remove that link first: trueup links remove %s %s", taken.Sync, taken.Customer)}
	case errors.Is(err, store.ErrNotFound):
		return &RefusedError{Exception: x.ID, Why: "its customer has not been seen yet", Hint: "it is looked at with its first event"}
	}
	return fmt.Errorf("%s: %w", r.Verb, err)
}
