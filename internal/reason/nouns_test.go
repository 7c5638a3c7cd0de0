package reason

import (
	"os"
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestEveryRefusalHasAText(t *testing.T) {
	for _, r := range status.Refusals {
		if found := plain.Find(Refusals[r]); Refusals[r] == "" || len(found) > 0 {
			t.Errorf("%s: %q %v", r, Refusals[r], found)
		}
	}
}

func TestEveryKindOutcomeAndStageHasAText(t *testing.T) {
	texts := map[string]string{}
	for _, k := range status.Kinds {
		texts[string(k)] = Kinds[k]
		if name := KindNames[k]; name == "" || len(name) > 40 {
			t.Errorf("%s has the name %q", k, name)
		}
		if _, err := os.Stat("../../docs/exceptions/" + string(k) + ".md"); err != nil {
			t.Errorf("%s has no page: %v", k, err)
		}
	}
	for _, o := range status.Outcomes {
		texts[string(o)] = Outcomes[o]
	}
	for _, s := range status.Stages {
		texts[string(s)] = Stages[s]
	}
	for name, text := range texts {
		if found := plain.Find(text); text == "" || len(text) > 90 || len(found) > 0 {
			t.Errorf("%s: %q %v", name, text, found)
		}
	}
	if n := len(Kinds) + len(Outcomes) + len(Stages); n != len(texts) {
		t.Errorf("%d texts for %d names", n, len(texts))
	}
}
