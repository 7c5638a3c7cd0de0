package exceptions

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// fakeStore is a store of a few open exceptions of one cause, which goes away after
// some acts.
type fakeStore struct {
	kind  status.Kind // conflict unless set
	open  int64
	lasts int
	acts  []store.Act
}

var errAway = errors.New("the database is away")

func (d *fakeStore) Exception(_ context.Context, id int64) (store.Exception, error) {
	return store.Exception{ID: id, State: status.Open, NewException: store.NewException{Sync: "s", Customer: "c", Kind: cmp.Or(d.kind, status.Conflict), Cause: "one", SourceValue: "canceled", TargetValue: "Active"}}, nil
}

func (d *fakeStore) Exceptions(ctx context.Context, f store.ExceptionFilter) (found []store.Exception, err error) {
	for id := d.open; id > 0 && len(found) < f.Limit; id-- {
		if f.Before == 0 || id < f.Before {
			x, _ := d.Exception(ctx, id)
			found = append(found, x)
		}
	}
	return found, nil
}

func (d *fakeStore) Act(_ context.Context, a store.Act) (bool, error) {
	if len(d.acts) == d.lasts {
		return false, errAway
	}
	d.acts = append(d.acts, a)
	return true, nil
}

func (d *fakeStore) Actions(context.Context, int64) ([]store.Action, error) { return nil, nil }

func (d *fakeStore) Answered(_ context.Context, key string) (bool, error) {
	return slices.ContainsFunc(d.acts, func(a store.Act) bool { return a.Key == key }), nil
}

func live(string) bool { return false }

func TestAGroupThatIsCutShortTellsWhatWasDoneAndWhereToGoOn(t *testing.T) {
	s := &fakeStore{open: 5, lasts: 2}
	d := Actions{Store: s, Watching: live}
	all, err := d.DoGroup(t.Context(), 1, Request{Verb: store.Retry, Who: "ana"}, 0)
	if !errors.Is(err, errAway) || len(all.Done) != 2 || all.More != 4 {
		t.Fatalf("%+v, %v", all, err)
	}
	s.lasts = 9
	all, err = d.DoGroup(t.Context(), 1, Request{Verb: store.Retry, Who: "ana"}, all.More)
	if err != nil || len(all.Done) != 3 || all.More != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	seen := map[int64]bool{}
	for _, a := range s.acts {
		seen[a.Exception] = true
	}
	if len(s.acts) != 5 || len(seen) != 5 {
		t.Errorf("done was %+v", s.acts)
	}
}

