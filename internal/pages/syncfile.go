package pages

import (
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// FileInUse is the configuration's file as people may see it.
type FileInUse struct {
	Path  string
	Lines []config.ShownLine
	// First and Last are the lines of the sync, 0 where it has none of its own.
	First, Last int
	ReadAt      time.Time
	// Faults is how many keep a later text of it from being used since FaultsAt, and
	// Fault says what the first of them is.
	Faults   int
	Fault    string
	FaultsAt time.Time
}

// Hidden is how many lines of the file leave something out.
func (f FileInUse) Hidden() (n int) {
	for _, l := range f.Lines {
		if l.Hidden {
			n++
		}
	}
	return n
}

// Number is that of a line, and Own says that it is about the sync.
func (f FileInUse) Number(i int) int { return i + 1 }
func (f FileInUse) Own(i int) bool   { return f.First <= i+1 && i+1 <= f.Last }

// fileNeed says that the file on disk is not the one in use.
func fileNeed(v *visit) (n need, ok bool) {
	f := v.File("")
	if f.Faults == 0 {
		return n, false
	}
	n = need{Icon: "warning", Class: "bad", Title: "The changed trueup.yaml is not used", Why: "It has " + plural(f.Faults, "fault") + ". Trueup goes on with the file that it read before.",
		To: "/activity?what=map", Since: &f.FaultsAt, Do: "See its changes", DoTo: "/activity?what=map"}
	if v.may(store.Operator) {
		n.Why += " " + capital(f.Fault) + "."
		for _, sync := range slices.Sorted(maps.Keys(v.Syncs())) {
			n.To, n.Do = "/syncs/"+url.PathEscape(sync)+"#file", "See the file"
			n.DoTo = n.To
			break
		}
	}
	return n, true
}
