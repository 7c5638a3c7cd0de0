package pages

import (
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// exceptionFilter is what the address of the list chooses.
type exceptionFilter struct {
	State, Sync, Kind, Owner, Age string
	// Cause and Own choose the exceptions of one cause.
	Cause string
	Own   bool
}

func filterOf(q url.Values) exceptionFilter {
	f := exceptionFilter{State: q.Get("state"), Sync: q.Get("sync"), Kind: q.Get("kind"), Owner: q.Get("owner"), Age: q.Get("age"), Cause: q.Get("cause"), Own: q.Get("own") != ""}
	if !slices.Contains([]string{"acknowledged", "ignored", "resolved"}, f.State) {
		f.State = "open"
	}
	if !slices.Contains(status.Kinds, status.Kind(f.Kind)) {
		f.Kind = ""
	}
	return f
}

// nobody is the owner of what nobody owns, in an address.
const nobody = "-"

// chosen is the filter for the store.
func (f exceptionFilter) chosen(v *visit) store.ExceptionFilter {
	c := store.ExceptionFilter{Sync: f.Sync, Kind: status.Kind(f.Kind), Cause: f.Cause, Own: f.Own, States: store.NeedPerson}
	if f.State != "open" {
		c.States = []status.State{status.State(f.State)}
	}
	switch f.Owner {
	case "":
	case nobody:
		c.Owners = []string{""}
	default:
		c.Owner = f.Owner
	}
	return overview.OpenFor(c, f.Age, v.Syncs())
}

// Narrowed reports whether the filter leaves out anything but a state.
func (f exceptionFilter) Narrowed() bool {
	return f.Sync+f.Kind+f.Owner+f.Age+f.Cause != "" || f.Own
}

// link is the address of the list with some of it changed: names and values in turn.
func (f exceptionFilter) link(change ...string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		} else {
			q.Del(name)
		}
	}
	for name, value := range map[string]string{"state": f.State, "sync": f.Sync, "kind": f.Kind, "owner": f.Owner, "age": f.Age, "cause": f.Cause, "own": map[bool]string{true: "1"}[f.Own]} {
		set(name, value)
	}
	for i := 0; i+1 < len(change); i += 2 {
		set(change[i], change[i+1])
	}
	if q.Get("state") == "open" {
		q.Del("state")
	}
	if len(q) == 0 {
		return "/exceptions"
	}
	return "/exceptions?" + q.Encode()
}

// Download is the address of the chosen exceptions as CSV.
func (f exceptionFilter) Download() string {
	return strings.Replace(f.link(), "/exceptions", "/exceptions.csv", 1)
}

// none says why a list is empty.
func (f exceptionFilter) none(open int, names contract.Names) string {
	text := "No "
	if f.State != "open" {
		text += f.State + " "
	} else {
		text += "open "
	}
	text += "exception"
	if f.Sync != "" {
		text += " for " + f.Sync
	}
	if f.Kind != "" {
		text += " of the kind “" + reason.KindNames[status.Kind(f.Kind)] + "”"
	}
	switch f.Owner {
	case "":
	case nobody:
		text += " without an owner"
	default:
		text += " of " + names.Of(f.Owner)
	}
	text += map[string]string{overview.OverADay: " that is older than a day", overview.OverAWeek: " that is older than a week", overview.IsOverdue: " that is overdue"}[f.Age]
	switch {
	case open == 1:
		return text + ". 1 is open."
	case open > 0 && (f.State != "open" || f.Narrowed()):
		return text + ". " + num(open) + " are open."
	}
	return text + ". Nobody is needed."
}