func TestADecisionIsAboutWhatTheExceptionSaysUnlessSaid(t *testing.T) {
	s := &fakeStore{lasts: 9}
	d := Actions{Store: s, Watching: live}
	lead := "Lead"
	for _, r := range []Request{{}, {Saw: &lead}, {SawSource: &lead}} {
		r.Verb, r.Who = store.UseSource, "ana"
		if _, err := d.Do(t.Context(), 1, r); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range [][2]string{{"Active", "canceled"}, {"Lead", "canceled"}, {"Active", "Lead"}} {
		if a := s.acts[i]; a.Saw != want[0] || a.SawSource != want[1] {
			t.Errorf("%d: seen was %q and %q, not %v", i, a.Saw, a.SawSource, want)
		}
	}
}

// A key counts for who sends it and the exception; what is asked under it is
// told apart, and neither is kept as it was written.
func TestAKeyIsKeptByWhoAndWhatItIsAbout(t *testing.T) {
	s := &fakeStore{lasts: 99}
	d := Actions{Store: s, Watching: live}
	do := func(id int64, r Request) store.Act {
		t.Helper()
		if _, err := d.Do(t.Context(), id, r); err != nil {
			t.Fatal(err)
		}
		return s.acts[len(s.acts)-1]
	}
	first := Request{Verb: store.Assign, Who: "ana", Key: "k", Owner: "ben"}
	base := do(1, first)
	if again := do(1, first); again.Key != base.Key || again.Asked != base.Asked {
		t.Error("the same request is another")
	}
	for name, tt := range map[string]struct {
		id         int64
		change     func(*Request)
		key, asked bool // the same
	}{
		"another exception": {2, func(*Request) {}, false, true},
		"somebody else":     {1, func(r *Request) { r.Who = "ben" }, false, true},
		"another key":       {1, func(r *Request) { r.Key = "k2" }, false, true},
		"another verb":      {1, func(r *Request) { r.Verb = store.Retry }, true, false},
		"another owner":     {1, func(r *Request) { r.Owner = "zoe" }, true, false},
		"another value":     {1, func(r *Request) { r.Saw = &r.Who }, true, false},
	} {
		r := first
		tt.change(&r)
		if a := do(tt.id, r); (a.Key == base.Key) != tt.key || (a.Asked == base.Asked) != tt.asked {
			t.Errorf("%s: the key is the same %t, what is asked %t", name, a.Key == base.Key, a.Asked == base.Asked)
		}
	}
	if len(base.Key) != 64 || len(base.Asked) != 64 {
		t.Errorf("kept are %q and %q", base.Key, base.Asked)
	}
	if a := do(1, Request{Verb: store.Retry, Who: "ana"}); a.Key != "" {
		t.Error("without a key there is one")
	}
}

func TestACustomerIsNotLinkedToARecordThatIsNotThere(t *testing.T) {
	s := &fakeStore{kind: status.Unmatched, lasts: 9}
	d := Actions{Store: s, Watching: live, MayLink: func(_ context.Context, sync, customer, targetID string, force bool) error {
		switch {
		case targetID == "rec_gone":
			return &MissingRecordError{Why: "crm has no record rec_gone"}
		case targetID == "rec_anas" && !force:
			return Anothers(customer, "record rec_anas shows the email of customer ana")
		}
		return nil
	}}
	link := Request{Verb: store.LinkTo, Who: "ana", TargetID: "rec_gone"}
	_, err := d.Do(t.Context(), 1, link)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Hint == "" || len(s.acts) > 0 {
		t.Errorf("it came to %v, done was %+v", err, s.acts)
	}
	link.TargetID = "rec_1"
	if _, err := d.Do(t.Context(), 1, link); err != nil || len(s.acts) != 1 {
		t.Errorf("it came to %v, done was %+v", err, s.acts)
	}
}

func TestARecordThatShowsAnothersKeyIsLinkedOnlyByForce(t *testing.T) {
	s := &fakeStore{kind: status.Unmatched, lasts: 9}
	d := Actions{Store: s, Watching: live, MayLink: func(_ context.Context, sync, customer, targetID string, force bool) error {
		if force {
			return nil
		}
		return Anothers(customer, "record rec_anas shows the email of customer ana")
	}}
	link := Request{Verb: store.LinkTo, Who: "ana", TargetID: "rec_anas"}
	_, err := d.Do(t.Context(), 1, link)
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Exception != 1 || !strings.Contains(refused.Hint, "--force") || len(s.acts) > 0 {
		t.Errorf("it came to %v, done was %+v", err, s.acts)
	}
	link.Force = true
	if _, err := d.Do(t.Context(), 1, link); err != nil || len(s.acts) != 1 {
		t.Errorf("by force it came to %v, done was %+v", err, s.acts)
	}
}

func TestARepeatedLinkIsNotAskedAboutAgain(t *testing.T) {
	s := &fakeStore{kind: status.Unmatched, lasts: 9}
	gone := false
	d := Actions{Store: s, Watching: live, MayLink: func(_ context.Context, sync, customer, targetID string, force bool) error {
		if gone {
			return &MissingRecordError{Why: "crm has no record rec_1"}
		}
		return nil
	}}
	link := Request{Verb: store.LinkTo, Who: "ana", TargetID: "rec_1", Key: "k"}
	for range 2 {
		if _, err := d.Do(t.Context(), 1, link); err != nil {
			t.Error(err)
		}
		gone = true
	}
	link.Key = "another"
	if _, err := d.Do(t.Context(), 1, link); err == nil {
		t.Error("under another key a record that is gone is linked")
	}
}

func TestOneExceptionIsLinkedAtATime(t *testing.T) {
	s := &fakeStore{kind: status.Unmatched, open: 3, lasts: 9}
	var refused *RefusedError
	if _, err := (Actions{Store: s, Watching: live}).DoGroup(t.Context(), 1, Request{Verb: store.LinkTo, Who: "ana", TargetID: "rec_1"}, 0); !errors.As(err, &refused) || len(s.acts) > 0 {
		t.Errorf("it came to %v, done was %+v", err, s.acts)
	}
}
