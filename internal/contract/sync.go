package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Sync is one sync and its status.
type Sync struct {
	Sync      string     `json:"sync"`
	Source    SyncSide   `json:"source"`
	Target    SyncSide   `json:"target"`
	Mode      string     `json:"mode"`
	ModeSince *time.Time `json:"mode_since"`
	// ModeChange is who gave it this mode and why, left out where the file was edited by hand.
	ModeChange *ModeChanged `json:"mode_change,omitempty" doc:"Who gave the sync this mode through Trueup, and why; left out where the file was edited by hand."`
	// ModeInUse is the mode that the last process noted, left out where it is the file's.
	ModeInUse        string          `json:"mode_in_use,omitempty"`
	Statuses         []status.Status `json:"statuses"`
	WaitingCustomers int             `json:"waiting_customers"`
	WaitingEvents    int             `json:"waiting_events"`
	OldestWaiting    *time.Time      `json:"oldest_waiting"`
	LastEvent        *time.Time      `json:"last_event"` // of the source
	Rhythm           *Rhythm         `json:"rhythm,omitempty" doc:"How often the source is usually heard; left out while too little is known."`
	EventsByHour     []int           `json:"events_by_hour" doc:"The source's events in each of the last 24 hours, the last of which ends now."`
	Poll             *Poll           `json:"poll,omitempty" doc:"How far asking the source for its changes is; left out if it was never asked."`
	// Silence is set while the source is silent for longer than expected.
	Silence *Silence `json:"silence,omitempty"`
	// WaitingForLive is how many customers changed while the sync was live, and
	// now wait until it is live again.
	WaitingForLive int `json:"waiting_for_live"`
	// OpenExceptions counts by kind; a kind without exceptions is left out.
	OpenExceptions map[status.Kind]int `json:"open_exceptions"`
	// UnaskedCustomers is how many customers may need a person, as the last comparison
	// found, and were not checked yet: their exceptions are not open.
	UnaskedCustomers int `json:"unasked_customers"`
	// CustomersNeedPerson is how many customers have an open exception or are
	// unasked, each counted once.
	CustomersNeedPerson int `json:"customers_need_person"`
	// Asked tells the exceptions of customers from those of the sync as a whole, for
	// sentences.
	Asked store.Asked `json:"-"`
	// OverdueExceptions counts those that have been open for too long.
	OverdueExceptions map[status.Kind]int `json:"overdue_exceptions"`
	// Held is how many customers are left alone because a person changed the
	// target, or has pinned them.
	Held      int `json:"held"`
	HeldAsked int `json:"held_asked" doc:"Those of held with an open exception: a person is asked. The others stay as they are."`
	// Delayed is left out unless changes wait for their time.
	Delayed   *Delayed  `json:"delayed,omitempty"`
	Agreement Agreement `json:"agreement"`
	// Sweeps are the latest comparisons of both sides, newest first.
	Sweeps         []Sweep      `json:"sweeps"`
	AgreementCurve []CurvePoint `json:"agreement_curve" doc:"The agreement that full comparisons found in the last 30 days, oldest first: the lowest of each 12 hours, and the latest."`
	NextComparison *time.Time   `json:"next_comparison" doc:"When the next scheduled comparison is due; null if there is no schedule."`
	ComparingSince *time.Time   `json:"comparing_since,omitempty" doc:"When the scheduled comparison that is under way began; left out without one."`
	// Coverage is left out until both sides were compared.
	Coverage *Coverage `json:"coverage,omitempty"`
	// Ladder is how far the sync is on its way to live.
	Ladder Ladder `json:"ladder"`
	// Watching is set for a sync in watch mode.
	Watching *Watching `json:"watching,omitempty"`
	// AccountMoved is set when a side reaches a different account than the one
	// that the links are valid for. The sync does not run then.
	AccountMoved []AccountMoved `json:"account_moved,omitempty"`
	// Halted is left out unless mass_change has halted the sync.
	Halted *Halt `json:"halted,omitempty"`
	// Paused is left out unless a person has paused the sync.
	Paused *Pause `json:"paused,omitempty"`
	// Pinned is left out unless people have pinned customers.
	Pinned *Pins `json:"pinned,omitempty"`
}

// AccountMoved is a side of a sync that reaches a different account than
// before.
type AccountMoved struct {
	Side   string `json:"side"`
	Was    string `json:"was"`
	Now    string `json:"now"`
	Reason string `json:"reason"`
}

// SameAccount is the result of confirming that a sync reaches the same
// accounts.
type SameAccount struct {
	Sync     string         `json:"sync"`
	Changed  bool           `json:"changed"` // false: they were already the same
	Accounts []AccountMoved `json:"accounts"`
}

