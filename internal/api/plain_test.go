package api_test

import (
	"os"
	"testing"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/plain"
)

// TestTheDocumentOfTheAPIIsPlain reads every description of it, and the errors
// by which a plan is refused.
func TestTheDocumentOfTheAPIIsPlain(t *testing.T) {
	document, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"openapi.json": string(document)}
	for _, err := range []error{compare.ErrSuperseded, compare.ErrOtherRules, compare.ErrWatching} {
		texts[err.Error()] = err.Error()
	}
	for where, text := range texts {
		for _, found := range plain.Find(text) {
			t.Errorf("%s: %s", where, found)
		}
	}
}
