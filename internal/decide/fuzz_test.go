package decide

import (
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// reader takes facts out of any bytes; after the last byte everything is 0.
type reader struct{ rest []byte }

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) bool() bool { return r.byte()&1 == 1 }

// time is mostly within two minutes of noon; 0 is not known, and the last few
// are the ends of what a tool can send.
func (r *reader) time() time.Time {
	switch b := r.byte(); b {
	case 0:
		return time.Time{}
	case 0xff:
		return time.Unix(253402300799, 0).UTC()
	case 0xfe:
		return time.Unix(1, 0).UTC()
	case 0xfd:
		return noon.Add(time.Nanosecond)
	default:
		return noon.Add(time.Duration(int8(b)) * time.Second)
	}
}

func (r *reader) value() string {
	return []string{"", "Active", "Paused", "Churned", "active", "Active "}[r.byte()%6]
}

func (r *reader) facts() Facts {
	f := Facts{
		Desired: Desired{Value: r.value(), At: r.time()},
		Observed: Observed{Value: r.value(), EditedAt: r.time(), FieldTime: r.bool(), SeenAt: r.time(),
			Actor: []status.Actor{status.ActorUnknown, status.ActorUs, status.ActorHuman, status.ActorAutomation, "robot"}[r.byte()%5]},
		Base:    Base{Known: r.bool(), Value: r.value(), At: r.time(), SeenAt: r.time()},
		HumanAt: r.time(),
		Policy:  Policy{FirstContactSourceWins: r.bool(), SkipAutomation: r.bool(), ClockSkew: time.Duration(r.byte()) * time.Second},
	}
	for range r.byte() % 4 {
		f.Intents = append(f.Intents, Intent{ID: int64(r.byte()), Value: r.value(), SentAt: r.time(), Expires: r.time()})
	}
	f.Ruling = Ruling{UseSource: r.bool(), KeepTarget: r.bool(), Desired: r.value(), Observed: r.value(), RecordAt: r.time(), At: r.time()}
	f.Cleared, f.HumanSeen = r.bool(), r.bool()
	f.Observed.Since, f.Observed.Again, f.Observed.Before = r.time(), r.bool(), r.time()
	f.Base.Wrote = r.time()
	for i := range f.Intents {
		f.Intents[i].Prior, f.Intents[i].PriorAt, f.Intents[i].Seen = r.value(), r.time(), r.bool()
	}
	return f
}

// FuzzDecide holds the invariants of the package for any facts, contradicting
// ones too: tools and clocks send those.
func FuzzDecide(f *testing.F) {
	for _, seed := range []string{
		"",
		"\x02\x0a\x01\x14\x01\x1e\x02\x01\x01\x05\x06",                                     // a person's newer edit of the field
		"\x02\x0a\x01\x05\x01\x1e\x02\x01\x01\x05\x06",                                     // an older one
		"\x02\x0a\x01\x14\x01\x1e\x02\x00\x00",                                             // first contact
		"\x02\x0a\x03\x06\x00\x0c\x00\x01\x01\x05\x06\x00\x00\x00\x00\x01\x07\x03\x05\x0f", // a write of ours
		"\x01\x0a\x01\x14\x01\x1e\x02",
		"\x02\x0a\x01\x14\x01\x1e\x02\x01\x03\x05\x06\x00\x00\x00\x00\x00\x01\x00\x02\x01\x14\x1e",                                             // an owner said ours
		"\x02\x0a\x01\x14\x01\x1e\x02\x01\x03\x05\x06\x00\x00\x00\x00\x00\x00\x01\x02\x01\x14\x1e",                                             // an owner said theirs
		"\x02\x0a\x01\x0f\x00\x1e\x00\x01\x01\x05\x06\x00\x00\x00\x00\x01\x08\x02\x0b\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x05\x00", // put back after a write without an answer
		"\x02\x0a\x01\x05\x01\x1e\x02\x01\x03\x05\x0f",                                                                                         // a time that is proved wrong
		"\x02\x0a\x01\x14\x00\x1e\x03\x01\x03\x05\x06",                                                                                         // an automation's touch
		"\x02\x0a\x01\x14\x00\x1e\x00\x00\x00\x00\x00\x14\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",                                     // an edit that was seen to happen
		"\x02\xff\x01\xfe\x01\xfd\x02\x01\x03\xff\xff\xff\x01\x01\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, given []byte) {
		r := &reader{given}
		facts := r.facts()
		before := slices.Clone(facts.Intents)
		d := Decide(facts)
		if !slices.Equal(before, facts.Intents) {
			t.Fatal("the facts were changed")
		}
		slices.Reverse(facts.Intents)
		if again := Decide(facts); again != d {
			t.Fatalf("%+v, and with the intents in another order %+v", d, again)
		}
		isClosed(t, d)
		isExplained(t, facts, d)
		if (d.Action == None) != (facts.Observed.Value == facts.Desired.Value) {
			t.Fatalf("%s with %q desired and %q observed", d.Action, facts.Desired.Value, facts.Observed.Value)
		}
		sparesPeople(t, facts, d)
	})
}

