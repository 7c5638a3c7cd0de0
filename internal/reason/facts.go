package reason

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Facts are what a sentence is made of. Which of them a code has is in the
// catalogue; the others are zero.
type Facts struct {
	// Text is the whole sentence of a reason without a code.
	Text string `json:"text,omitempty"`

	Sync string `json:"sync,omitempty"`
	// Source and Target are the connections of the sync, Connection is any.
	Source     string `json:"source,omitempty"`
	Target     string `json:"target,omitempty"`
	Connection string `json:"connection,omitempty"`

	// Customer is another customer than the row's, Record and Survivor are
	// records of the target, Event is an event's id and By is who did it. Only
	// these and Decider name anybody, and Text and Detail, which may hold anything.
	Customer string `json:"customer,omitempty"`
	Record   string `json:"record,omitempty"`
	Survivor string `json:"survivor,omitempty"`
	Event    string `json:"event,omitempty"`
	By       string `json:"by,omitempty"`
	// Decider is the customer whose status decides for Sharing customers of the
	// source that are one; every code may have them.
	Decider string `json:"decider,omitempty"`
	Sharing int    `json:"sharing,omitempty"`

	// Value is what is, or was, to be written, or the source's word; Found is
	// what is there instead and Planned what a plan has.
	Value   string        `json:"value,omitempty"`
	Found   string        `json:"found,omitempty"`
	Planned string        `json:"planned,omitempty"`
	Status  status.Status `json:"status,omitempty"`
	// Statuses are the statuses of a limit, Values the options of a field and
	// Missing those that it has lost.
	Statuses []string `json:"statuses,omitempty"`
	Values   []string `json:"values,omitempty"`
	Missing  []string `json:"missing,omitempty"`

	// Rule is a match rule, Key a key of a record and Keys those that are empty.
	Rule string   `json:"rule,omitempty"`
	Key  string   `json:"key,omitempty"`
	Keys []string `json:"keys,omitempty"`

	// Doing is what failed and Detail what the tool, or the database, answered.
	Doing  Doing  `json:"doing,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Plan is the beginning of a plan's hash.
	Plan string `json:"plan,omitempty"`

	Count     int     `json:"count,omitempty"`
	Tried     int     `json:"tried,omitempty"`
	Most      int     `json:"most,omitempty"`
	Known     int     `json:"known,omitempty"`
	Limit     int     `json:"limit,omitempty"`
	Percent   float64 `json:"percent,omitempty"`
	Sure      float64 `json:"sure,omitempty"`
	LeastSure float64 `json:"least_sure,omitempty"`

	// At is when the source changed, as far as is known; Earliest says that it
	// may have been later. An edit of the target was made between From and To.
	At       time.Time `json:"at,omitzero"`
	Earliest bool      `json:"earliest,omitempty"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	// Person says that a person made it, and Kept that a change waits for its
	// sync to be live.
	Person bool `json:"person,omitempty"`
	Kept   bool `json:"kept,omitempty"`
	// Since is since when it has been so, and Within how long a limit counts.
	Since  time.Time `json:"since,omitzero"`
	Within string    `json:"within,omitempty"`
	// Until is when what waits is looked at again, and Hours are those in which a
	// status is written.
	Until time.Time `json:"until,omitzero"`
	Hours string    `json:"hours,omitempty"`

	// Kind is that of an exception, Changes are settings of the file.
	Kind    status.Kind `json:"kind,omitempty"`
	Changes []Change    `json:"changes,omitempty"`

	Writes   []Write   `json:"writes,omitempty"`
	Undone   []Undoing `json:"undone,omitempty"`
	Slowed   []Slow    `json:"slowed,omitempty"`
	Accounts []Account `json:"accounts,omitempty"`
	// Reader is for whom it is told, nil for programs and logs.
	Reader *Reader `json:"-"`
	// Because is the reason within this one, All are several at once.
	Because *Reason  `json:"because,omitempty"`
	All     []Reason `json:"all,omitempty"`
}