// Halt is the status of a halted sync.
type Halt struct {
	Since            *time.Time `json:"since"`
	WaitingCustomers int        `json:"waiting_customers"`
	// Written, First and Changes are what halted customers have in common.
	Written int          `json:"written" doc:"Customers that were written within the limit's period before the halt."`
	First   *time.Time   `json:"first_written" doc:"When the first of them was; null if none was."`
	Changes []HaltChange `json:"changes" doc:"From which value to which, the most frequent first, at most 10."`
}

// Delayed is the customers whose change waits for its time, as transitions say.
type Delayed struct {
	Customers int        `json:"customers"`
	Next      *time.Time `json:"next" doc:"When the first of them is checked again."`
}

// ModeChanged is a person's word that a sync goes live, or back to watching.
type ModeChanged struct {
	At     *time.Time `json:"at"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
}

// ModeChangedOf converts the act that gave a sync its mode, nil when there is none.
func ModeChangedOf(a *store.Activity) *ModeChanged {
	if a == nil {
		return nil
	}
	by := DoerName(a.Who)
	if a.For != "" {
		by = a.For + " (by " + by + ")"
	}
	return &ModeChanged{At: Stamp(a.At), By: by, Reason: a.Why}
}

// Pause is a person's word that a sync writes nothing for a while.
type Pause struct {
	Since  *time.Time `json:"since"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	// PlanFirst says that it is not resumed before.
	PlanFirst bool `json:"plan_first" doc:"The database may be an older copy: make a plan and read it, then resume."`
}

// PauseOf converts a pause, nil when there is none.
func PauseOf(p store.SyncPause) *Pause {
	if p.Since.IsZero() {
		return nil
	}
	return &Pause{Since: Stamp(p.Since), By: p.By, Reason: p.Reason, PlanFirst: p.PlanFirst}
}

// PausedSync is what pausing a sync came to.
type PausedSync struct {
	Sync    string `json:"sync"`
	Changed bool   `json:"changed" doc:"False if it was paused already: that pause and its reason stay."`
	Paused  *Pause `json:"paused"`
}

// haltOf converts a halt, nil when the sync is not halted.
func haltOf(h store.Halted) *Halt {
	if h.Since.IsZero() {
		return nil
	}
	return &Halt{Since: Stamp(h.Since), WaitingCustomers: h.Waiting, Changes: []HaltChange{}}
}

// Resumed is the result of resuming a sync.
type Resumed struct {
	Sync       string `json:"sync"`
	Changed    bool   `json:"changed"` // false: it was neither halted nor paused, or was already resumed
	LetThrough int    `json:"let_through"`
	Unpaused   bool   `json:"unpaused" doc:"It was paused."`
}

// SyncSide is where a sync reads or writes.
type SyncSide struct {
	Connection string `json:"connection"`
	Field      string `json:"field,omitempty"`
}

// Silence is a time without events from a source.
type Silence struct {
	Since         *time.Time `json:"since"`
	LongestBefore float64    `json:"longest_before_seconds"`
}

// Agreement is the share of customers whose target holds what it should,
// according to the last read of each.
type Agreement struct {
	Share     *float64 `json:"share" doc:"agree divided by carried, 0 to 1; null if carried is 0."`
	Customers int      `json:"customers"`
	Carried   int      `json:"carried"`
	Agree     int      `json:"agree"`
	// Unverified counts those of Agree whose target accepted the value and cannot
	// show it.
	Unverified int `json:"unverified" doc:"Those of agree that the target accepted but cannot show."`
	Remapped   int `json:"remapped" doc:"Those of carried whose value has a different meaning since the file changed; they do not agree."`
	Stale      int `json:"stale" doc:"Not part of carried: customers last read under a different field or different match rules."`
	// CountedAt is as of when a large sync was counted.
	CountedAt *time.Time `json:"counted_at" doc:"As of when the customers were counted; null for now."`
	Counting  bool       `json:"counting" doc:"True while a large sync is counted for the first time: the numbers are not known yet."`
}

// WithCounts adds what waits and what is open.
func (s Sync) WithCounts(c store.Counts) Sync {
	s.WaitingCustomers, s.WaitingEvents, s.OldestWaiting, s.OpenExceptions = c.WaitingCustomers, c.WaitingEvents, Stamp(c.OldestWaiting), c.Open
	if s.OpenExceptions == nil {
		s.OpenExceptions = map[status.Kind]int{}
	}
	s.Halted, s.WaitingForLive, s.UnaskedCustomers, s.Pinned = haltOf(c.Halted), c.Owed, c.Unasked, pinsOf(c)
	s.CustomersNeedPerson, s.Asked = c.NeedPerson, c.Asked
	if d := c.Delayed; d.Customers > 0 {
		s.Delayed = &Delayed{Customers: d.Customers, Next: Stamp(d.Next)}
	}
	return s
}