// failing is a test of either kind.
type failing interface {
	Helper()
	Fatalf(format string, args ...any)
}

// isClosed holds every field of a decision to its set.
func isClosed(t failing, d Decision) {
	t.Helper()
	asks := d.Action == Hold || d.Action == Park
	known := map[status.Kind]bool{status.Conflict: d.Action == Hold, status.FirstContact: d.Action == Park, "": !asks || d.Reason == OwnerKeepsTarget}
	switch {
	case d.Action != None && d.Action != Write && !asks:
		t.Fatalf("the action %q", d.Action)
	case !slices.Contains(Reasons, d.Reason):
		t.Fatalf("the reason %q", d.Reason)
	case d.Row < 1 || d.Row > 10 || !known[d.Kind]:
		t.Fatalf("row %d, kind %q with %s", d.Row, d.Kind, d.Action)
	case !(d.Confidence > 0 && d.Confidence <= 1) || (d.Confidence < 1) != (d.Reason == CannotTell) || d.Reason == CannotTell && d.Action != Hold:
		t.Fatalf("%s by %s with confidence %g", d.Action, d.Reason, d.Confidence)
	}
}

// isExplained allows only an intent of ours with that very value to be adopted,
// and only what we wrote to be called our older write.
func isExplained(t failing, f Facts, d Decision) {
	t.Helper()
	wrote := slices.ContainsFunc(f.Intents, func(i Intent) bool { return i.ID == d.Adopted && i.Value == f.Observed.Value })
	if d.Adopted != 0 && (!wrote || f.Observed.Actor == status.ActorHuman) {
		t.Fatalf("adopted %d out of %+v for %+v", d.Adopted, f.Intents, f.Observed)
	}
	if d.Reason == OurOlderWrite && f.Observed.Actor != status.ActorUs {
		t.Fatalf("%+v calls ours what %q edited", d, f.Observed.Actor)
	}
}

// sparesPeople is invariant 3, said from the facts alone: whatever may be a
// person's edit is written over only when it is surely older.
func sparesPeople(t failing, f Facts, d Decision) {
	t.Helper()
	if d.Action != Write {
		isSpared(t, f, d)
		return
	}
	if d.Reason == OwnerUsesSource {
		isRuled(t, f)
		return
	}
	o, at, skew := f.Observed, f.Desired.At, f.Policy.ClockSkew
	older := func(edit time.Time) bool { return !edit.IsZero() && !at.IsZero() && edit.Add(skew).Before(at) }
	// olderThan is for an edit that was made after a time of our own clock: what
	// the target says counts when it can be so.
	olderThan := func(after time.Time) bool {
		possible := (after.IsZero() || !o.EditedAt.Add(skew).Before(after)) && (o.SeenAt.IsZero() || !o.EditedAt.Add(-skew).After(o.SeenAt))
		return older(o.SeenAt) || possible && older(o.EditedAt)
	}
	after := o.Since
	if changed := f.Base.Known && f.Base.Value != o.Value; changed && f.Base.SeenAt.After(after) {
		after = f.Base.SeenAt
	}
	// A program is known to have set the field itself, or a write of ours
	// accounts for the value; a whole record's last editor does not tell.
	program := o.FieldTime && (o.Actor == status.ActorUs || o.Actor == status.ActorAutomation && !f.Policy.SkipAutomation)
	_, ours := f.Explained()
	under := o.Actor == status.ActorUs && slices.ContainsFunc(f.Intents, func(i Intent) bool { return !o.SeenAt.IsZero() || !o.EditedAt.IsZero() })
	// It answers our write in the moment of that.
	moment := (o.Actor == status.ActorUs || o.Actor == status.ActorAutomation && !f.Policy.SkipAutomation) && !f.Base.Wrote.IsZero() &&
		!o.EditedAt.IsZero() && !o.EditedAt.After(f.Base.Wrote.Add(skew))
	if f.Base.Known && f.Base.Value != o.Value && !program && !ours && !under && !moment && !olderThan(after) {
		t.Fatalf("somebody's edit that may be newer is written over by %s: %+v", d.Reason, f)
	}

	// A person who set the same value anew.
	anew := f.Base.Known && f.Base.Value == o.Value && o.FieldTime && o.Actor == status.ActorHuman
	if anew && f.Base.At.IsZero() && f.Base.SeenAt.After(after) {
		after = f.Base.SeenAt
	}
	if anew && (f.Base.At.IsZero() || o.EditedAt.After(f.Base.At)) && !olderThan(after) {
		t.Fatalf("a value that a person set anew is written over by %s: %+v", d.Reason, f)
	}

	// Somebody who put back what a write of ours had changed.
	for _, i := range f.Intents {
		back := !i.Seen && i.Value != o.Value && i.Prior == o.Value && (!f.Base.Known || f.Base.Value == o.Value && !i.SentAt.Before(f.Base.SeenAt) && o.EditedAt.After(f.Base.At)) &&
			!i.PriorAt.IsZero() && o.EditedAt.After(i.PriorAt)
		if back && !ours && !program && o.Actor != status.ActorUs && !olderThan(i.SentAt) {
			t.Fatalf("what was put back after write %d is written over by %s: %+v", i.ID, d.Reason, f)
		}
	}

	// At first contact the rule decides, but not over an edit that was seen to
	// happen. A field that was always empty is nobody's word.
	empty := o.Value == "" && !f.Cleared
	first := !f.Base.Known && !empty && !ours
	if first && f.HumanSeen && !f.HumanAt.IsZero() && !older(f.HumanAt) {
		t.Fatalf("the edit at %s, which was seen to happen, is written over by %s: %+v", f.HumanAt, d.Reason, f)
	}
	if first && !o.Since.IsZero() && !program && !olderThan(o.Since) {
		t.Fatalf("an edit between two looks is written over by %s: %+v", d.Reason, f)
	}

	// An edit that an earlier look found stands until somebody else is known
	// to have set the field after it.
	if f.Base.Known && !f.HumanAt.IsZero() && !older(f.HumanAt) && !program {
		t.Fatalf("the edit at %s is written over by %s: %+v", f.HumanAt, d.Reason, f)
	}
}

