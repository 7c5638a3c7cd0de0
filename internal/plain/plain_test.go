package plain_test

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
)

func TestEachMarkIsFoundAndPlainWordsAreNot(t *testing.T) {
	for _, m := range plain.Marks {
		if found := plain.Find("Then it " + m.Mark + ", and again."); len(found) != 1 {
			t.Errorf("%q is found %d times: %v", m.Mark, len(found), found)
		}
	}
	for _, text := range []string{"The renewal is looked up again.", "no one changed it", "a new plan", "By default, 10."} {
		if found := plain.Find(text); len(found) > 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
	if found := plain.Find("It is to\n  be read ANEW."); len(found) != 2 {
		t.Errorf("over the end of a line, and in capitals: %v", found)
	}
}
