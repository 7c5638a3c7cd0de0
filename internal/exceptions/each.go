package exceptions

import (
	"context"
	"errors"
	"slices"

	"github.com/trueup-sync/trueup/internal/store"
)

// EachVerbs are what can be done about several exceptions that have nothing in
// common: whoever does it need not have seen both sides of each.
var EachVerbs = []store.Verb{store.Assign, store.Acknowledge, store.Ignore, store.Retry, store.Resolve, store.Reopen}

// DoEach does the same about each of some exceptions, at most GroupLimit. Those that
// are refused are told and do not stop the others. Another error comes with what was
// done before it.
func (acts Actions) DoEach(ctx context.Context, ids []int64, r Request) (all []Done, err error) {
	switch {
	case !slices.Contains(EachVerbs, r.Verb):
		return nil, &RefusedError{Why: Command(r.Verb) + " is decided for one exception at a time", Hint: "look at what each is about first"}
	case len(ids) == 0:
		return nil, &RefusedError{Why: "no exception was chosen", Hint: "choose at least one"}
	case len(ids) > GroupLimit:
		return nil, &RefusedError{Why: "more than 200 exceptions were chosen", Hint: "do it in steps of at most 200"}
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		done, err := acts.Do(ctx, id, r)
		var refused *RefusedError
		switch {
		case errors.As(err, &refused):
			if done.Exception, err = acts.Store.Exception(ctx, id); err != nil {
				return all, err
			}
			done.Refused = refused
		case errors.Is(err, store.ErrNotFound):
			done = Done{Exception: store.Exception{ID: id}, Refused: &RefusedError{Exception: id, Why: "there is none with this number", Hint: "look at the list again"}}
		case err != nil:
			return all, err
		}
		all = append(all, done)
	}
	return all, nil
}

// Tally counts what several requests came to.
type Tally struct{ Changed, Already, Refused int }

// TallyOf counts.
func TallyOf(all []Done) (t Tally) {
	for _, d := range all {
		switch {
		case d.Refused != nil:
			t.Refused++
		case d.Changed:
			t.Changed++
		default:
			t.Already++
		}
	}
	return t
}
