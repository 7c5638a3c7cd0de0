package reason

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
)

func TestEachThingThatCanBeDoneIsSaidInPlainWordsWhenItIsDone(t *testing.T) {
	for verb := range Offers {
		if happened[verb] == "" {
			t.Errorf("of %s the history says nothing", verb)
		}
	}
	for verb, text := range happened {
		if found := plain.Find(text); len(found) > 0 {
			t.Errorf("%s: %q %v", verb, text, found)
		}
	}
	for want, got := range map[string]string{
		"ana assigned it to ben@example.com": Happened(Assign, "ana", "to ben@example.com"),
		"ana linked it: rec_1":               Happened(Link, "ana", "rec_1"),
		"trueup closed it":                   Happened("closed", "trueup", ""),
		"ana did_more":                       Happened("did_more", "ana", ""),
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
