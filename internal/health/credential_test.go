package health

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

func TestACredentialThatGetsOldIsAWarning(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		rotate, age time.Duration
		result      Result
		says        string
	}{
		"a new one":                  {90 * day, 0, Pass, "token was first used here on 2026-11-20, today; the tool advises a new one after 90 days"},
		"a day before the warning":   {90 * day, 79 * day, Pass, "79 days"},
		"the warning":                {90 * day, 80 * day, Warning, "make a new one in the tool and write it as token"},
		"too old":                    {90 * day, 200 * day, Warning, "200 days"},
		"one that may be of any age": {0, 2000 * day, Pass, "2000 days"},
	}
	for name, tt := range tests {
		got := CredentialOf("crm", config.Credential{Key: "token", Secret: "hidden", Rotate: tt.rotate}, now.Add(-tt.age), now)
		if got.Result != tt.result || !strings.Contains(got.Sentence(), tt.says) || strings.Contains(got.Sentence(), "hidden") {
			t.Errorf("%s: %s: %s", name, got.Result, got.Sentence())
		}
	}
}

func TestAConsentThatIsNotUsedEnds(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	c := config.Credential{Key: "oauth", Idle: 365 * day}
	for age, want := range map[time.Duration]Result{0: Pass, 334 * day: Pass, 335 * day: Warning, 365 * day: Fault} {
		if got := ConsentOf("crm", c, now.Add(-age), now); got.Result != want {
			t.Errorf("after %s: %s: %s", age, got.Result, got.Sentence())
		}
	}
	if got := ConsentOf("crm", c, time.Time{}, now); got.Result != Warning {
		t.Errorf("without any: %s: %s", got.Result, got.Sentence())
	}
}
