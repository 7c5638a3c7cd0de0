package overview

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatAComparisonFoundBesideTheFile(t *testing.T) {
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	file := config.Sync{Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}, "churned": {From: []string{"canceled"}, To: "Churned"}}, Ignore: []string{"incomplete"}}
	source := func(value string, n int, meaning string) contract.SourceWord {
		return contract.SourceWord{Value: value, Customers: n, Meaning: meaning}
	}
	found := contract.Vocabulary{SeenAt: &seen,
		Source: []contract.SourceWord{source("active", 90, contract.WordMapped), source("cancelled", 51, contract.WordUnknown), source("gold", 2, contract.WordUnknown), source("incomplete", 1, contract.WordIgnored)},
		Target: []contract.TargetWord{{Value: "Active", Records: 80, Meaning: contract.WordMapped}, {Value: "", Records: 8, Meaning: contract.WordEmpty}, {Value: "VIP", Records: 3, Meaning: contract.WordForeign}}}
	found.Unseen = unseen(found, file)
	want := &contract.Coverage{SeenAt: &seen, Unseen: []string{"canceled"}, Foreign: []contract.ForeignValue{{Value: "VIP", Records: 3}},
		Unlisted: []contract.UnlistedValue{{Value: "cancelled", Customers: 51, Near: "canceled"}, {Value: "gold", Customers: 2}}}
	if diff := cmp.Diff(want, coverage(found)); diff != "" {
		t.Error(diff)
	}
}

func TestAFieldOfAnyTextIsToldInPart(t *testing.T) {
	var found contract.Vocabulary
	for i := range store.MostWords {
		found.Source = append(found.Source, contract.SourceWord{Value: fmt.Sprint("text ", i), Customers: 1, Meaning: contract.WordUnknown})
		found.Target = append(found.Target, contract.TargetWord{Value: fmt.Sprint("text ", i), Records: 1, Meaning: contract.WordForeign})
	}
	if none := unseen(found, config.Sync{Ignore: []string{"rare"}}); len(none) > 0 {
		t.Errorf("more values were there than are kept, and %q are said to be nobody's", none)
	}
	got := coverage(found)
	if len(got.Unlisted) != mostUncovered || got.MoreUnlisted != store.MostWords-mostUncovered || len(got.Foreign) != mostUncovered || got.MoreForeign != store.MostWords-mostUncovered {
		t.Errorf("%d and %d, %d and %d", len(got.Unlisted), got.MoreUnlisted, len(got.Foreign), got.MoreForeign)
	}
}
