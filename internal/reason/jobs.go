package reason

import (
	"strconv"
	"strings"
)

// Job is what the service does about a plan, as far as its sentence needs it.
type Job struct {
	// Makes says that it compares both sides, and that otherwise it applies a plan.
	Makes bool
	// Stopping is set while it is ending before its time. Ended, Stopped and Failed are
	// set when it is over.
	Stopping, Ended, Stopped bool
	Failure, StoppedBy       string
	// Waiting says that no process works on it.
	Waiting bool
	// Source and Target are the sync's connections; Plan is the short hash of the plan.
	Source, Target, Plan string
	// Phase is what a comparison does, "" before it began, Done how much of it.
	Phase string
	Done  int
	// Rows counts those of a plan that is applied, nil before it began.
	Rows *Rows
	// WaitsFor is the connection that has no call to give.
	WaitsFor string
}

// Rows are the rows of a plan that is applied.
type Rows struct{ Total, Written, Refused, Failed int }

// The phases of a comparison, as the API spells them.
const (
	PhaseSource  = "source"
	PhaseTarget  = "target"
	PhaseCompare = "compare"
)

// Sentence says what the job does at the moment, or what it came to.
func (j Job) Sentence() string {
	switch {
	case j.Ended && j.Makes:
		return j.made()
	case j.Ended:
		return j.applied()
	case j.Stopping:
		return "Stopping"
	case j.Makes && j.Phase == PhaseSource:
		return "Reading " + j.Source + ": " + many(j.Done, "record") + " so far"
	case j.Makes && j.Phase == PhaseTarget:
		return "Reading " + j.Target + ": " + many(j.Done, "record") + " so far"
	case j.Makes && j.Phase == PhaseCompare:
		return "Comparing: " + many(j.Done, "customer") + " so far"
	case j.Rows != nil:
		return "Writing plan " + j.Plan + ": " + j.Rows.text()
	}
	return "Waiting to begin"
}

// Progress is the part of the sentence about the rows, where a head names the plan.
func (j Job) Progress() string {
	if j.Rows == nil {
		return "Waiting to begin"
	}
	return j.Rows.text()
}

// Waits says why the job does not go on, "" when it does.
func (j Job) Waits() string {
	if j.WaitsFor == "" || j.Ended {
		return ""
	}
	return j.WaitsFor + " is at its rate limit or does not answer"
}

func (j Job) made() string {
	switch {
	case j.Stopped:
		return "The comparison was stopped" + before(" by ", j.StoppedBy) + "; a new plan continues it"
	case j.Failure != "" || j.Plan == "":
		return "No plan was made" + before(": ", j.Failure)
	}
	return "Plan " + j.Plan + " is made"
}

func (j Job) applied() string {
	rows := Rows{}
	if j.Rows != nil {
		rows = *j.Rows
	}
	switch {
	case j.Stopped:
		return "Plan " + j.Plan + " was stopped" + before(" by ", j.StoppedBy) + ": " + rows.text()
	case j.Failure != "":
		return "Plan " + j.Plan + " ended early: " + rows.text() + "; " + j.Failure
	}
	return "Plan " + j.Plan + " is applied: " + rows.text()
}

// text counts rows; what did not happen is left out.
func (r Rows) text() string {
	text := grouped(r.Written) + " of " + many(r.Total, "row") + " written"
	if r.Refused > 0 {
		text += ", " + grouped(r.Refused) + " refused"
	}
	if r.Failed > 0 {
		text += ", " + grouped(r.Failed) + " failed"
	}
	return text
}

// many is a number with its noun.
func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + one + "s"
}

// grouped is a number as people write it: 12,345.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
