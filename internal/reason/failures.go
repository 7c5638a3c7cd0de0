package reason

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rows are the reasons of a plan's row.
var rows = map[Code]entry{
	ByPlan: {says: func(f Facts) string {
		return "plan" + before(" ", f.Plan) + before(" approved by ", f.By) + because(f, ": ")
	}},
	OtherMatch: {says: func(f Facts) string {
		return "the match rules find record " + or(f.Record, "another") + " now, the plan has record " + or(f.Survivor, "another")
	}},
	OtherLink: {says: func(f Facts) string {
		return "the customer is linked to record " + or(f.Record, "another") + " now, the plan has record " + or(f.Survivor, "another")
	}},
	TargetChanged: {says: func(f Facts) string {
		return "the target has " + holds(f.Found) + " now, the plan has " + holds(f.Planned)
	}},
	SourceChanged: {says: func(f Facts) string {
		return "the source asks for " + holds(f.Found) + " now, the plan has " + holds(f.Planned)
	}},
	EditedSincePlan: {says: always("someone has edited the record since")},
}

// failures are the reasons of what fails.
var failures = map[Code]entry{
	CallFailed: {says: call},
	CallRefused: {says: call,
		todo: do(Remedy{Verb: Retry, Text: "correct the record or the configuration, then retry"})},
	CallStillFails: {says: func(f Facts) string {
		return call(f) + "; " + counted(f.Count, "attempt") + " so far; it is retried automatically"
	}},
	ConnectionFails: {says: func(f Facts) string { return call(f) + "; it is retried automatically" },
		todo: do(Remedy{Verb: CheckLive, Text: "check the connection"})},
	DatabaseFailed: {says: func(f Facts) string { return "the database: " + or(f.Detail, "it cannot be used") }},
	PathWithoutEnd: {says: always("the attempt ended without a result, which is a fault of Trueup")},
	QueueStandsStill: {says: func(f Facts) string {
		waiting := "customers wait"
		switch {
		case f.Count == 1:
			waiting = "a customer waits"
		case f.Count > 1:
			waiting = fmt.Sprintf("%d customers wait", f.Count)
		}
		sentence := "no customer was synced" + before(" for ", period(f.Within)) + " while " + waiting
		if !f.Since.IsZero() {
			sentence += ", the first since " + f.Since.Format(time.RFC3339)
		}
		for _, s := range f.Slowed {
			sentence += "; " + slowed(s)
		}
		return sentence
	}, todo: do(Remedy{Verb: Status, Text: "see how many calls are left; the log shows the last attempts"})},
	Several: {says: func(f Facts) string {
		var all []string
		for _, r := range f.All {
			all = append(all, r.Sentence())
		}
		return or(strings.Join(all, ". Also: "), "several things fail")
	}, todo: func(f Facts) []Remedy {
		var all []Remedy
		for _, r := range f.All {
			for _, m := range r.Remedies() {
				if !slices.Contains(all, m) {
					all = append(all, m)
				}
			}
		}
		return all
	}},
}

// call says what failed and what was answered.
func call(f Facts) string { return f.Doing.text(f) + before(": ", f.Detail) }

// slowed says what holds a queue up.
func slowed(s Slow) string {
	if s.Until.IsZero() {
		return s.Detail
	}
	return s.Connection + " rests until " + s.Until.Format(time.RFC3339) + " because it had too many calls"
}
