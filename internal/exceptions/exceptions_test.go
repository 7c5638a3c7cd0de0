package exceptions

import (
	"strings"
	"testing"

	"trueup/internal/status"
	"trueup/internal/store"
)

func TestWhatIsOfferedMakesSense(t *testing.T) {
	for name, c := range map[string]struct {
		kind     status.Kind
		customer string
		state    status.State
		want     string
	}{
		"an open conflict":            {status.Conflict, "cus_1", status.Open, "apply keep retry acknowledge assign ignore resolve"},
		"an acknowledged conflict":    {status.Conflict, "cus_1", status.Acknowledged, "apply keep retry assign ignore resolve"},
		"an ignored conflict":         {status.Conflict, "cus_1", status.StateIgnored, "apply keep retry acknowledge assign resolve reopen"},
		"a resolved conflict":         {status.Conflict, "cus_1", status.Resolved, "reopen"},
		"an unmapped value":           {status.UnmappedStatus, "cus_1", status.Open, "map retry acknowledge assign ignore resolve"},
		"a value that is mapped now":  {status.UnmappedStatus, "cus_1", status.Resolved, "reopen"},
		"a connection as such":        {status.ConnectionFailed, "", status.Open, "acknowledge assign ignore resolve"},
		"an event that was not read":  {status.UnreadableEvent, "", status.Open, "acknowledge assign ignore resolve"},
		"a customer nobody can match": {status.Unmatched, "cus_1", status.Open, "link retry acknowledge assign ignore resolve"},
	} {
		x := store.Exception{NewException: store.NewException{Kind: c.kind, Customer: c.customer}, State: c.state}
		var got []string
		for _, o := range Offers(x) {
			got = append(got, string(o.Verb))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s offers %v, not %s", name, got, c.want)
		}
	}
}
