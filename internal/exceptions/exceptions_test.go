package exceptions

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatIsOfferedMakesSense(t *testing.T) {
	for name, c := range map[string]struct {
		kind     status.Kind
		customer string
		state    status.State
		want     string
		why      reason.Code
	}{
		"a record that is gone":       {kind: status.BrokenLink, customer: "cus_1", state: status.Open, why: reason.RecordGone, want: "rematch link retry acknowledge assign ignore resolve"},
		"a customer that is gone":     {kind: status.BrokenLink, customer: "cus_1", state: status.Open, why: reason.CustomerGone, want: "retry acknowledge assign ignore resolve"},
		"an open conflict":            {kind: status.Conflict, customer: "cus_1", state: status.Open, want: "apply keep retry acknowledge assign ignore resolve"},
		"an acknowledged conflict":    {kind: status.Conflict, customer: "cus_1", state: status.Acknowledged, want: "apply keep retry assign ignore resolve"},
		"an ignored conflict":         {kind: status.Conflict, customer: "cus_1", state: status.StateIgnored, want: "apply keep retry acknowledge assign resolve reopen"},
		"a resolved conflict":         {kind: status.Conflict, customer: "cus_1", state: status.Resolved, want: "reopen"},
		"an unmapped value":           {kind: status.UnmappedStatus, customer: "cus_1", state: status.Open, want: "map retry acknowledge assign ignore resolve"},
		"a value that is mapped now":  {kind: status.UnmappedStatus, customer: "cus_1", state: status.Resolved, want: "reopen"},
		"a connection as such":        {kind: status.ConnectionFailed, customer: "", state: status.Open, want: "acknowledge assign ignore resolve"},
		"an event that was not read":  {kind: status.UnreadableEvent, customer: "", state: status.Open, want: "acknowledge assign ignore resolve"},
		"a customer nobody can match": {kind: status.Unmatched, customer: "cus_1", state: status.Open, want: "link retry acknowledge assign ignore resolve"},
	} {
		x := store.Exception{NewException: store.NewException{Kind: c.kind, Customer: c.customer, Reason: reason.Reason{Code: c.why}}, State: c.state}
		var got []string
		for _, o := range Offers(x) {
			got = append(got, string(o.Verb))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s offers %v, not %s", name, got, c.want)
		}
	}
}
