package stripe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	sub := func(status string) Subscription { return Subscription{Status: status} }
	collectionPaused := func(status string) Subscription { return Subscription{Status: status, CollectionPaused: true} }
	ended := func(n int) Subscription { return Subscription{Status: "canceled", EndedAt: day(n)} }
	for _, tc := range []struct {
		name string
		subs []Subscription
		want Standing
	}{
		{"no subscription is no status", nil, Standing{None: true}},
		{"a running one is active", []Subscription{sub("active")}, Standing{Value: "active"}},
		{"a running one beside an ended one is active", []Subscription{ended(3), sub("active")}, Standing{Value: "active"}},
		{"a paid one beats a trial", []Subscription{sub("trialing"), sub("active")}, Standing{Value: "active"}},
		{"a trial beats a late one", []Subscription{sub("past_due"), sub("trialing")}, Standing{Value: "trialing"}},
		{"a late one still runs and beats a paused one", []Subscription{sub("paused"), sub("past_due")}, Standing{Value: "past_due"}},
		{"a paused one beats one nobody pays", []Subscription{sub("unpaid"), sub("paused")}, Standing{Value: "paused"}},
		{"one nobody pays is still open and beats an ended one", []Subscription{ended(3), sub("unpaid")}, Standing{Value: "unpaid"}},
		{"an unpaid new start does not undo the end", []Subscription{sub("incomplete"), ended(3)}, Standing{Value: "canceled", At: day(3)}},
		{"a new start beats one that never came", []Subscription{sub("incomplete_expired"), sub("incomplete")}, Standing{Value: "incomplete"}},
		{"a first payment that never came is only that", []Subscription{sub("incomplete_expired")}, Standing{Value: "incomplete_expired"}},
		{"several ended ones ended with the last", []Subscription{ended(3), ended(9), ended(5)}, Standing{Value: "canceled", At: day(9)}},
		{"an end without its time has none", []Subscription{sub("canceled")}, Standing{Value: "canceled"}},
		{"the time of an end is not the time of another status", []Subscription{ended(9), sub("active")}, Standing{Value: "active"}},
		{"pausing collection of a paid one is paused", []Subscription{collectionPaused("active")}, Standing{Value: "paused"}},
		{"pausing collection of a trial is paused", []Subscription{collectionPaused("trialing")}, Standing{Value: "paused"}},
		{"pausing collection of a late one is paused", []Subscription{collectionPaused("past_due")}, Standing{Value: "paused"}},
		{"pausing collection of an ended one changes nothing", []Subscription{collectionPaused("canceled")}, Standing{Value: "canceled"}},
		{"pausing collection of one nobody pays changes nothing", []Subscription{collectionPaused("unpaid")}, Standing{Value: "unpaid"}},
		{"one paused and one running is active", []Subscription{collectionPaused("active"), sub("active")}, Standing{Value: "active"}},
		{"a word of tomorrow is the answer", []Subscription{sub("hibernating")}, Standing{Value: "hibernating"}},
		{"a word of tomorrow beats an ended one", []Subscription{ended(3), sub("hibernating")}, Standing{Value: "hibernating"}},
		{"a word of tomorrow beats a trial", []Subscription{sub("hibernating"), sub("trialing")}, Standing{Value: "hibernating"}},
		{"nothing is better than active, not even a word of tomorrow", []Subscription{sub("hibernating"), sub("active")}, Standing{Value: "active"}},
		{"a paused active one is not active beside a word of tomorrow", []Subscription{sub("hibernating"), collectionPaused("active")}, Standing{Value: "hibernating"}},
		{"of two words of tomorrow it is the first by alphabet", []Subscription{sub("zzz"), sub("aaa")}, Standing{Value: "aaa"}},
		{"a known word in another case is a word of tomorrow", []Subscription{sub("Active")}, Standing{Value: "Active"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Fold(tc.subs)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func drawSubscription(t *rapid.T) Subscription {
	s := Subscription{
		Status:           rapid.SampledFrom(append(Values(), "hibernating", "frozen", "")).Draw(t, "status"),
		CollectionPaused: rapid.Bool().Draw(t, "collection paused"),
	}
	if rapid.Bool().Draw(t, "ended") {
		s.EndedAt = time.Unix(rapid.Int64Range(1, 1<<32).Draw(t, "ended at"), 0).UTC()
	}
	return s
}

func TestFoldProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subs := rapid.SliceOfN(rapid.Custom(drawSubscription), 0, 8).Draw(t, "subscriptions")
		before := slices.Clone(subs)
		got := Fold(subs)
		if diff := cmp.Diff(before, subs); diff != "" {
			t.Fatalf("the input was changed: %s", diff)
		}
		if again := Fold(rapid.Permutation(subs).Draw(t, "another order")); again != got {
			t.Fatalf("%+v in one order, %+v in another", got, again)
		}
		holdsFold(t, subs, got)
		if more := Fold(append(subs, Subscription{Status: "active"})); more.Value != "active" {
			t.Fatalf("with an active subscription more it is %+v", more)
		}
		if twice := Fold(append(subs, subs...)); twice != got {
			t.Fatalf("listed twice it is %+v, once %+v", twice, got)
		}
	})
}

// holdsFold checks what is true of every result.
func holdsFold(t interface{ Fatalf(string, ...any) }, subs []Subscription, got Standing) {
	if got.None != (len(subs) == 0) {
		t.Fatalf("%+v for %d subscriptions", got, len(subs))
	}
	if got.None {
		return
	}
	known := slices.Contains(precedence, got.Value)
	from, foreign := false, false
	for _, s := range subs {
		from = from || s.word() == got.Value
		foreign = foreign || !slices.Contains(precedence, s.word())
	}
	if !from {
		t.Fatalf("%q is the word of none of %+v", got.Value, subs)
	}
	if foreign && known && got.Value != "active" {
		t.Fatalf("%q although there is an unknown word in %+v", got.Value, subs)
	}
	if !got.At.IsZero() && got.Value != "canceled" {
		t.Fatalf("%q has the time %v", got.Value, got.At)
	}
	if !foreign {
		for _, s := range subs {
			if slices.Index(precedence, s.word()) < slices.Index(precedence, got.Value) {
				t.Fatalf("%q although %q is better", got.Value, s.word())
			}
		}
	}
}