// Write is a value that was written.
type Write struct {
	Value string    `json:"value"`
	At    time.Time `json:"at"`
}

// Undoing is a write that was gone at the next look.
type Undoing struct {
	Written time.Time `json:"written"`
	Found   string    `json:"found"`
	At      time.Time `json:"at"`
	By      string    `json:"by"` // an editor's kind, and no person's name
}

// Slow is a connection that holds a queue up.
type Slow struct {
	Connection string    `json:"connection"`
	Until      time.Time `json:"until,omitzero"`
	Detail     string    `json:"detail,omitempty"`
}

// Account is a side of a sync that reaches another account than its links'.
type Account struct {
	Side string    `json:"side"`
	Was  string    `json:"was"`
	At   time.Time `json:"at,omitzero"`
	Now  string    `json:"now"`
}

// Doing is what a call was for, out of a closed set.
type Doing string

// What calls are for.
const (
	Syncing         Doing = "syncing"
	Searching       Doing = "searching"
	ReadingCustomer Doing = "reading_customer"
	ReadingEvent    Doing = "reading_event"
	ReadingRecord   Doing = "reading_record"
	ReadingSurvivor Doing = "reading_survivor"
	Writing         Doing = "writing"
	Confirming      Doing = "confirming"
	Polling         Doing = "polling"
	Comparing       Doing = "comparing"
)

// doings are their texts: what is done, and what stands behind the connection.
var doings = map[Doing]func(f Facts) string{
	Syncing:         func(f Facts) string { return "syncing to " + or(f.Connection, "the target") },
	Searching:       func(f Facts) string { return "searching " + or(f.Connection, "the target") },
	ReadingCustomer: func(f Facts) string { return "reading the customer in " + or(f.Connection, "the source") },
	ReadingEvent:    func(f Facts) string { return "reading the event of " + or(f.Connection, "the source") },
	ReadingRecord:   func(f Facts) string { return "reading the record in " + or(f.Connection, "the target") },
	ReadingSurvivor: func(f Facts) string {
		return "reading the record that remains after a merge in " + or(f.Connection, "the target")
	},
	Writing: func(f Facts) string {
		return "writing " + or(f.Value, "the value") + " to " + or(f.Connection, "the target")
	},
	Confirming: func(f Facts) string { return "checking whether a write arrived in " + or(f.Connection, "the target") },
	Polling:    func(f Facts) string { return "asking " + or(f.Connection, "the source") + " for its changes" },
	Comparing:  func(Facts) string { return "comparing both sides" },
}

// text says it with its connection.
func (d Doing) text(f Facts) string {
	if say, ok := doings[d]; ok {
		return say(f)
	}
	return "a call to " + or(f.Connection, "a tool")
}

// Rename returns the facts with what names somebody replaced: keyed gets each id
// and name by itself, prose each text that may hold anything. changed reports
// whether either did anything.
func (f Facts) Rename(keyed, prose func(string) (string, bool)) (renamed Facts, changed bool) {
	one := func(with func(string) (string, bool), field *string) {
		if text, here := with(*field); here {
			*field, changed = text, true
		}
	}
	for _, field := range []*string{&f.Customer, &f.Record, &f.Survivor, &f.Event, &f.By, &f.Decider} {
		one(keyed, field)
	}
	for _, field := range []*string{&f.Text, &f.Detail} {
		one(prose, field)
	}
	within := func(r Reason) Reason {
		facts, here := r.Facts.Rename(keyed, prose)
		changed = changed || here
		return Reason{Code: r.Code, Facts: facts}
	}
	if f.Because != nil {
		inner := within(*f.Because)
		f.Because = &inner
	}
	if len(f.All) > 0 {
		all := make([]Reason, len(f.All))
		for i, r := range f.All {
			all[i] = within(r)
		}
		f.All = all
	}
	return f, changed
}