// AgreementOf converts a standing.
func AgreementOf(s store.SyncStanding) Agreement {
	return Agreement{Share: s.Agreement(), Customers: s.Customers, Carried: s.Carried, Agree: s.Agree, Unverified: s.Unverified, Remapped: s.Remapped, Stale: s.Stale, CountedAt: Stamp(s.CountedAt), Counting: s.Counting}
}

// Sweep is the result of one full comparison of both sides.
type Sweep struct {
	At              *time.Time    `json:"at"` // when it ended
	Purpose         store.Purpose `json:"purpose"`
	Stale           bool          `json:"stale" doc:"It was made under rules that differ from the current file."`
	Agreement       *float64      `json:"agreement" doc:"agree divided by carried, 0 to 1; null if no customer was compared."`
	Carried         int           `json:"carried"`
	Agree           int           `json:"agree"`
	Write           int           `json:"write"`
	Held            int           `json:"held"`
	UnmatchedSource int           `json:"unmatched_source"`
	UnmatchedTarget int           `json:"unmatched_target"`
	Ambiguous       int           `json:"ambiguous"`
	Unmapped        int           `json:"unmapped"`
	Other           int           `json:"other"`
	NotCarried      int           `json:"not_carried"`
	Drift           Drift         `json:"drift"`
	Repaired        int           `json:"repaired"`
	Waiting         int           `json:"waiting"` // they differ and need a plan
	SetAside        *SetAside     `json:"set_aside,omitempty" doc:"Records of the two lists that cannot be read and were not compared."`
}

// Drift counts, by cause, the customers whose two sides had drifted apart.
type Drift struct {
	LostEvent     int `json:"lost_event"`
	EditOutside   int `json:"edit_outside"`
	DeletedRecord int `json:"deleted_record"`
	Vocabulary    int `json:"vocabulary"`
}

// SweepOf converts a comparison that has ended. rules are the current ones, ""
// when they are not known.
func SweepOf(w store.Sweep, rules string) Sweep {
	s := w.Summary
	return Sweep{Stale: rules != "" && w.Rules != "" && w.Rules != rules, At: Stamp(w.EndedAt), Purpose: w.Purpose, Agreement: s.Agreement(), Carried: s.Carried(), Agree: s.Agree, Write: s.Write, Held: s.Held,
		UnmatchedSource: s.UnmatchedSource, UnmatchedTarget: s.UnmatchedTarget, Ambiguous: s.Ambiguous, Unmapped: s.Unmapped, Other: s.Other,
		NotCarried: s.NotCarried, Drift: Drift(w.Drift), Repaired: w.Repaired, Waiting: w.Waiting, SetAside: SetAsideOf(w)}
}

// Watching is what a sync would have written since it began to watch, and what
// people did.
type Watching struct {
	Customers int `json:"customers"`
	WatchCount
	// MedianSeconds is how long people took to make the same change, null if they
	// never did.
	MedianSeconds *float64        `json:"median_seconds"`
	Changes       []WatchedChange `json:"changes"`
}

// WatchCount counts writes that watch mode did not make.
type WatchCount struct {
	Would     int `json:"would_write"`
	Same      int `json:"people_did_the_same"`
	Otherwise int `json:"people_did_otherwise"`
	NotYet    int `json:"not_yet"`
	Overtaken int `json:"source_changed_first"`
}

// WatchedChange counts those from one value to another.
type WatchedChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
	WatchCount
}

// WatchingOf converts what a sync would have written.
func WatchingOf(w store.Watching) Watching {
	row := Watching{Customers: w.Customers, WatchCount: watchCount(w.ByVerdict()), Changes: []WatchedChange{}}
	for _, c := range w.Changes {
		row.Changes = append(row.Changes, WatchedChange{Before: c.Before, After: c.After, WatchCount: watchCount(c.ByVerdict)})
	}
	if row.Same > 0 {
		seconds := w.Median.Seconds()
		row.MedianSeconds = &seconds
	}
	return row
}

func watchCount(by map[store.Verdict]int) WatchCount {
	c := WatchCount{Same: by[store.DidTheSame], Otherwise: by[store.DidOtherwise], NotYet: by[store.NotYet], Overtaken: by[store.SourceChanged]}
	c.Would = c.Same + c.Otherwise + c.NotYet + c.Overtaken
	return c
}