// isSpared sees to it that a person's edit of the field that is surely newer
// than the source's change, and that nothing of ours explains, stays for that
// reason, unless its owner was asked before. And nothing is held for an edit
// that was seen before the source changed, whatever its own clock says.
func isSpared(t failing, f Facts, d Decision) {
	t.Helper()
	o, at, skew := f.Observed, f.Desired.At, f.Policy.ClockSkew
	newer := !at.IsZero() && !o.EditedAt.IsZero() && o.EditedAt.Add(-skew).After(at) && (o.SeenAt.IsZero() || !o.SeenAt.Before(o.EditedAt))
	// A time from before a write that had found the record edited earlier still is
	// not believed: then the edit is held, and nobody can tell.
	overtaken := slices.ContainsFunc(f.Intents, func(i Intent) bool {
		return !i.PriorAt.IsZero() && o.EditedAt.After(i.PriorAt) && o.EditedAt.Add(skew).Before(i.SentAt)
	})
	person := o.Actor == status.ActorHuman && o.FieldTime && f.Base.Known && o.Value != f.Base.Value && o.Since.IsZero()
	if person && newer && d.Action == Hold && d.Reason != PersonNewer && d.Reason != OwnerKeepsTarget &&
		!overtaken && !o.EditedAt.Add(skew).Before(f.Base.SeenAt) {
		t.Fatalf("a person's newer edit is kept because of %s: %+v", d.Reason, f)
	}
	before := !at.IsZero() && !o.SeenAt.IsZero() && o.SeenAt.Add(skew).Before(at)
	sound := !o.Since.After(o.SeenAt) && !f.Base.SeenAt.After(o.SeenAt) && f.HumanAt.IsZero() &&
		!slices.ContainsFunc(f.Intents, func(i Intent) bool { return i.SentAt.After(o.SeenAt) })
	if f.Base.Known && before && sound && d.Action == Hold && d.Reason != OwnerKeepsTarget {
		t.Fatalf("%s holds an edit that was seen before the source changed: %+v", d.Reason, f)
	}
}

// isRuled allows an owner's word to write only what he was shown over what he
// was shown: nobody has edited the record since, and the source wants the same.
func isRuled(t failing, f Facts) {
	t.Helper()
	r := f.Ruling
	if !r.UseSource || r.KeepTarget || r.Desired != f.Desired.Value || r.Observed != f.Observed.Value ||
		f.Observed.EditedAt.After(r.RecordAt) || f.Observed.EditedAt.IsZero() != r.RecordAt.IsZero() {
		t.Fatalf("the owner's word %+v is taken for %+v", r, f)
	}
}
