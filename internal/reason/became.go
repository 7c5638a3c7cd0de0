package reason

import (
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// becames are what has become of an event in a few words, for tables.
var becames = map[status.Became]string{
	status.BecameWaiting:  "waiting",
	status.BecameDone:     "done",
	status.BecameWritten:  "since written",
	status.BecameEqual:    "both sides agree since",
	status.BecameIgnored:  "value ignored since",
	status.BecameReplayed: "replayed since",
	status.BecameSettled:  "settled by a person",
	status.BecameGone:     "customer no longer known",
	status.BecameOpen:     "still open",
}

// stillOpen says in a few words what keeps an event open where no exception does.
var stillOpen = map[Code]string{
	ChangeWaits:    "waits for its time",
	CustomerPinned: "customer pinned",
	OnlyWatched:    "the sync only watches",
	WaitsForPlan:   "waits for a plan",
	SyncHalted:     "sync halted",
	SyncPaused:     "sync paused",
	NotThereYet:    "no record yet",
}

// Became says what has become of an event: kind is of the exception that is open
// about its customer, and code is why the customer stands as it does.
func Became(b status.Became, kind status.Kind, code Code) string {
	text := becames[b]
	if b != status.BecameOpen {
		return text
	}
	if name := KindNames[kind]; name != "" {
		return text + ": " + strings.ToLower(name[:1]) + name[1:]
	}
	if why := stillOpen[code]; why != "" {
		return text + ": " + why
	}
	return text
}
