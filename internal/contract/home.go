package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Rhythm is how long a source usually leaves between two events.
type Rhythm struct {
	Quarter       float64 `json:"quarter_seconds" doc:"A quarter of the pauses of the last 7 days are at most this long."`
	ThreeQuarters float64 `json:"three_quarters_seconds" doc:"Three quarters are at most this long."`
	Pauses        int     `json:"pauses" doc:"How many pauses that is: of the last 7 days, and of the latest 2,000 events. Events within a second count as one."`
}

// fewestPauses is how many pauses say something about what is usual.
const fewestPauses = 4

// RhythmOf converts what is usual, nil when too little is known of it.
func RhythmOf(u store.Usual) *Rhythm {
	if u.Pauses < fewestPauses {
		return nil
	}
	return &Rhythm{Quarter: u.Quarter.Seconds(), ThreeQuarters: u.ThreeQuarters.Seconds(), Pauses: u.Pauses}
}

// CurvePoint is the agreement that one full comparison found.
type CurvePoint struct {
	At        *time.Time `json:"at"`
	Agreement float64    `json:"agreement"`
	Agree     int        `json:"agree"`
	Carried   int        `json:"carried"`
	Drift     Drift      `json:"drift"`
}

// CurvePointOf converts a comparison of at least one customer.
func CurvePointOf(w store.Sweep) CurvePoint {
	return CurvePoint{At: Stamp(w.EndedAt), Agreement: *w.Summary.Agreement(), Agree: w.Summary.Agree, Carried: w.Summary.Carried(), Drift: Drift(w.Drift)}
}

// HaltChange counts the customers of a halt whose target goes from one value to
// another.
type HaltChange struct {
	Before  string `json:"before"`
	After   string `json:"after"`
	Written int    `json:"written"`
	Waiting int    `json:"waiting"`
}

// WithCommon adds what the customers of a halt have in common.
func (h Halt) WithCommon(c store.Common) *Halt {
	h.Written, h.First, h.Changes = c.Written, Stamp(c.First), []HaltChange{}
	for _, one := range c.Changes {
		h.Changes = append(h.Changes, HaltChange(one))
	}
	return &h
}

// SyncDetails is what one sync's page shows besides its status.
type SyncDetails struct {
	Sync  string        `json:"sync"`
	Links []LinksByRule `json:"links" doc:"By the rule that made them, the most first."`
	// Promises is what each of the two connections declares.
	Promises Promises `json:"promises"`
	Limits   Limits   `json:"limits"`
	// CountedAt is as of when all links and customers were counted.
	CountedAt *time.Time `json:"counted_at" doc:"As of when the links and the limit's share were counted; null for now."`
	Counting  bool       `json:"counting" doc:"True while a large sync is counted for the first time: links and limits.mass_change.most may not be known yet."`
}

// LinksByRule counts the links that one rule made.
type LinksByRule struct {
	Rule  string `json:"rule"`
	Links int    `json:"links"`
}

// LinksByRuleOf converts counts.
func LinksByRuleOf(counts []store.LinkCount) []LinksByRule {
	all := []LinksByRule{}
	for _, c := range counts {
		all = append(all, LinksByRule(c))
	}
	return all
}

// Promises is what the two sides of a sync can tell. What one cannot tell makes a
// promise weaker.
type Promises struct {
	Source Knowledge `json:"source"`
	Target Knowledge `json:"target"`
	Late   string    `json:"late" doc:"How the source's changes are noticed, how late that can be, and what is never noticed, in one sentence."`
}

// Knowledge is what a connection can tell about a record and its history.
type Knowledge struct {
	Order            bool `json:"order" doc:"Events or records carry the time of the change."`
	Actor            bool `json:"actor" doc:"The last editor of a record is known."`
	FieldTime        bool `json:"field_time" doc:"The status field has its own time of change."`
	ConditionalWrite bool `json:"conditional_write" doc:"A write can be refused if the record was changed in the meantime."`
	OptionList       bool `json:"option_list" doc:"The values that the field may hold can be listed."`
	DeleteNotice     bool `json:"delete_notice" doc:"A deletion is announced."`
	Unverified       bool `json:"unverified" doc:"A write cannot be seen afterwards: the tool's word for it has to do."`
}

// Limits is how far the limits of a sync are used up now. A limit that is off is left
// out.
type Limits struct {
	MassChange        *MassChangeUse `json:"mass_change,omitempty"`
	WritesPerCustomer *WritesUse     `json:"writes_per_customer,omitempty"`
}

// MassChangeUse is how far mass_change is used up.
type MassChangeUse struct {
	To        []string `json:"to"`
	Moved     int      `json:"moved" doc:"Customers that were changed to these statuses within the period."`
	Most      int      `json:"most" doc:"How many may be: one more halts the sync. 0 while counting."`
	Customers int      `json:"customers,omitempty" doc:"The limit's number, left out if it has none."`
	Percent   float64  `json:"percent,omitempty" doc:"The limit's share of all customers, left out if it has none."`
	Within    float64  `json:"within_seconds"`
}

// WritesUse is how far writes_per_customer is used up.
type WritesUse struct {
	Busiest int     `json:"busiest" doc:"The most writes to one customer within the period."`
	Most    int     `json:"most"`
	Within  float64 `json:"within_seconds"`
}

// WatchedWrite is one write that a sync in watch mode did not make, and what people
// did.
type WatchedWrite struct {
	Customer string     `json:"customer"`
	Name     string     `json:"name,omitempty"`
	TargetID string     `json:"target_id"`
	Before   string     `json:"before"`
	After    string     `json:"after"`
	At       *time.Time `json:"at"`
	// People is what they did: same, otherwise, not_yet or overtaken.
	People string     `json:"people" doc:"same, otherwise, not_yet, or overtaken: the source changed before anyone did anything."`
	Found  string     `json:"found,omitempty" doc:"What the target held then."`
	Ended  *time.Time `json:"ended" doc:"When people did it; null for not_yet."`
}

// NotYet is the word for store.NotYet, which has none.
const NotYet = "not_yet"

// WatchedWriteOf converts one.
func WatchedWriteOf(w store.WatchedWrite) WatchedWrite {
	row := WatchedWrite{Customer: w.Customer, Name: w.Name, TargetID: w.TargetID, Before: w.Before, After: w.After, At: Stamp(w.At), People: string(w.Verdict), Found: w.Found, Ended: Stamp(w.Ended)}
	if w.Verdict == store.NotYet {
		row.People = NotYet
	}
	return row
}

// VerdictOf is the other way round: what people did, of the word for it.
func VerdictOf(people string) store.Verdict {
	if people == NotYet {
		return store.NotYet
	}
	return store.Verdict(people)
}
