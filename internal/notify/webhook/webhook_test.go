package webhook

import (
	"net/http"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

func TestAReceiverThatIsBusyIsLeftAloneForAsLongAsItSays(t *testing.T) {
	for name, tc := range map[string]struct {
		header      string
		least, most time.Duration
	}{
		"it does not say":               {"", time.Second, time.Second},
		"in seconds":                    {"30", 30 * time.Second, 30 * time.Second},
		"as a time":                     {time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), 9 * time.Minute, 10 * time.Minute},
		"in a year, which no one means": {"31536000", time.Hour, time.Hour},
		"more than a Duration holds":    {"9999999999999", time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			f := connector.FailureOf(outcome(&http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {tc.header}}}))
			if f.Kind != connector.RateLimited || f.RetryAfter < tc.least || f.RetryAfter > tc.most {
				t.Errorf("%s, after %s", f.Kind, f.RetryAfter)
			}
		})
	}
}
