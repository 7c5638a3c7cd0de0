package contract

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

func TestTheAgreementOfAPlanIsANumberAlways(t *testing.T) {
	for name, c := range map[string]struct {
		of   store.Summary
		want float64
	}{
		"of all who are carried": {store.Summary{Agree: 3, Write: 1}, 0.75},
		"of nobody":              {store.Summary{NotCarried: 4}, 1},
	} {
		if got := PlanOf(store.Sweep{Summary: c.of}).Summary.Agreement; got != c.want {
			t.Errorf("%s it is %v, not %v", name, got, c.want)
		}
	}
}
