package setup

import (
	"slices"
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
	"github.com/trueup-sync/trueup/internal/status"
)

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}

func TestWhatPeopleReadIsInPlainWords(t *testing.T) {
	for _, kind := range Types {
		texts := []string{kind.Label, kind.Events, kind.Choose}
		for _, f := range kind.Fields {
			texts = append(texts, f.Label, f.Hint, f.Sample[0], f.Sample[1])
		}
		for _, text := range texts {
			for _, found := range plain.Find(text) {
				t.Errorf("%s: %s", kind.Name, found)
			}
		}
	}
	for _, l := range (Draft{Source: Tool{Name: "billing", Type: "stripe"}, Target: Tool{Name: "crm", Type: "make"}, Sync: "s", MinConfidence: 0.8,
		Owner: "a@b.example", PublicURL: "https://a.example", Values: []Value{{Value: "x"}, {Value: "a", Means: "active"}, {Value: "c", Means: "churned"}}}).Lines(Watch) {
		for _, found := range plain.Find(l.Text) {
			t.Errorf("%s: %s", l.Text, found)
		}
	}
}

func TestOnlyAWordThatSaysItsMeaningIsNotAskedAbout(t *testing.T) {
	for value, want := range map[string][2]status.Status{
		"Active": {"active", ""}, "Cancelled": {"churned", ""}, "PAUSED": {"paused", ""},
		"past_due": {"", "active"}, "PAST DUE": {"", "active"}, "on-hold": {"", "paused"}, "unpaid": {"", "paused"}, "frozen": {"", "paused"}, "incomplete_expired": {"", "ignore"},
		"grace": {}, "inactive": {}, "": {},
	} {
		if plainly, likely := meaning(value); [2]status.Status{plainly, likely} != want {
			t.Errorf("%q plainly means %q and likely %q, want %q", value, plainly, likely, want)
		}
	}
}
