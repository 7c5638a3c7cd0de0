package decide

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
)

// anyTime draws a time near noon, or none.
func anyTime(t *rapid.T, what string) time.Time {
	if rapid.IntRange(0, 5).Draw(t, what+" is not known") == 0 {
		return time.Time{}
	}
	return noon.Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, what)) * time.Second)
}

var anyValue = rapid.SampledFrom([]string{"", "Active", "Paused", "Churned"})

func anyFacts(t *rapid.T) Facts {
	f := Facts{
		Desired: Desired{Value: rapid.SampledFrom([]string{"Active", "Paused", "Churned"}).Draw(t, "desired"), At: anyTime(t, "desired at")},
		Observed: Observed{Value: anyValue.Draw(t, "observed"), EditedAt: anyTime(t, "edited at"), FieldTime: rapid.Bool().Draw(t, "field time"),
			Actor:  rapid.SampledFrom([]status.Actor{status.ActorUnknown, status.ActorUs, status.ActorHuman, status.ActorAutomation}).Draw(t, "actor"),
			SeenAt: anyTime(t, "seen at"), Since: anyTime(t, "since"), Again: rapid.Bool().Draw(t, "again"), Before: anyTime(t, "before")},
		Base:    Base{Known: rapid.Bool().Draw(t, "base known"), Value: anyValue.Draw(t, "base"), At: anyTime(t, "base at"), SeenAt: anyTime(t, "base seen at"), Wrote: anyTime(t, "wrote")},
		HumanAt: anyTime(t, "human at"), HumanSeen: rapid.Bool().Draw(t, "human seen"), Cleared: rapid.Bool().Draw(t, "cleared"),
		Policy: Policy{FirstContactSourceWins: rapid.Bool().Draw(t, "source wins"), SkipAutomation: rapid.Bool().Draw(t, "skip automation"),
			ClockSkew: time.Duration(rapid.IntRange(0, 5).Draw(t, "skew")) * time.Second},
	}
	f.Ruling = Ruling{UseSource: rapid.Bool().Draw(t, "ours"), KeepTarget: rapid.Bool().Draw(t, "theirs"), Desired: anyValue.Draw(t, "ruled desired"),
		Observed: anyValue.Draw(t, "ruled observed"), RecordAt: anyTime(t, "record at"), At: anyTime(t, "ruled at")}
	for i := range rapid.IntRange(0, 3).Draw(t, "intents") {
		sent := noon.Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, "sent at")) * time.Second)
		f.Intents = append(f.Intents, Intent{ID: int64(i + 1), Value: anyValue.Draw(t, "intent"), SentAt: sent, Expires: sent.Add(10 * time.Second),
			Prior: anyValue.Draw(t, "prior"), PriorAt: anyTime(t, "prior at"), Seen: rapid.Bool().Draw(t, "seen")})
	}
	return f
}

func TestDecideIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Decide(anyFacts(t))
		asks := d.Action == Hold || d.Action == Park
		switch {
		case d.Action != None && d.Action != Write && !asks:
			t.Fatalf("action %q", d.Action)
		case d.Reason.String() == "" || d.Reason.Sentence() == "":
			t.Fatalf("reason %q has no words", string(d.Reason))
		case d.Row < 1 || d.Row > 10:
			t.Fatalf("row %d", d.Row)
		case asks != (d.Kind != "") && d.Reason != OwnerKeepsTarget:
			t.Fatalf("%s with kind %q", d.Action, d.Kind)
		case d.Confidence <= 0 || d.Confidence > 1 || (d.Confidence < 1) != (d.Reason == CannotTell):
			t.Fatalf("%s with confidence %g", d.Reason, d.Confidence)
		}
	})
}

func TestAfterAWriteThereIsNothingToDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		if Decide(f).Action != Write {
			return // nothing is written
		}
		f.Observed.Value, f.Observed.Actor = f.Desired.Value, status.ActorUs
		f.Base = Base{Known: true, Value: f.Desired.Value, SeenAt: f.Observed.SeenAt}
		if d := Decide(f); d.Action != None {
			t.Fatalf("decided again: %+v", d)
		}
	})
}

func TestTheOrderOfIntentsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		want := Decide(f)
		f.Intents = rapid.Permutation(f.Intents).Draw(t, "order")
		if got := Decide(f); got != want {
			t.Fatalf("in another order: %+v, not %+v", got, want)
		}
	})
}

func TestOnlyDifferencesOfTimesMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		want := Decide(f)
		by := time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "by"))
		for _, at := range []*time.Time{&f.Desired.At, &f.Observed.EditedAt, &f.Observed.SeenAt, &f.Observed.Since, &f.Observed.Before, &f.Base.At, &f.Base.SeenAt, &f.Base.Wrote, &f.HumanAt,
			&f.Ruling.RecordAt, &f.Ruling.At} {
			if !at.IsZero() {
				*at = at.Add(by)
			}
		}
		for i := range f.Intents {
			f.Intents[i].SentAt, f.Intents[i].Expires = f.Intents[i].SentAt.Add(by), f.Intents[i].Expires.Add(by)
			if at := &f.Intents[i].PriorAt; !at.IsZero() {
				*at = at.Add(by)
			}
		}
		if got := Decide(f); got != want {
			t.Fatalf("shifted by %s: %+v, not %+v", by, got, want)
		}
	})
}

// Invariant 3, and that nothing is held beyond what is known, for facts as the
// path gathers them.
func TestPeopleAreSpared(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := anyFacts(r)
		d := Decide(f)
		sparesPeople(r, f, d)
		isExplained(r, f, d)
	})
}

// Nothing is held without a reason: where the target tells who edits and when,
// and nobody but us has, a change is carried.
func TestWhatNobodyTouchedIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFacts(t)
		f.HumanAt, f.Base.Known, f.Base.Value = time.Time{}, true, f.Observed.Value
		f.Ruling = Ruling{}
		f.Observed.Actor, f.HumanSeen = status.ActorUs, false
		if d := Decide(f); d.Action != Write && d.Action != None {
			t.Fatalf("held: %+v", d)
		}
	})
}
