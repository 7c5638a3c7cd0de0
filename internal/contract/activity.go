package contract

import (
	"cmp"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Activity is an act of a person or a program: who changed what, and by which way.
type Activity struct {
	ID        int64              `json:"id"`
	At        *time.Time         `json:"at"`
	Who       string             `json:"who" doc:"A person, api: and the name of a token, or trueup."`
	WhoName   string             `json:"who_name" doc:"What people call who: a person by the name, a token by its own."`
	For       string             `json:"for" doc:"The person that a token acted for; empty if the request named no one."`
	ForName   string             `json:"for_name" doc:"What people call the person that a token acted for."`
	Way       store.Way          `json:"way" doc:"How it came to Trueup; empty for what Trueup did without being asked."`
	About     reason.Topic       `json:"about"`
	Sync      string             `json:"sync" doc:"Empty if it concerns no single sync."`
	Customer  string             `json:"customer" doc:"Empty if it concerns no single customer."`
	Name      string             `json:"name" doc:"The customer's name, where the source shows one."`
	Code      reason.Code        `json:"code" doc:"What was done: one of a set that may grow."`
	Text      string             `json:"text" doc:"What was done, as a sentence without a subject. Its wording may change: a program goes by code."`
	Reason    string             `json:"reason" doc:"The reason that the person gave."`
	Kind      status.Kind        `json:"kind" doc:"The kind of the exception, where it was about one."`
	Count     int                `json:"count" doc:"How many customers it was, if it was more than one."`
	Customers []ActivityCustomer `json:"customers" doc:"The first 20 of them, if it was more than one."`
	Saw       *ActivitySaw       `json:"saw,omitempty" doc:"The values that the person decided on."`
	Changes   []SettingChange    `json:"changes" doc:"The settings that differ, where the file was read again."`
}

// ActivityCustomer is one of several customers.
type ActivityCustomer struct {
	Customer string `json:"customer"`
	Name     string `json:"name"`
}

// ActivitySaw is what both tools held when a person decided.
type ActivitySaw struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// ActivityOf converts an act of somebody whose name is known.
func ActivityOf(a store.Activity, names Names) Activity {
	f := a.Act.Facts
	row := Activity{ID: a.ID, At: Stamp(a.At), Who: a.Who, WhoName: names.Of(a.Who), For: a.For, ForName: names.Of(a.For), Way: a.Way, About: reason.TopicOf(a.Act.Code), Sync: a.Sync, Customer: a.Customer, Name: a.Name,
		Code: a.Act.Code, Reason: a.Why, Kind: f.Kind, Customers: []ActivityCustomer{}, Changes: []SettingChange{}}
	for _, c := range f.Changes {
		row.Changes = append(row.Changes, SettingChange(c))
	}
	if len(a.All) > 1 { // the first of them stands for none alone
		row.Customer, row.Name, row.Count = "", "", f.Count
		for _, c := range a.All {
			row.Customers = append(row.Customers, ActivityCustomer(c))
		}
	}
	if a.Act.Code == reason.ActUsedSource || a.Act.Code == reason.ActKeptTarget {
		row.Saw = &ActivitySaw{Source: f.Value, Target: f.Found}
	}
	// The sentence names the customer as people know it, and the sync as it is called now.
	f.Sync, f.Customer = a.Sync, cmp.Or(row.Name, row.Customer)
	row.Text = reason.Reason{Code: a.Act.Code, Facts: f}.Sentence()
	return row
}

// Names are what people are called, by how a history or an owner names them: an
// address, or slack: and an id.
type Names map[string]string

// Of returns what somebody is called.
func (n Names) Of(who string) string { return cmp.Or(n[who], DoerName(who)) }

// DoerName is who did something, for people.
func DoerName(who string) string {
	if name, ok := strings.CutPrefix(who, "slack:"); ok {
		name, _, _ = strings.Cut(name, " (")
		return name
	}
	if who == "trueup" {
		return "Trueup"
	}
	return strings.TrimPrefix(who, "api:")
}
