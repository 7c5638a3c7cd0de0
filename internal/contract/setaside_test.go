package contract

import (
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatWasSetAsideIsSaidInOneSentenceForEachSide(t *testing.T) {
	var w store.Sweep
	if SetAsideOf(w) != nil || SetAsideOf(w).Texts("billing", "crm") != nil {
		t.Error("something is said of nothing")
	}
	w.SetAside(store.TargetSide, store.Aside{Problem: "record.id: there is none"})
	for _, id := range []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7"} {
		w.SetAside(store.SourceSide, store.Aside{ID: id, Problem: "record.status: the value is a list"})
	}
	want := []string{"7 records of billing cannot be read and are not compared: c1, c2, c3, c4, c5 and 2 more (the first: record.status: the value is a list)",
		"1 record of crm cannot be read and is not compared (record.id: there is none)"}
	if got := SetAsideOf(w).Texts("billing", "crm"); !slices.Equal(got, want) {
		t.Errorf("it says %q", got)
	}
}
