package stripe

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
)

func TestStripeIsNeverATarget(t *testing.T) {
	for name, tt := range map[string]struct {
		side config.Side
		want string
	}{
		"a source": {config.Side{}, ""},
		"a target": {config.Side{Target: true}, "never written to"},
	} {
		got := ""
		(&Settings{}).CheckSide(config.NewChecker(func(_, problem, remedy string) { got += problem + "; " + remedy }), tt.side)
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
