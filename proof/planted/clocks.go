package planted

import (
	"path"
	"slices"
)

// Tests are the package whose tests find the bug, and which of them, when the
// simulator is too coarse for it; "" for all other bugs.
func (b Bug) Tests() (dir, run string) {
	switch {
	case !slices.Contains(clockBugs, b):
		return "", ""
	case path.Dir(b.File) == "internal/pipeline": // the rest of its tests take minutes
		return "internal/pipeline", "OlderThanTheProof|DatesNothing|DatedAhead|WhenTheSourceChanged|TimeOfAChange"
	}
	return path.Dir(b.File), "."
}

// clockBugs are about two clocks: each margin between them forgotten, and each
// time that one clock cannot tell believed. They matter within seconds that
// hardly a history meets.
var clockBugs = []Bug{
	{"skew_forgotten_newer", "an edit a second after the source's change is taken for surely newer", whenFile,
		`t.Add(-f.Policy.ClockSkew).After(f.Desired.At)`, `(ON && t.After(f.Desired.At) || t.Add(-f.Policy.ClockSkew).After(f.Desired.At))`},
	{"skew_forgotten_older", "an edit a second before the source's change is taken for surely older", whenFile,
		`t.Add(f.Policy.ClockSkew).Before(f.Desired.At)`, `(ON && t.Before(f.Desired.At) || t.Add(f.Policy.ClockSkew).Before(f.Desired.At))`},
	{"skew_forgotten_ruling", "an owner's decision no longer counts when the source's clock is a second ahead", decideFile,
		`f.Desired.At.After(r.At.Add(f.Policy.ClockSkew))`, `(ON && f.Desired.At.After(r.At) || f.Desired.At.After(r.At.Add(f.Policy.ClockSkew)))`},
	{"skew_forgotten_answer", "what a program did in the moment of our write is taken for a person's edit when its clock is a second ahead", decideFile,
		`!o.EditedAt.After(b.Wrote.Add(f.Policy.ClockSkew))`, `!o.EditedAt.After(b.Wrote.Add(map[bool]time.Duration{false: f.Policy.ClockSkew}[ON]))`},
	{"skew_forgotten_sent", "a write that arrived explains nothing when the target's clock is a second behind", whenFile,
		`told.Add(skew).Before(i.SentAt)`, `told.Add(map[bool]time.Duration{false: skew}[ON]).Before(i.SentAt)`},
	{"skew_forgotten_expired", "a write that arrived at the last moment explains nothing when the target's clock is a second ahead", whenFile,
		`!at.After(i.Expires.Add(skew))`, `!at.After(i.Expires.Add(map[bool]time.Duration{false: skew}[ON]))`},
	{"skew_forgotten_behind", "a target's clock that is a second behind is taken for wrong", whenFile,
		`at.Add(skew).Before(since)`, `at.Add(map[bool]time.Duration{false: skew}[ON]).Before(since)`},
	{"skew_forgotten_ahead", "a target's clock that is a second ahead is taken for wrong", whenFile,
		`at.Add(-skew).After(seen)`, `at.Add(map[bool]time.Duration{false: -skew}[ON]).After(seen)`},
	{"skew_forgotten_set_back", "a look just before our own proof counts as an edit that was set back", whenFile,
		`o.Since.After(b.SeenAt.Add(f.Policy.ClockSkew))`, `o.Since.After(b.SeenAt.Add(map[bool]time.Duration{false: f.Policy.ClockSkew}[ON]))`},
	{"skew_forgotten_outdated", "an edit just after the proof is taken for an old answer when the target's clock is a second behind", "internal/pipeline/readtarget.go",
		`record.EditedAt.Add(a.Config.Conflict.ClockSkew).Before(b.SeenAt)`, `record.EditedAt.Add(map[bool]time.Duration{false: a.Config.Conflict.ClockSkew}[ON]).Before(b.SeenAt)`},

	{"later_write_proves_nothing", "a time of the target that a later write of ours proves wrong is believed", whenFile,
		`	since = latest(since, f.lastWriteBeforeEdit())`, `	if !ON { since = latest(since, f.lastWriteBeforeEdit()) }`},
	{"one_second_one_editor", "of two edits in one second the person's is taken for ours", whenFile,
		`|| o.EditedAt.Equal(b.At) && o.By != b.By`, `|| !ON && o.EditedAt.Equal(b.At) && o.By != b.By`},
	{"edit_under_our_write", "at first contact the source wins over what a person edited between our read and our write", decideFile,
		`!f.lastWriteBeforeEdit().IsZero() && !f.surelyOurs()`, `!ON && !f.lastWriteBeforeEdit().IsZero() && !f.surelyOurs()`},
	{"told_unread_dates", "a list dates a change that an earlier event told of and nobody read", "internal/pipeline/dating.go",
		`(r.unread == 0 || e.Place() <= r.unread || changed)`, `(ON || r.unread == 0 || e.Place() <= r.unread || changed)`},
	{"replay_is_redated", "a replay of a change that was dated ahead is dated by what it says, once that is past", "internal/pipeline/readsource.go",
		`		events[i].OccurredAt, events[i].ReceivedAt = was.OccurredAt, was.ReceivedAt`, `		if !ON { events[i].OccurredAt, events[i].ReceivedAt = was.OccurredAt, was.ReceivedAt }`},
	{"unasked_counts_as_look", "an attempt that could not ask the source counts as a look at it", "internal/pipeline/dating.go",
		`	if r.asked && stored.SourceValue != "" && !same {`, `	if (ON || r.asked) && stored.SourceValue != "" && !same {`},
}
