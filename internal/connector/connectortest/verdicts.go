package connectortest

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

const ruleVerdict = "a tool's answer means what its configuration or its documentation says, whatever the status: a limit is no bad credential, a record in the bin is gone, and a 200 that says no has written nothing"

// Verdict is an answer that means something else than its status says. Tools
// repeat names and addresses in it; none of them may be shown.
type Verdict struct {
	Name string
	Tool http.HandlerFunc
	Do   func(ctx context.Context, c connector.Connection) (any, error)
	// Want is the kind of failure, "" for none.
	Want connector.FailureKind
	// Effect is that of a write.
	Effect connector.Effect
	// After is how long the connection has to rest.
	After time.Duration
	// Says are the words of the tool that a person is shown.
	Says string
}

func testVerdict(t *testing.T, h Harness, v Verdict) {
	w := open(t, h, v.Tool)
	_, err := w.do(t.Context(), Call{Name: v.Name, Do: v.Do})
	if v.Want == "" {
		if err != nil {
			t.Errorf("it fails: %v\nrule: %s", err, ruleVerdict)
		}
		return
	}
	f := failureOf(t, err)
	if f.Kind != v.Want {
		t.Errorf("got kind %s (%v), want %s\nrule: %s", f.Kind, f, v.Want, ruleVerdict)
	}
	if v.Effect != "" && f.Effect != v.Effect {
		t.Errorf("the effect is %s (%v), want %s\nrule: %s", f.Effect, f, v.Effect, ruleVerdict)
	}
	if f.RetryAfter != v.After {
		t.Errorf("RetryAfter is %v, want %v\nrule: %s", f.RetryAfter, v.After, ruleRetryAfter)
	}
	if !strings.Contains(f.Detail, v.Says) {
		t.Errorf("%q does not say %q", f.Detail, v.Says)
	}
}
