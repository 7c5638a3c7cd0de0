package health

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

func TestAToolThatIsAwayForAWhileIsNoFault(t *testing.T) {
	of := func(kind connector.FailureKind) error {
		return fmt.Errorf("read: %w", &connector.Failure{Kind: kind, Detail: "the detail"})
	}
	for name, tt := range map[string]struct {
		err  error
		want Result
	}{
		"it answers": {nil, Pass}, "it is away": {of(connector.Transient), Warning}, "it is busy": {of(connector.RateLimited), Warning},
		"it refuses the credentials": {of(connector.Unauthorized), Fault}, "its answer is another": {of(connector.Misconfigured), Fault},
		"a fault of ours": {errors.New("no such field"), Fault}, "two": {errors.Join(errors.New("one"), errors.New("two")), Fault},
	} {
		if got := Of("crm", true, tt.err); got.Result != tt.want || strings.Contains(got.Sentence(), "\n") {
			t.Errorf("%s: %s: %s", name, got.Result, got.Sentence())
		}
	}
}

func TestNothingIsSaidOfAToolThatWasNotCalled(t *testing.T) {
	if got := Of("crm", false, nil); got.Result != Unknown || !strings.HasPrefix(got.Text, "cannot tell") {
		t.Error(got)
	}
}

func TestFaultsComeBeforeWarnings(t *testing.T) {
	all := []Check{{Result: Warning, Text: "1"}, {Result: Pass}, {Result: Unknown}, {Result: Fault, Text: "2"}, {Result: Warning, Text: "3"}}
	if got := Bad(all); len(got) != 3 || got[0].Text+got[1].Text+got[2].Text != "213" {
		t.Errorf("%v", got)
	}
}
